"""Goal: of our own ledger all lanes are collected, from folders and from PostgreSQL; and what some
ids or a span of time touch and nothing else, with the rest told as not looked at; also while money
moves.

Method: the ledger of tests/e2e/lanes_test.py, and one with payments, holds and a refund. The
evidence is compared with what the API says; every bundle is diagnosed, and its books must be right.
"""
import json
import os
import sys
import threading
import time
from datetime import datetime, timezone

SOURCE = os.environ["TPWALLET_SOURCE"]
sys.path[:0] = [os.path.join(SOURCE, "tests", name) for name in ("e2e", "postgres")]

# pylint: disable=wrong-import-position
import lanes_test
from api_harness import Client
from cli_harness import CONFLICT, NOT_FOUND, SCRATCH, USAGE, Wallet, check, equal, new_id, serving
from payments_harness import all_rest, pay_in, paying, rested
from postgres_harness import Postgres

KEY = os.path.join(SCRATCH, "anna.key")
BOOKS = ("I01", "I02", "I03", "I04", "I05")


class Case:
    """A new bundle of our ledger alone."""
    made = 0

    def __init__(self, wallet, *words):
        Case.made += 1
        self.wallet = wallet
        self.folder = os.path.join(SCRATCH, f"case{Case.made}")
        wallet.run("doctor", "collect", self.folder, "--key", KEY, "--incident", "7F3A", "--ours",
                   *words)
        wallet.run("doctor", "verify", self.folder)
        with open(os.path.join(self.folder, "manifest.json"), encoding="utf-8") as file:
            self.sources = json.load(file)["sources"]
        self.rows = []
        for source in self.sources:
            with open(os.path.join(self.folder, source["path"]), encoding="utf-8") as file:
                self.rows += [json.loads(line) for line in file]

    def of(self, kind):
        return [row for row in self.rows if row["kind"] == kind]

    def names(self):
        return [source["path"].split("/")[1][3:-7] for source in self.sources]

    def losses(self):
        return {entry["loss"] for source in self.sources for entry in source["coverage"]}

    def books(self):
        """{invariant: holds}; none may be violated."""
        answer = self.wallet.run("doctor", "diagnose", self.folder, "--json", code=None).json()
        equal([row for row in answer["violations"] if row["invariant"] in BOOKS], [], "violations")
        return {row["id"]: row["holds"] for row in answer["invariants"] if row["id"] in BOOKS}

    def rows_add_up(self):
        sums = {}
        for row in self.of("posting"):
            sums[row["account"]] = sums.get(row["account"], 0) + int(row["amount"])
        equal(sum(sums.values()), 0, "the sum of all postings")
        for row in self.of("account"):
            equal(int(row["amount"]), int(row.get("opening", 0)) + sums.get(row["account"], 0),
                  f"opening, postings and balance of {row['account']}")


def paid_into_another_lane(wallet):
    """A payment between wallets of two lanes, of which a part is given back; both ids when it has come."""
    made = wallet.json("payment", "create", "wallet", "--wallet", lanes_test.WALLETS[0][0], "--to",
                       lanes_test.WALLETS[2][0], "--amount", "2.50")["id"]
    equal(rested(wallet, made), "succeeded", "it is there")
    back = wallet.json("payment", "refund", made, "--amount", "1.00", "--asset", "EUR")["id"]
    equal(rested(wallet, back), "succeeded", "a part is back")
    return made, back


def lanes_are_collected(wallet, code):
    """Beside a server, and of the folders alone; code: of a collector who asks again."""
    key = lanes_test.key_of(wallet)
    with serving(wallet, "--plain") as server:
        client = Client(server, key)
        lanes_test.setup(client)
        lanes_test.each_way(client, lanes_test.load_document())
        payments = paid_into_another_lane(wallet)
        balances = lanes_test.balances(client)
        cases = [Case(wallet)]
        client.close()
    cases.append(Case(wallet))
    wallet.run("doctor", "collect", cases[1].folder, "--key", KEY, "--ours", code=code)
    for case in cases:
        equal(case.names(), ["ledger", "ledger-lane-1", "ledger-lane-2", "balances"], "sources")
        check(all(source["rows"] > 0 for source in case.sources), "each has something to tell")
        case.rows_add_up()
        found = {row["account"]: int(row["amount"]) for row in case.of("account")}
        equal({one: found[one] for one in balances}, balances, "balances, as the API told them")
        equal(case.books(), dict.fromkeys(BOOKS, "yes"), "what holds of the books")
    equal(cases[1].rows, cases[0].rows, "the same beside a server and without one")
    return payments


def lane_is_followed(wallet, payments):
    """What went to another lane and came back, from departure to arrival: payments, and a transfer."""
    payment, back = payments
    case = Case(wallet, "--payment", payment)
    equal([(row["state"], row["amount"]) for row in case.of("hold")],
          [("active", "250"), ("captured", "250"), ("active", "100"), ("captured", "100")],
          "on its way, and there; and on its way back, and here")
    equal([(row.get("cause_id"), row["cause"]) for row in case.of("ledger_tx")],
          [(payment, "job"), (back, "job"), (None, "saga"), (None, "saga")],
          "what ended both, and what arrived and was given")
    left, given, came, gave = case.of("ledger_tx")
    holds = [row["hold"] for row in case.of("hold")]
    equal((left["tx"], left["arrival"]), (holds[0], came["tx"]), "both halves")
    equal((given["tx"], given["arrival"]), (holds[2], gave["tx"]), "both halves of what came back")
    equal([(row["amount"], row["account"]) for row in (left, came, given, gave)],
          [("-250", lanes_test.WALLETS[0][0]), ("250", lanes_test.WALLETS[2][0]),
           ("100", lanes_test.WALLETS[0][0]), ("-100", lanes_test.WALLETS[2][0])], "whose it is")
    equal((left["reference"], left["trace"]), (payment, came["trace"]), "what it was for")
    equal({row["account"] for row in case.of("posting")} >=
          {lanes_test.WALLETS[0][0], lanes_test.WALLETS[2][0]}, True, "both wallets")
    case.rows_add_up()
    departure = next(row["hold"] for row in Case(wallet).of("hold") if row["state"] == "captured")
    case = Case(wallet, "--payment", departure)
    equal([len(case.of(kind)) for kind in ("hold", "ledger_tx")], [2, 2], "departure, both ends")
    equal({row["account"][-4:] for row in case.of("posting")} >= {"0000", "0001"}, True,
          "accounts of both lanes")
    case.rows_add_up()


def ledger_goes_on(wallet):
    """Money moves all the time while the ledger is read: its books are right all the same."""
    ends = threading.Event()
    key = lanes_test.key_of(wallet)

    def move(server, lane):
        client = Client(server, key)
        debit, credit = lanes_test.WALLETS[lane][:2]
        while not ends.is_set():
            debit, credit = credit, debit
            client.expect(200, "POST", "/v1/transfers",
                          [lanes_test.transfer(debit, credit, 1 + n % 7) for n in range(5)])
        client.close()
    with serving(wallet, "--plain") as server:
        movers = [threading.Thread(target=move, args=(server, lane)) for lane in range(2)]
        for mover in movers:
            mover.start()
        try:
            for _ in range(3):
                case = Case(wallet)
                case.rows_add_up()
                equal(case.books(), dict.fromkeys(BOOKS, "yes"), "what holds of the books")
        finally:
            ends.set()
            for mover in movers:
                mover.join()


def now():
    """Between two things that happened."""
    time.sleep(0.01)
    text = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
    time.sleep(0.01)
    return text


class Story:
    """Payments, a refund, transfers and holds of three customers."""

    def __init__(self, wallet):
        def account(*words):
            return wallet.json("account", "create", "--kind", "liability", "--flags",
                               "debits_must_not_exceed_credits", *words)["id"]

        def move(verb, debit, credit, amount):
            return wallet.json("transfer", verb, "--debit", debit, "--credit", credit, "--amount",
                               amount)["id"]
        self.user = new_id()
        self.anna, self.anna_too = account("--user-ref", self.user), account("--user-ref", self.user)
        self.bert, self.carl = account(), account()
        self.paid = {one: pay_in(wallet, one, "50.00", "pm_card_visa")
                     for one in (self.anna, self.bert, self.carl)}
        for payment in self.paid.values():
            equal(rested(wallet, payment), "succeeded", "a pay-in")
        self.refund = wallet.json("payment", "refund", self.paid[self.bert], "--amount",
                                  "5.00", "--asset", "EUR")["id"]
        all_rest(wallet)
        self.old_hold = move("hold", self.carl, self.bert, "3.00")
        self.open_hold = move("hold", self.carl, self.bert, "2.00")
        self.middle = now()
        self.captured = wallet.json("transfer", "post", self.old_hold)["id"]
        self.gift = move("create", self.bert, self.anna_too, "1.00")
        self.end = now()
        self.late = move("create", self.anna, self.carl, "4.00")


def payment_is_followed(wallet, story):
    case = Case(wallet, "--payment", story.paid[story.bert])
    equal({row["cause_id"] for row in case.of("ledger_tx")},
          {story.paid[story.bert], story.refund}, "the payment and its refund")
    check(len(case.of("psp_call")) >= 2, "calls for both")
    check(story.bert in {row["account"] for row in case.of("posting")}, "whose it is")
    equal({row["account"] for row in case.of("account")} & {story.anna, story.carl}, set(),
          "nobody else's balance")
    equal(case.losses(), {"sampled"}, "the rest was not looked at")
    equal(case.sources[0]["coverage"][0]["part"], "what 1 payments, 0 accounts and 0 users touch",
          "which part is there")
    equal(case.of("audit"), [], "no acts of others")
    check(set(case.books().values()) <= {"unknown"}, f"nothing is said of all: {case.books()}")
    both = Case(wallet, "--payment", f"{story.paid[story.anna]},{story.captured}")
    equal({row["tx"] for row in both.of("ledger_tx")} >= {story.captured}, True, "a transfer's id")
    equal({row["hold"] for row in both.of("hold")}, {story.old_hold}, "and the hold it captures")
    both.rows_add_up()


def account_is_followed(wallet, story):
    case = Case(wallet, "--account", story.anna)
    equal({row["tx"] for row in case.of("ledger_tx")} >= {story.late}, True, "it gave")
    equal(story.gift in {row["tx"] for row in case.of("ledger_tx")}, False, "not of its own")
    row = next(row for row in case.of("account") if row["account"] == story.anna)
    equal((row["amount"], "opening" in row), ("4600", False), "all of its postings are there")
    case.rows_add_up()
    case.books()
    case = Case(wallet, "--user", story.user)
    equal({row["tx"] for row in case.of("ledger_tx")} >= {story.late, story.gift}, True,
          "of both of the user's accounts")
    case.rows_add_up()
    case = Case(wallet, "--account", story.anna, "--from", story.end)
    equal([row["tx"] for row in case.of("ledger_tx")], [story.late], "of the window")
    case.rows_add_up()


def window_bounds(wallet, story):
    case = Case(wallet, "--from", story.middle)
    equal([row["tx"] for row in case.of("ledger_tx")], [story.captured, story.gift, story.late],
          "what moved since")
    equal({row["hold"] for row in case.of("hold")}, {story.old_hold, story.open_hold},
          "holds that stood open then")
    rows = {row["account"]: (row.get("opening"), row["amount"]) for row in case.of("account")}
    equal((rows[story.anna], rows[story.bert], rows[story.carl]),
          (("5000", "4600"), ("4500", "4700"), ("5000", "5100")), "opening and balance")
    equal(case.losses(), {"none"}, "of the window nothing is left out")
    case.rows_add_up()
    equal(case.books(), dict.fromkeys(BOOKS, "yes"), "what holds of the books")


def end_bounds(wallet, story):
    """An incident that was over a minute ago ends there, also for balances."""
    case = Case(wallet, "--from", "2001-01-01T00:00:00Z", "--to", "2001-01-02T00:00:00Z")
    equal((case.of("ledger_tx"), case.of("hold")), ([], []), "nothing was there then")
    equal({row["amount"] for row in case.of("account")}, {"0"}, "balances of then")
    equal(story.late in json.dumps(case.rows), False, "what came later")
    equal(case.books(), dict.fromkeys(BOOKS, "yes"), "what holds of the books")


def holds_count_as_they_stand(wallet, story):
    """Captured, let go, expired, captured in part: only what still reserves something counts."""
    def hold(amount, *words):
        return wallet.json("transfer", "hold", "--debit", story.carl, "--credit", story.bert,
                           "--amount", amount, *words)["id"]
    wallet.run("transfer", "post", hold("20.00"))
    wallet.run("transfer", "void", hold("20.00"))
    partly = hold("25.00")
    for amount in ("3.00", "4.00"):
        wallet.run("transfer", "post", partly, "--amount", amount, "--asset", "EUR", "--flags",
                   "keep_rest")
    wallet.run("transfer", "void", partly)
    ended = hold("20.00", "--timeout-s", "1")
    deadline = time.monotonic() + 120
    while True:
        case = Case(wallet)
        states = [row["state"] for row in case.of("hold") if row["hold"] == ended]
        if "expired" in states or time.monotonic() > deadline:
            break
    equal(states, ["active", "expired"], "a hold whose time has passed")
    equal(case.books(), dict.fromkeys(BOOKS, "yes"), "what holds of the books")
    rows = [row for row in case.of("hold") if row["hold"] == partly]
    equal([[row["state"]] + [row.get(name, "0") for name in ("amount", "captured", "released")]
           for row in rows],
          [["active", "2500", "0", "0"], ["active", "2500", "300", "0"],
           ["active", "2500", "700", "0"], ["released", "2500", "700", "1800"]],
          "each change tells how the hold stands after it")
    window = Case(wallet, "--from", story.middle)
    of_carl = [row for row in case.of("hold") if row["account"] == story.carl]
    equal(window.of("hold"), of_carl, "also of those from before the window")
    equal(window.books(), dict.fromkeys(BOOKS, "yes"), "what holds of the books")


def refused(wallet, story):
    case = os.path.join(SCRATCH, "refused")
    collect = ("doctor", "collect", case, "--key", KEY, "--incident", "7F3A", "--ours")
    wallet.run(*collect, "--payment", "no-id", code=USAGE)
    wallet.run(*collect, "--account", f"{story.anna},", code=USAGE)
    wallet.run(*collect[:-1], "--payment", story.gift, "--again", case, code=USAGE)
    wallet.run(*collect, "--payment", new_id(), code=NOT_FOUND)
    check(not os.path.exists(case), "nothing was collected, and nothing is left")


def one_ledger_for_a_bundle(wallet):
    """Each source says which ledger it is of, and a bundle takes no other's."""
    case = Case(wallet)
    equal({source["ledger"] for source in case.sources}, {wallet.json("check")["ledger"]},
          "the ledger that sources name")
    other = Wallet("other")
    other.run("init")
    said = other.run("doctor", "collect", case.folder, "--key", KEY, "--ours", code=CONFLICT)
    check("bundle is of another ledger" in said.err, f"{said!r}")
    said = other.run("doctor", "collect", os.path.join(SCRATCH, "later"), "--key", KEY,
                     "--incident", "7F3A", "--ours", "--again", case.folder, code=CONFLICT)
    check("bundle is of another ledger" in said.err, f"{said!r}")


def main():
    lanes = Wallet("lanes")
    lanes.json("doctor", "key", KEY, "--name", "anna")
    lanes.run("init", "--lanes", str(lanes_test.LANES))
    lane_is_followed(lanes, lanes_are_collected(lanes, CONFLICT))
    ledger_goes_on(lanes)
    with Postgres() as database:
        remote = Wallet("remote")
        remote.run("init", "--lanes", str(lanes_test.LANES), "--store", database.url)
        lane_is_followed(remote, lanes_are_collected(remote, CONFLICT))
    wallet = Wallet("wallet")
    with paying(wallet):
        story = Story(wallet)
        for look in (payment_is_followed, account_is_followed, window_bounds, end_bounds, refused,
                     holds_count_as_they_stand):
            look(wallet, story)
    one_ledger_for_a_bundle(wallet)


if __name__ == "__main__":
    main()
