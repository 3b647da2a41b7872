"""Goal: what a client was not told is seen in the logs of gateways, and two purchases that were both
answered are not taken for a retry, nor is what was paid after the answer came.

Method: a ledger in which customers paid twice, each with another log of it; the doctor is asked about
all of them, and about those alone whose log shows a repeat.
"""
import json
import os
import sys
from datetime import datetime, timedelta, timezone

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "e2e"))
# pylint: disable=wrong-import-position
from cli_harness import SCRATCH, Wallet, equal, file_of, new_id

BEGIN = datetime.now(timezone.utc) - timedelta(hours=2)
# The gateway has said all that it has.
WHOLE = ("--from", "1970-01-01T00:00:01Z", "--to", "2100-01-01T00:00:00Z")


class Shop:
    def __init__(self, wallet):
        self.wallet = wallet
        self.shop, self.bank = new_id(), new_id()
        wallet.run("account", "create", self.bank, "--kind", "equity")
        wallet.run("account", "create", self.shop, "--kind", "liability")
        self.log = []
        self.second = {}  # by customer

    def call(self, customer, seconds, **fields):
        at = (BEGIN + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
        self.log.append(dict({"ts": at, "method": "POST", "path": "/v1/transfers",
                              "client": customer}, **fields))

    def pays(self, times=2):
        """A customer, and the ids of the transfers."""
        customer = new_id()
        self.wallet.run("account", "create", customer, "--kind", "liability", "--flags",
                        "debits_must_not_exceed_credits")
        self.wallet.run("transfer", "create", "--debit", self.bank, "--credit", customer,
                        "--amount", "100.00")
        made = [self.wallet.json("transfer", "create", "--debit", customer, "--credit", self.shop,
                                 "--amount", "12.50")["id"] for _ in range(times)]
        self.second[customer] = made[-1]
        return customer, made

    def pays_twice(self, seconds, first, second=None):
        customer, made = self.pays()
        body = f"body of {customer}"
        for at, tx, fields in ((0, made[0], first), (seconds, made[1], second or {})):
            self.call(customer, at, **dict({"body_hash": body, "transaction_id": tx,
                                            "status": 201}, **fields))
        return customer

    def pays_on(self):
        """A gateway gives up on the first payment; asked again, it is told of it, and the customer pays on."""
        customer, made = self.pays(4)
        self.call("gateway", 0, idem=f"{customer}-0", status=504)
        for tx, seconds in ((0, 0), (0, 20), (1, 180), (2, 300), (3, 540)):
            self.call(customer, seconds, body_hash=f"body of {customer}", idem=f"{customer}-{tx}",
                      transaction_id=made[tx], status=201)


def diagnosed(shop, name):
    case, key = os.path.join(SCRATCH, name), os.path.join(SCRATCH, "anna.key")
    log = file_of(f"{name}.log", "".join(json.dumps(line) + "\n" for line in shop.log))
    shop.wallet.run("doctor", "collect", case, "--key", key, "--incident", "7F3A", "--ours",
                    "--log", log, "--system", "gateway", *WHOLE)
    answer = shop.wallet.run("doctor", "diagnose", case, "--json", code=None).json()
    equal([row["rejected"] for row in answer["sources"]], [0] * 3, "rejected lines")
    return answer["causes"]


def main():
    wallet = Wallet("wallet")
    wallet.run("init")
    wallet.json("doctor", "key", os.path.join(SCRATCH, "anna.key"), "--name", "anna")
    shop = Shop(wallet)
    shown = [shop.pays_twice(60, {"status": status}) for status in (408, 499, 502, 503, 504)]
    shown.append(shop.pays_twice(60, {"response_error": "connection broke"}))
    shown.append(shop.pays_twice(60, {"response_lost": "timeout"}))
    shown.append(shop.pays_twice(2, {"click": "c1"}, {"click": "c1"}))
    shown.append(shop.pays_twice(60, {"idem": "k1"}, {"idem": "k2"}))
    shop.call("gateway", 0, idem="k1", status=504)  # which knows no more of it
    shop.pays_twice(3600, {"status": 201})          # another day's purchase
    shop.pays_on()
    alone, made = shop.pays(1)
    shop.call(alone, 0, body_hash="alone", transaction_id=made[0], status=502)
    causes = diagnosed(shop, "shown")
    equal([(cause["fault"], cause["label"], cause["title"].split()[0]) for cause in causes],
          [("P01", "CONFIRMED", str(len(shown)))], "a cause")
    equal({row["payment"]: row["delta"] for row in causes[0]["affected"]
           if row["account"] != shop.shop},
          {shop.second[customer]: "-1250" for customer in shown}, "what was paid twice")
    alike = shop.pays_twice(0.5, {"status": 201})
    causes = diagnosed(shop, "alike")
    equal([(cause["fault"], cause["label"]) for cause in causes], [("P01", "PROBABLE")], "a cause")
    equal("it_may_have_been_wanted_twice" in causes[0]["held_back"], True, "what holds it back")
    equal({row["payment"] for row in causes[0]["affected"] if row.get("left")},
          {shop.second[alike]}, "what is left to people")


if __name__ == "__main__":
    main()
