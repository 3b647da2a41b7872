"""Goal: a database that was put back to an earlier state, or another one under a folder's URL, is
believed as it is: what is gone is executed again, once, and what is there is not.

Method: a dump is taken after some transfers, more follow, and it is restored: at once, and again
with transfers of another folder since, so that the new history is as long as the old one. Each id
is then sent twice from the folder that knew the old history; the balance is what the ids add up to.
At last that folder's URL is changed to another database, which has some of the ids.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

from cli_harness import Wallet, check, equal, new_id  # noqa: E402
from postgres_harness import Postgres  # noqa: E402


class Ledger:
    """One folder's view of a bank that pays into a shop."""

    def __init__(self, name, url, bank, shop):
        self.wallet = Wallet(name)
        self.wallet.run("init", "--store", url)
        self.bank, self.shop = bank, shop

    def accounts(self):
        self.wallet.run("account", "create", self.bank, "--kind", "equity")
        self.wallet.run("account", "create", self.shop, "--kind", "liability")

    def pay(self, one, amount):
        return self.wallet.run("transfer", "create", "--id", one, "--debit", self.bank, "--credit",
                               self.shop, "--amount", amount)

    def has(self, amount):
        self.wallet.check_totals()
        equal(self.wallet.totals()["EUR"][:2], [amount, amount], "what was paid in cents")


def client(server, program, *words):
    server._run(program, "-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", "-d",
                "tpwallet", *words)


def restored(server, dump):
    server.psql("DROP SCHEMA tpwallet CASCADE")
    client(server, "pg_restore", dump)


def main():
    bank, shop = new_id(), new_id()
    kept, first, second = new_id(), new_id(), new_id()
    with Postgres() as server:
        dump = f"{server.folder}/dump"
        ledger = Ledger("one", server.url, bank, shop)
        ledger.accounts()
        ledger.pay(kept, "1.00")
        client(server, "pg_dump", "-Fc", "-f", dump)

        ledger.pay(first, "2.00")
        ledger.pay(second, "3.00")
        ledger.has(600)
        restored(server, dump)
        for turn in range(2):
            for one, amount in ((kept, "1.00"), (first, "2.00"), (second, "3.00")):
                said = ledger.pay(one, amount)
                repeated = str(one == kept or turn == 1).lower()
                check(f"repeated  {repeated}" in said.out, f"{said!r}")
        ledger.has(600)
        ledger.wallet.run("transfer", "show", first)
        ledger.wallet.run("check")

        restored(server, dump)
        other = Ledger("two", server.url, bank, shop)
        others = [new_id() for _ in range(4)]
        for one in others:
            other.pay(one, "10.00")
        equal(other.wallet.head() > 5, True, "the new history is as long as the old one was")
        said = ledger.pay(first, "2.00")
        check("index.discarded" in said.err and "another batch" in said.err, f"{said!r}")
        ledger.pay(first, "2.00")
        for one in others:
            ledger.pay(one, "10.00")
        ledger.has(4300)
        ledger.wallet.run("check")

        server.psql("CREATE DATABASE second ENCODING 'UTF8' TEMPLATE template0",
                    database="postgres")
        url = server.url.replace("/tpwallet", "/second")
        third = Ledger("three", url, bank, shop)
        third.accounts()
        for one in (second, *others, kept):
            third.pay(one, "1.00")
        with open(os.path.join(ledger.wallet.folder, "store"), "w", encoding="utf-8") as file:
            file.write(url + "\n")
        ledger.pay(second, "1.00")
        ledger.pay(first, "1.00")
        ledger.has(700)


if __name__ == "__main__":
    main()
