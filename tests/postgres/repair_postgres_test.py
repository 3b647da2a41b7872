"""Goal: a ledger whose journal is in PostgreSQL is repaired as one in a folder is.

Method: tests/doctor/repair_test.py, on a folder made with --store: the rehearsal's copies are taken
out of the database, the plan is applied through the server and checked there.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "doctor")]

import repair_test  # noqa: E402
from cli_harness import Wallet  # noqa: E402
from cli_postgres_test import StoreWallet  # noqa: E402
from postgres_harness import Postgres  # noqa: E402


def main():
    with Postgres() as database:
        # What is restored from a backup is a folder of its own.
        repair_test.Wallet = lambda name: (StoreWallet(name, database.url) if name == "wallet"
                                           else Wallet(name))
        repair_test.main()


if __name__ == "__main__":
    main()
