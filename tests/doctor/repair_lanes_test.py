"""Goal: what was booked twice in several lanes of a ledger is taken back in each, once, with a server
and without.

Method: a ledger with two lanes in which customers of both paid twice, as a gateway's log shows, some
of them a shop of the other lane: of those each journal has a half. What came back from there is
nothing that was paid. A plan with entries of both lanes, and from lane to lane, is rehearsed and
approved. It is applied on a copy without a server, where a frozen account of lane 1 keeps lane 0
untouched, and then on the ledger, beside its server. What went from lane to lane is planned in a
second incident as well, before either is applied: on copies it is sent back once, by whichever plan
or by hand, and once more when what a killed run had sent was taken back meanwhile.
"""
import collections
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "e2e"))
sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "doctor"))
# pylint: disable=wrong-import-position
from api_harness import Client
from clock_shift import shift, shifted_clock
from cli_harness import (CONFLICT, DONE, SCRATCH, Wallet, check, equal, file_of, new_id, serving)
from lanes_test import account_id, ended, lane_header, net
from repair_test import WHOLE, gateway_log, key_of

LANES = 2
PAID = 3  # customers of each lane who paid a shop of theirs twice
SENT = 2  # who paid the other lane's twice
TWICE = LANES * (PAID + SENT) + 1  # and one who paid the other lane's bank
BANKED = 21
OVERDUE_S = 120  # for the other lane's answer
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

    def doctor(self, verb, case, *words, who="anna", code=DONE, wallet=None, **options):
        return (wallet or self.wallet).run("doctor", verb, case, "--policy", self.policy, "--key",
                                           self.keys[who], *words, code=code, **options)

    def applied(self, case, wallet, **options):
        """How many entries of it were made, and how many were there."""
        done = json.loads(self.doctor("apply", case, "--execute", "--json", wallet=wallet,
                                      **options).out)
        return done["made"], done["repeated"]

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


def comes_back(client, lane):
    """A customer who asks twice for an account that the other lane does not have."""
    customer = customer_of(client, lane, 40)
    ids = pays_twice(client, customer, account_id(1 - lane, 99), "7.00")
    for one in ids:
        equal(ended(client, lane, {"id": one})["state"], "released", "nobody was paid")
    return customer, ids


def pays_a_bank(client):
    """Who is paid in the other lane has nothing too much: it is no customer."""
    customer = customer_of(client, 0, 41)
    ids = pays_twice(client, customer, BANKS[1], f"{BANKED}.00")
    for one in ids:
        equal(ended(client, 0, {"id": one})["state"], "settled", "it is there")
    return customer, ids


def sick(ledger):
    """
    Customers of both lanes, with what each paid twice; who paid a bank so; and those of whom nothing
    was taken.
    """
    customers, twins, back = [], [], []
    with ledger.serving() as server:
        client = Client(server, ledger.secret)
        opened(client)
        for lane in range(LANES):
            for number in range(PAID + SENT):
                shop = SHOPS[lane if number < PAID else 1 - lane]
                customers.append(customer_of(client, lane, 10 + number))
                twins.append(pays_twice(client, customers[-1], shop, f"{10 + number}.00"))
                for one in twins[-1] if number >= PAID else ():
                    equal(ended(client, lane, {"id": one})["state"], "settled", "it is there")
        for lane in range(LANES):
            back.append(comes_back(client, lane))
        banked = pays_a_bank(client)
        client.close()
    return customers, twins, banked, back


def diagnosed(ledger, case, customers, banked):
    """One cause, and all that it says is so, of both halves of what went between lanes."""
    found = json.loads(ledger.wallet.run("doctor", "diagnose", case, "--json", code=None).out)
    equal([(cause["fault"], cause["label"]) for cause in found["causes"]], [("P01", "CONFIRMED")],
          "the cause")
    rows = collections.Counter()
    for row in found["causes"][0]["affected"]:
        rows[row["account"]] += int(row["delta"])
    paid = [-100 * (10 + number) for number in range(PAID + SENT)]
    equal([rows.pop(one) for one in customers], paid * LANES, "what customers lack")
    equal(rows.pop(banked), -100 * BANKED, "who paid the bank")
    equal([rows.pop(shop) for shop in SHOPS], [-sum(paid)] * LANES, "what shops have too much")
    equal(dict(rows), {}, "nobody else")
    equal(found["unexplained_count"], 0, "what came back is no riddle")


def planned(ledger, case, within, between):
    """So many are taken back within a lane, and sent back between lanes."""
    out = ledger.doctor("plan", case).out
    equal((out.count(" compensate "), out.count(" send_back ")), (within, between), "entries")
    out = ledger.doctor("rehearse", case, who="bob").out
    check(f"killed and resumed {within + between} times" in out and "nothing is left" in out, out)
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


def sent_back(wallet, entry, transfer, code=DONE):
    """By hand, without a server: it waits in the journal for the other lane."""
    wallet.run("transfer", "create", "--id", transfer, "--debit", entry["debit"], "--credit",
               entry["credit"], "--amount", f"{int(entry['amount_minor']) // 100}.00", "--user-ref",
               entry["target"], code=code)


def own_case(case, name):
    own = os.path.join(SCRATCH, name)
    shutil.copytree(case, own)
    return own


def entries_of(case):
    with open(os.path.join(case, "plan", "plan.json"), encoding="utf-8") as file:
        return [step for step in json.load(file)["steps"] if step["kind"] == "send_back"]


def back_by_hand(ledger, second, customers):
    """Whoever has sent it back, it is not sent twice."""
    copy, own = copied(ledger, "by-hand"), own_case(second, "by-hand-case")
    before, by_hand = nets(copy, customers), new_id()
    entry = entries_of(own)[0]
    sent_back(copy, entry, by_hand)
    for words in ((), ("--execute",), ("--execute",)):
        found = ledger.doctor("apply", own, *words, code=CONFLICT, wallet=copy)
        check(f"transfer {by_hand} sends its target back already" in found.err, f"{found!r}")
    after = nets(copy, customers)
    equal([one for i, one in enumerate(customers)
           if after[i] != before[i] and one != entry["credit"]], [], "nothing else was made")


def back_after_a_kill(ledger, second, customers):
    """What a killed run has sent is taken back when the next one begins so much later."""
    copy, own = copied(ledger, "killed"), own_case(second, "killed-case")
    before = nets(copy, customers)
    entry = next(one for one in entries_of(own) if one["debit"] == SHOPS[0])
    sent_back(copy, entry, entry["id"])
    shift(OVERDUE_S)
    environment = {**os.environ, **shifted_clock()}
    equal(ledger.applied(own, copy, env=environment), (LANES * SENT, 0), "all of them in one run")
    shift(0)
    state = copy.json("transfer", "show", entry["id"])["transit"]
    equal((state["state"], state["outcome"]), ("released", "withdrawn"), "of the killed run")
    got = [float(now) - float(then) for now, then in zip(nets(copy, customers), before)]
    equal(got, [0.0 if n < PAID else 10.0 + n for n in range(PAID + SENT)] * LANES, "customers")
    copy.run("check")


def without_a_server(ledger, case, second, customers, banked):
    """All lanes are looked at before anything is made in any of them."""
    copy = copied(ledger, "alone")
    own, second = own_case(case, "alone-case"), own_case(second, "alone-second")
    copy.run("account", "freeze", customers[-1])
    before = nets(copy, customers + SHOPS)
    for words in ((), ("--execute",)):
        found = ledger.doctor("apply", own, *words, code=CONFLICT, wallet=copy)
        check(f"account {customers[-1]} is frozen" in found.err, f"{found!r}")
    equal(nets(copy, customers + SHOPS), before, "nothing was made in the other lane")
    copy.run("account", "unfreeze", customers[-1])
    for made in (TWICE, 0):
        equal(ledger.applied(own, copy), (made, TWICE - made), "once")
    equal(ledger.applied(second, copy), (0, LANES * SENT), "not once more for another incident")
    equal(nets(copy, customers), [f"{90 - n}.00" for n in range(PAID + SENT)] * LANES, "customers")
    equal(nets(copy, [banked]), [f"{100 - BANKED}.00"], "who paid the bank")
    equal(nets(copy, SHOPS), [f"{sum(10 + n for n in range(PAID + SENT))}.00"] * LANES, "shops")
    copy.run("check")


def beside_the_server(ledger, case, customers):
    with ledger.serving() as server:
        ledger.doctor("apply", case, "--execute")
        client = Client(server, ledger.secret)
        equal([net(client, one) for one in customers],
              [100 * (90 - n) for n in range(PAID + SENT)] * LANES, "as the server tells")
        for lane in range(LANES):
            acts = client.expect(200, "GET", "/v1/audit", None, lane_header(lane)).json()["items"]
            acts = [act for act in acts if act["act"] == "repair"]
            equal(len(acts), 1, f"the audit log of lane {lane} has it")
        client.close()
        out = ledger.doctor("verify-repair", case).out
        check(f"VERIFIED: {TWICE} entries" in out, out)
    ledger.wallet.run("check")


def main():
    ledger = Ledger()
    customers, twins, banked, back = sick(ledger)
    log = gateway_log(customers + [one for one, _ in [banked, *back]],
                      twins + [ids for _, ids in [banked, *back]])
    case = ledger.collected("lanes", log)
    diagnosed(ledger, case, customers, banked[0])
    between = [i for i in range(len(customers)) if i % (PAID + SENT) >= PAID]
    second = ledger.collected("between", gateway_log([customers[i] for i in between],
                                                     [twins[i] for i in between]))
    planned(ledger, case, LANES * PAID, LANES * SENT + 1)
    planned(ledger, second, 0, LANES * SENT)
    back_by_hand(ledger, second, customers)
    back_after_a_kill(ledger, second, customers)
    without_a_server(ledger, case, second, customers, banked[0])
    beside_the_server(ledger, case, customers)


if __name__ == "__main__":
    main()
