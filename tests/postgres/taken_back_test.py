"""Goal: a database that was put back to an earlier state is believed as it is: what is gone is
executed again, once, and what is there is not. A server that runs meanwhile answers nothing more.

Method: a dump is taken after some transfers, more follow, and it is restored: at once, and again
with transfers of another folder since, so that the new history is as long as the old one. Each id
is then sent twice from the folder that knew the old history; the balance is what the ids add up to.
Then a server alone, whose database's files are kept and put back: with its own lease in them, and
with one of before. Nobody writes; a restart of the database as it is takes nothing away.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "ha")]

from cli_harness import DONE, Wallet, check, equal, new_id, sample, serving  # noqa: E402
from ha_harness import wait_for  # noqa: E402
from kill_test import post as post_on  # noqa: E402
from postgres_harness import Postgres, folder_keep, folder_put_back  # noqa: E402


OPTIONS = ("--plain", "--anonymous", "--no-log")  # a log would tell that too, and `check` with it


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

    def pay_surely(self, amount):
        """Beside a database that was just started: again with the same id until it is answered."""
        one = new_id()
        wait_for("a transfer", lambda: self.wallet.run(
            "transfer", "create", "--id", one, "--debit", self.bank, "--credit", self.shop,
            "--amount", amount, code=None).code == DONE)

    def has(self, amount):
        self.wallet.check_totals()
        equal(self.wallet.totals()["EUR"][:2], [amount, amount], "what was paid in cents")


def client(server, program, *words):
    server._run(program, "-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", "-d",
                "tpwallet", *words)


def restored(server, dump):
    server.psql("DROP SCHEMA tpwallet CASCADE")
    client(server, "pg_restore", dump)


def lines(server):
    with open(server.log, encoding="utf-8", errors="replace") as file:
        return [json.loads(line) for line in file
                if '"journal.taken_back"' in line and line.endswith("\n")]


def post(server, path, body):
    connection = server.connection()
    try:
        return post_on(connection, path, body)
    finally:
        connection.close()


def get(server, path):
    connection = server.connection()
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def paid(server, shop):
    """In cents; or the status, when there is no answer."""
    status, body = get(server, f"/v1/accounts/{shop}")
    return int(json.loads(body)["balance"]["net"].replace(".", "")) if status == 200 else -status


def answers_nothing(server, shop, times):
    wait_for("it to say so", lambda: len(lines(server)) == times)
    line = lines(server)[-1]
    equal(line["level"], "error", "level of the line")
    check(line["head_batch"] < line["known_batch"] and "operating.md" in line["hint"], f"{line}")
    wait_for("its metrics to say so", lambda: sample(get(server, "/metrics")[1],
                                                     "tpwallet_damaged") == 1)
    for path in (f"/v1/accounts/{shop}", "/v1/trial-balance", "/v1/accounts", "/readyz"):
        equal(get(server, path)[0], 503, f"status of {path}")
    status, body = post(server, "/v1/accounts", {"id": new_id(), "asset": "EUR",
                                                 "kind": "liability"})
    equal(status, 503, f"status of a write: {body}")


def beside_a_server(database, ledger, cents):
    wallet = ledger.wallet
    with serving(wallet, *OPTIONS) as server:
        folder_keep(database)
        wait_for("it to answer", lambda: paid(server, ledger.shop) == cents)
        ledger.pay_surely("1.00")
        folder_put_back(database)
        answers_nothing(server, ledger.shop, 1)
    with serving(wallet, *OPTIONS) as server:
        wait_for("it to answer", lambda: paid(server, ledger.shop) != -503)
        equal(paid(server, ledger.shop), cents, "what the database says, after a restart")
        ledger.pay_surely("2.00")
        folder_put_back(database)  # with the lease of the server before
        answers_nothing(server, ledger.shop, 2)
    with serving(wallet, *OPTIONS) as server:
        ledger.pay_surely("3.00")
        database.restart()
        wait_for("it to go on", lambda: paid(server, ledger.shop) == cents + 300)
        ledger.pay_surely("4.00")
        equal(paid(server, ledger.shop), cents + 700, "what was paid")
        equal(len(lines(server)), 2, "a restart of the database is told")
    wallet.run("check")


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
        beside_a_server(server, ledger, 4300)


if __name__ == "__main__":
    main()
