"""Goal: webhooks in and out work with their stores in PostgreSQL as with files: once, in order, over
kills; and nothing of them is in the folder.

Method: all of tests/e2e/webhooks_test.py, with each of its ledgers in a database of its own.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import webhooks_test  # noqa: E402
from cli_harness import DONE, Wallet, check  # noqa: E402
from postgres_harness import Postgres  # noqa: E402


def stored_in(database, made):
    """A class of wallets whose `init` makes a database, and the ledger in it."""

    class StoreWallet(Wallet):
        def __init__(self, name):
            super().__init__(name)
            made.append(self)
            self.database = f"wallet_{name}"

        def run(self, *words, code=DONE, **options):
            if words[0] == "init":
                database.psql(f"CREATE DATABASE {self.database} ENCODING 'UTF8'"
                              " TEMPLATE template0")
                url = database.url.replace("/tpwallet", f"/{self.database}")
                words += ("--store", url)
            return super().run(*words, code=code, **options)

    return StoreWallet


def main():
    made = []
    with Postgres() as database:
        webhooks_test.Wallet = stored_in(database, made)
        webhooks_test.main()
        for wallet in made:
            found = [name for name in os.listdir(wallet.folder) if name.endswith(".db")]
            check(set(found) <= {"index.db"}, f"files of stores in {wallet.folder}: {found}")
        count = database.psql("SELECT count(*) FROM tpwallet.inbox", database="wallet_in")
        check(int(count) > 10, f"webhooks in the database: {count}")


if __name__ == "__main__":
    main()
