"""Goal: what was booked twice in several lanes of a ledger is taken back in each, once, with a server
and without.

Method: a ledger with two lanes in which customers of both paid twice, as a gateway's log shows; a
plan with entries of both lanes is rehearsed and approved. It is applied on a copy without a server,
where a frozen account of lane 1 keeps lane 0 untouched, and then on the ledger, beside its server.
"""
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "e2e"))
sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "doctor"))
# pylint: disable=wrong-import-position
from api_harness import Client
from cli_harness import (CONFLICT, DONE, SCRATCH, Wallet, check, equal, file_of, new_id, serving)
from lanes_test import account_id, lane_header, net
from repair_test import WHOLE, gateway_log, key_of

LANES = 2
PAID = 3  # customers of each lane
BANKS = [account_id(lane, 1) for lane in range(LANES)]
SHOPS = [account_id(lane, 2) for lane in range(LANES)]


class Ledger:
    def __init__(self):
        self.wallet = Wallet("ledger")
        self.wallet.run("init", "--lanes", str(LANES))
        self.keys, people = {}, []
        for name in ("anna", "bob", "carol"):
            self.keys[name], public = key_of(self.wallet, name)
            people.append(f"approver {public}\n")
        self.policy = file_of("repair.policy", "".join(people) + "max_total EUR 1000.00\n")
        self.secret = self.wallet.json("key", "create", "test", "--scopes",
                                       "accounts:read,accounts:write,transfers:read,"
                                       "transfers:write,admin")["secret"]

    def serving(self):
        return serving(self.wallet, "--plain")

    def doctor(self, verb, case, *words, who="anna", code=DONE, wallet=None):
        return (wallet or self.wallet).run("doctor", verb, case, "--policy", self.policy, "--key",
                                           self.keys[who], *words, code=code)

    def collected(self, name, log):
        case = os.path.join(SCRATCH, name)
        self.wallet.run("doctor", "collect", case, "--key", self.keys["anna"], "--incident", name,
                        "--title", "paid twice", "--ours", "--log", log, "--system", "gateway",
                        *WHOLE)
        return case


def opened(client):
    for lane in range(LANES):
        client.expect(200, "POST", "/v1/accounts",
                      [{"id": BANKS[lane], "asset": "EUR", "kind": "equity"},
                       {"id": SHOPS[lane], "asset": "EUR", "kind": "liability"}])


def customer_of(client, lane, number):
    one = account_id(lane, number)
    client.expect(201, "POST", "/v1/accounts",
                  {"id": one, "asset": "EUR", "kind": "liability",
                   "flags": ["debits_must_not_exceed_credits"]})
    client.expect(201, "POST", "/v1/transfers", {"id": new_id(), "debit": BANKS[lane], "credit": one,
                                                 "asset": "EUR", "amount": "100.00"})
    return one


def pays_twice(client, customer, shop, amount):
    """The ids of both."""
    ids = new_id(), new_id()
    for one in ids:
        answer = client.send("POST", "/v1/transfers", {
            "id": one, "debit": customer, "credit": shop, "asset": "EUR", "amount": amount})
        check(answer.status in (201, 202), f"{answer.status} {answer.body!r}")
    return ids


def sick(ledger):
    """Customers of both lanes, with what each paid twice."""
    customers, twins = [], []
    with ledger.serving() as server:
        client = Client(server, ledger.secret)
        opened(client)
        for lane in range(LANES):
            for number in range(PAID):
                customers.append(customer_of(client, lane, 10 + number))
                twins.append(pays_twice(client, customers[-1], SHOPS[lane], f"{10 + number}.00"))
        client.close()
    return customers, twins


def planned(ledger, case):
    out = ledger.doctor("plan", case).out
    equal(out.count(" compensate "), LANES * PAID, "entries of both lanes")
    out = ledger.doctor("rehearse", case, who="bob").out
    check(f"killed and resumed {LANES * PAID} times" in out and "nothing is left" in out, out)
    with open(os.path.join(case, "plan", "rehearsal.json"), encoding="utf-8") as file:
        equal(len(json.load(file)["heads"]), LANES, "all lanes were copied")
    for who in ("bob", "carol"):
        ledger.doctor("approve", case, who=who)
    ledger.doctor("step", case, "--number", "1", "--done")


def copied(ledger, name):
    ledger.wallet.run("backup", os.path.join(SCRATCH, f"{name}.backup"))
    copy = Wallet(name)
    copy.run("restore", os.path.join(SCRATCH, f"{name}.backup"))
    copy.run("restore", "accept")
    return copy


def nets(wallet, accounts):
    return [wallet.json("account", "show", one)["balance"]["net"] for one in accounts]


def without_a_server(ledger, case, customers):
    """All lanes are looked at before anything is made in any of them."""
    copy = copied(ledger, "alone")
    own = os.path.join(SCRATCH, "alone-case")
    shutil.copytree(case, own)
    copy.run("account", "freeze", customers[-1])
    before = nets(copy, customers + SHOPS)
    for words in ((), ("--execute",)):
        found = ledger.doctor("apply", own, *words, code=CONFLICT, wallet=copy)
        check(f"account {customers[-1]} is frozen" in found.err, f"{found!r}")
    equal(nets(copy, customers + SHOPS), before, "nothing was made in the other lane")
    copy.run("account", "unfreeze", customers[-1])
    for made in (LANES * PAID, 0):
        done = json.loads(ledger.doctor("apply", own, "--execute", "--json", wallet=copy).out)
        equal((done["made"], done["repeated"]), (made, LANES * PAID - made), "once")
    equal(nets(copy, customers), [f"{90 - n}.00" for n in range(PAID)] * LANES, "customers")
    equal(nets(copy, SHOPS), [f"{sum(10 + n for n in range(PAID))}.00"] * LANES, "shops")
    copy.run("check")


def beside_the_server(ledger, case, customers):
    with ledger.serving() as server:
        ledger.doctor("apply", case, "--execute")
        client = Client(server, ledger.secret)
        equal([net(client, one) for one in customers],
              [100 * (90 - n) for n in range(PAID)] * LANES, "as the server tells")
        for lane in range(LANES):
            acts = client.expect(200, "GET", "/v1/audit", None, lane_header(lane)).json()["items"]
            acts = [act for act in acts if act["act"] == "repair"]
            equal(len(acts), 1, f"the audit log of lane {lane} has it")
        client.close()
        out = ledger.doctor("verify-repair", case).out
        check(f"VERIFIED: {LANES * PAID} entries" in out, out)
    ledger.wallet.run("check")


def main():
    ledger = Ledger()
    customers, twins = sick(ledger)
    case = ledger.collected("lanes", gateway_log(customers, twins))
    planned(ledger, case)
    without_a_server(ledger, case, customers)
    beside_the_server(ledger, case, customers)


if __name__ == "__main__":
    main()
