"""Goal: a ledger with three lanes whose journals are in one PostgreSQL database does what one in
files does: money goes between its lanes, killed servers lose and double nothing, check finds all
sound.

Method: the transfers, kills and comparisons of tests/e2e/lanes_test.py, on a folder made with
--store. Then the database is looked at: a row per lane, and batches of each.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import lanes_test  # noqa: E402
from cli_harness import Wallet, check, equal  # noqa: E402
from postgres_harness import Postgres  # noqa: E402


def lanes_are_kept_apart(database):
    rows = database.psql("SELECT number || ':' || (sequence > 0) FROM tpwallet.lane ORDER BY 1")
    wanted = [f"{lane}:true" for lane in range(lanes_test.LANES)]
    equal(rows.split(), wanted, "a row for each lane, with batches")


def main():
    with Postgres() as database:
        wallet = Wallet("ledger")
        url = database.url
        wallet.run("init", "--lanes", str(lanes_test.LANES), "--store", url)
        for lane in range(1, lanes_test.LANES):
            folder = os.path.join(wallet.folder, "lanes", str(lane))
            check(not os.path.exists(os.path.join(folder, "journal.db")), "no journal there")
        lanes_test.first_life(wallet, lanes_test.key_of(wallet))
        checked = lanes_test.lanes_of(wallet.run("check", "--json"))
        equal([one["sound"] for one in checked], [True] * lanes_test.LANES, "all are sound")
        lanes_are_kept_apart(database)


if __name__ == "__main__":
    main()
