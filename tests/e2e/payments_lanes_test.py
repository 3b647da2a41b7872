"""Goal: in a ledger with several lanes payments run in each as they do in one: the home of a payment is
the lane of its wallet, every one ends, whatever the server dies in, the books equal the sandbox's, and
every event is told to an endpoint that was made once, in order and without gaps. A payment between
wallets of two lanes is pending until it is there, and is there once or back.

Method: `tpwallet serve` with three lanes, each with its chart, beside a sandbox that sends webhooks,
and a receiver of ours. Payments of each kind in each lane, by ids that say their lane and by keys;
what cannot span lanes is refused; the server is killed (kill -9) under load; the day is settled lane
by lane; the endpoint is changed and removed, which every lane follows.
"""
import base64
import http.client
import json
import os
import random
import threading

import between_lanes_harness as between
from api_harness import check_fits, load_document
from cli_harness import SCRATCH, Server, Wallet, check, equal, file_of, new_id
from lanes_test import account_id, cents_of, lane_header
from payments_harness import WAITS
from sandbox_harness import Sandbox, receiving, standard_is_right, until
from webhooks_test import call, event_of, sign

LANES = 3
SECRET = "whsec_" + base64.b64encode(b"o" * 32).decode()
WALLETS = [[account_id(lane, 10 + i) for i in range(3)] for lane in range(LANES)]
CLIENTS = 6
KILLS = 3
EACH = 12  # acknowledged payments between two kills, at least
PAY_IN = ("card_ok", "card_ok", "card_declined", "card_pending_then_ok", "card_error_after")
PAY_OUT = ("bank_ok", "bank_declined", "bank_pending_then_ok")


def payment_id(lane):
    """Of version 8: its lowest 16 bits are its lane."""
    text = new_id()
    return f"{text[:14]}8{text[15:32]}{lane:04x}"


def secrets():
    """Files of the sandbox's key, and of what its webhooks are signed with."""
    files = (file_of("psp_keys", "sandbox sandbox\n"), file_of("in_secrets", f"one {SECRET}\n"))
    for path in files:
        os.chmod(path, 0o600)
    return files


def options_of(sandbox):
    keys, signed = secrets()
    return ("--psp", f"sandbox=http://{sandbox.address}", "--psp-keys", keys, "--psp-private",
            "--webhook-in", f"sandbox=standard:{signed}", "--webhook-private",
            "--saga-workers", "8")


def want(status, server, method, path, body=None, headers=None):
    found = call(server, method, path, body, headers)
    equal(found[0], status, f"{method} {path} {body}: {found[2]}")
    return found[2]


def money(amount, lane, **more):
    return {"amount": amount, "asset": "EUR", **more, "id": payment_id(lane)}


def pay_in(lane, amount="40.00", method="card_ok", wallet=0):
    return money(amount, lane, kind="pay_in", wallet=WALLETS[lane][wallet], method=method,
                 psp="sandbox")


def make(server, item):
    return want(201, server, "POST", "/v1/payments", item)["id"]


def state_of(server, payment):
    return want(200, server, "GET", f"/v1/payments/{payment}")["state"]


def at_psp(server, payment):
    """It waits for its PSP, which has it."""
    def look():
        found = want(200, server, "GET", f"/v1/payments/{payment}")
        return found["state"] == "pending" and found["attempts"] > 0
    until(look, f"the PSP has {payment}")


def rested(server, payment):
    """Whichever lane it is in: its id says that."""
    return until(lambda: (state := state_of(server, payment)) not in WAITS and state,
                 f"{payment} comes to rest")


def accounts_make(server):
    for lane in range(LANES):
        want(200, server, "POST", "/v1/accounts",
             [{"id": one, "asset": "EUR", "kind": "liability",
               "flags": ["debits_must_not_exceed_credits"]} for one in WALLETS[lane]])


def each_kind_in_each_lane(server):
    """By ids, and by keys: the home is where the wallet is, and answers say so."""
    for lane in range(LANES):
        one, other, shop = WALLETS[lane]
        first = make(server, pay_in(lane))
        equal(rested(server, first), "succeeded", f"a pay-in in lane {lane}")
        status, headers, made = call(server, "POST", "/v1/payments",
                                     {"kind": "pay_in", "wallet": one, "amount": "20.00",
                                      "asset": "EUR", "method": "card_ok"},
                                     {"Idempotency-Key": f'"key-{lane}"'})
        equal((status, headers.get("tpw-lane")), (201, str(lane)), "made by a key, in its home")
        equal(rested(server, made["id"]), "succeeded", "it is found by its id")
        answer = call(server, "GET", f"/v1/payments/{made['id']}/story")
        equal((answer[0], answer[1]["tpw-lane"]), (200, str(lane)), "so is its story")
        again = call(server, "POST", "/v1/payments",
                     {"kind": "pay_in", "wallet": one, "amount": "20.00", "asset": "EUR",
                      "method": "card_ok"}, {"Idempotency-Key": f'"key-{lane}"'})
        equal((again[0], again[2]["id"]), (200, made["id"]), "the key again")
        out = make(server, money("5.00", lane, kind="pay_out", wallet=one, method="bank_ok",
                                 psp="sandbox"))
        equal(rested(server, out), "succeeded", "a pay-out")
        inside = make(server, money("1.00", lane, kind="wallet", wallet=one, to=other))
        equal(state_of(server, inside), "succeeded", "between two wallets")
        reserved = make(server, money("2.00", lane, kind="merchant", wallet=one, merchant=shop))
        want(200, server, "POST", f"/v1/payments/{reserved}/capture",
             {"amount": "2.00", "asset": "EUR"}, {"Idempotency-Key": f'"capture-{lane}"'})
        equal(state_of(server, reserved), "captured", "captured where it is")
        card = make(server, money("3.00", lane, kind="merchant", merchant=shop, method="card_ok",
                                  psp="sandbox"))
        until(lambda card=card: state_of(server, card) == "authorised", "a card's reservation")
        want(200, server, "POST", f"/v1/payments/{card}/cancel")
        back = want(201, server, "POST", "/v1/payments",
                    {"kind": "refund", "payment": first, "amount": "1.00", "asset": "EUR"},
                    {"Idempotency-Key": f'"refund-{lane}"'})["id"]
        equal(rested(server, back), "succeeded", "given back where it was paid")


def what_spans_lanes_is_refused(server):
    between.what_is_refused(server, money, WALLETS[0][0], WALLETS[1][0])
    answer = call(server, "POST", "/v1/payments", {**pay_in(0), "id": payment_id(1)})
    equal((answer[0], answer[2]["code"], answer[2]["field"]), (421, "wrong_lane", "id"),
          "an id of another lane than the wallet's")
    equal(call(server, "GET", f"/v1/payments/{payment_id(2)}")[0], 404, "one that is nowhere")


def payments_between_lanes(server):
    """On each way: one that is there, and those that the other lane refuses."""
    for lane in range(LANES):
        for peer in range(LANES):
            if peer == lane:
                continue
            sender = WALLETS[lane][0]
            between.paid_there(server, money, sender, WALLETS[peer][1])
            between.refused_there(server, money, sender, peer, lane)
            between.captured_there(server, money, sender, peer, lane)
    between.nothing_is_between(server, LANES)


def psps_find_the_home(sandbox, server):
    """A webhook is believed by the lane that its payment is in, and by no other's inbox."""
    for lane in range(LANES):
        payment = make(server, pay_in(lane, method="card_pending_then_ok"))
        at_psp(server, payment)
        event = f"evt_{lane}"
        body = event_of(event, f"{payment}:1")
        for result in ("done", "repeated"):
            answer = call(server, "POST", "/v1/webhooks/sandbox", body, sign(SECRET, event, body))
            equal((answer[0], answer[2]), (200, {"result": result}), f"a webhook to lane {lane}")
            equal(answer[1]["tpw-lane"], str(lane), "taken by its home")
        sandbox.call("POST", f"/orders/{payment}%3A1/complete", {})
        equal(rested(server, payment), "succeeded", "moved on by the PSP's webhook")
        story = want(200, server, "GET", f"/v1/payments/{payment}/story")
        check("hint" in [unit["cause"] for unit in story["units"]], "the webhook is in its story")
        told = [one for one in story["webhooks"] if one["event"] == event]
        equal(len(told), 2, f"both are in this lane's inbox: {story['webhooks']}")
        forged = sign("whsec_" + base64.b64encode(b"x" * 32).decode(), event, body)
        equal(call(server, "POST", "/v1/webhooks/sandbox", body, forged)[0], 401, "a forged one")
        dispute = event_of(f"evt_dispute_{lane}", f"{payment}:1", "chargeback.opened",
                           chargeback=f"cb_{lane}", amount="4.00", status="opened")
        headers = sign(SECRET, f"evt_dispute_{lane}", dispute)
        equal(call(server, "POST", "/v1/webhooks/sandbox", dispute, headers)[2],
              {"result": "done"}, "a chargeback")
        equal(want(200, server, "GET", f"/v1/payments/{payment}")["disputed"], "4.00", "booked")
        won = event_of(f"evt_won_{lane}", f"{payment}:1", "chargeback.won",
                       chargeback=f"cb_{lane}", amount="4.00", status="won")
        call(server, "POST", "/v1/webhooks/sandbox", won, sign(SECRET, f"evt_won_{lane}", won))


def next_item(draw):
    lane = draw.randrange(LANES)
    one, other = draw.sample(WALLETS[lane], 2)
    amount = f"{draw.randrange(1, 9)}.{draw.randrange(100):02}"
    choice = draw.random()
    if choice < 0.55:
        return money(amount, lane, kind="pay_in", wallet=one, method=draw.choice(PAY_IN),
                     psp="sandbox")
    if choice < 0.75:
        return money(amount, lane, kind="pay_out", wallet=one, method=draw.choice(PAY_OUT),
                     psp="sandbox")
    if choice < 0.93:
        other = draw.choice(WALLETS[(lane + draw.randrange(1, LANES)) % LANES])
    if choice > 0.86:
        return money(amount, lane, kind="merchant", wallet=one, merchant=other)
    return money(amount, lane, kind="wallet", wallet=one, to=other)


def capture_of(item):
    """A part of it, and the rest released; its id is none of a payment's."""
    return {"id": f"{item['id']}/capture", "kind": "capture", "of": item["id"],
            "body": {"amount": item["amount"][:-3] + ".00", "asset": "EUR", "last": True}}


def refund_of(item, draw):
    """A part of what was paid into another lane some time ago."""
    cents = draw.randrange(1, int(item["amount"].replace(".", "")))
    return {"id": payment_id(between.lane_of(item["wallet"])), "kind": "refund",
            "payment": item["id"], "amount": f"{cents // 100}.{cents % 100:02}", "asset": "EUR"}


def sent(server, item):
    """The status that an item of a load is answered with."""
    if item["kind"] != "capture":
        return call(server, "POST", "/v1/payments", item)[0]
    return call(server, "POST", f"/v1/payments/{item['id']}", item["body"],
                {"Idempotency-Key": f'"{item["id"]}"'})[0]


class Load:
    """Clients that pay in all lanes until they are stopped; each item until it has an outcome."""

    def __init__(self, ask, seed):
        self.ask = ask  # (item) -> HTTP status; whatever it raises is no answer
        self.draws = [random.Random(seed * 100 + i) for i in range(CLIENTS)]
        self.statuses = {}  # id: what it was answered
        self.items = {}
        self.stopping = threading.Event()
        self.threads = []

    def __enter__(self):
        self.stopping.clear()
        self.threads = [threading.Thread(target=self.run, args=(draw,)) for draw in self.draws]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def run(self, draw):
        while not self.stopping.is_set():
            item = next_item(draw)
            self.do(item)
            if item["kind"] == "merchant":
                self.do(capture_of(item))
            old = [one for one in list(self.items.values()) if between.leaves(one)]
            if old and draw.random() < 0.4:
                self.do(refund_of(draw.choice(old), draw))
            self.stopping.wait(0.02)

    def do(self, item):
        self.items[item["id"]] = item
        self.send(item)

    def send(self, item):
        before = item.get("of") or item.get("payment")
        if before is not None and before not in self.statuses:
            return  # there may be no such payment yet, which would be its outcome for ever
        try:
            status = self.ask(item)
        except (OSError, http.client.HTTPException, ValueError):
            return
        if status in (200, 201, 422):
            self.statuses[item["id"]] = status

    def wait_more(self, count):
        before = len(self.statuses)
        until(lambda: len(self.statuses) >= before + count, "payments are acknowledged")

    def finish(self):
        """What has no outcome yet is asked for under the same id."""
        for name in list(self.items):
            until(lambda name=name: name in self.statuses or self.send(self.items[name]) or
                  name in self.statuses, f"{name} has an outcome")


def killed_under_load(server):
    load = Load(lambda item: sent(server, item), 7)
    for _ in range(KILLS):
        with load:
            load.wait_more(EACH)
            server.kill()
        server.start()
    load.finish()
    return load


def ends_of(server, load):
    """Each payment that was acknowledged has come to its end, in its home."""
    ends, refunds = {}, {}
    for name, status in load.statuses.items():
        item = load.items[name]
        if item["kind"] == "capture":
            continue
        state = rested(server, name)
        if status == 422:
            equal(state, "failed", f"a refused payment: {item}")
        if between.leaves(item):
            between.ended_once(server, item, state)
            state = f"{state} between lanes"
        if item["kind"] == "refund":
            between.given_once(server, item, load.items[item["payment"]], state)
            refunds.setdefault(item["payment"], []).append((state, item["amount"]))
            state = f"refund {state}"
        ends[state] = ends.get(state, 0) + 1
    for name, given in refunds.items():
        between.refunded_once(server, load.items[name], given)
    check(ends.get("refund succeeded", 0) > 0, f"some was given back: {ends}")
    check(any(state.endswith("between lanes") for state in ends), f"some were: {ends}")
    equal(between.nothing_is_between(server, LANES), LANES * (LANES - 1), "ways that were used")
    return ends


def told_of(server, load):
    """The payments whose end is told, and what that is: what is refused when it is made tells nobody."""
    return {name: state_of(server, name) for name, status in load.statuses.items()
            if status != 422 and load.items[name]["kind"] != "capture"}


def chart(wallet):
    rows = wallet.json("chart", "show", "--asset", "EUR", "--psp", "sandbox")["accounts"]
    check(all(row["made"] for row in rows), f"all of it is made: {rows}")
    equal(sorted({row["lane"] for row in rows}), list(range(LANES)), "a chart in each lane")
    return rows


def settled(wallet, sandbox):
    """The day is booked lane by lane; both books then say the same."""
    day = sandbox.call("GET", "/clock")["open_statement"]
    sandbox.call("POST", f"/statements/{day}/close", {})
    for again in (False, True):
        result = wallet.run("settle", "--psp", "sandbox", "--day", day, "--json")
        reports = [json.loads(line) for line in result.out.splitlines()]
        equal(len(reports), LANES, "a report of each lane")
        totals = {one["lines"] + one["elsewhere"] for one in reports}
        equal(totals, {sum(one["lines"] for one in reports)}, "each line is one lane's")
        equal([one["odd"] for one in reports], [[]] * LANES, "nothing is odd")
        check(all(one["repeated" if again else "booked"] for one in reports), f"{reports}")
    books_equal(chart(wallet), sandbox)
    statement_is_explained(wallet, sandbox, day)
    return reports


def statement_is_explained(wallet, sandbox, day):
    """Each of its lines is in some lane's journal."""
    text = sandbox.raw("GET", f"/statements/{day}?from=0&limit=1000")[2].decode()
    mapping = file_of("sandbox.map", "id = id\nkey = reference\nref = object\nkind = kind\n"
                                     "currency = asset\namount = gross\nfee = fee\ndate = at\n"
                                     "negative_kinds = refund, pay_out, chargeback\n")
    found = wallet.run("reconcile", "--mapping", mapping, "--psp", "sandbox", "--statement",
                       file_of("statement.csv", text), "--json", code=None)
    rules = {row["rule"]: row["results"] for row in
             json.loads(found.out)["comparisons"][0]["rules"]}
    equal(rules["key"], len(text.splitlines()) - 1, f"lines that are ours: {rules}")


def books_equal(rows, sandbox):
    page = sandbox.books()["EUR"]
    for theirs, ours in (("owed", "clearing"), ("settled", "bank"), ("fees", "fees")):
        total = sum(cents_of(row["balance"]) for row in rows if row["role"] == ours)
        equal(total, cents_of(page[theirs]), f"{ours} of all lanes, and the sandbox's {theirs}")


def numbers_of(receiver, lane):
    return [int(one["sequence"]) for one in receiver.events()
            if one["source"] == f"/tpwallet/{lane}"]


def all_told(server, receiver, endpoint, secret, payments):
    """Every payment's end is told, each lane's events in order and without gaps."""
    def open_ends():
        told = {(one["subject"], one["type"]) for one in receiver.events()}
        return [name for name, state in payments.items()
                if (name, f"payment.{state}") not in told]
    until(lambda: not open_ends(), f"the end of every payment: {open_ends()[:3]}")
    for lane in range(LANES):
        numbers = sorted(set(numbers_of(receiver, lane)))
        equal(numbers, list(range(1, len(numbers) + 1)), f"no event of lane {lane} is missing")
        view = want(200, server, "GET", f"/v1/webhook-endpoints/{endpoint}", None,
                    lane_header(lane))
        check(view["sequence"] >= numbers[-1] - 1 and "secret" not in view, f"how far it is: {view}")
    for headers, body in list(receiver.got):
        check(standard_is_right(secret, headers, body), "one secret signs for all lanes")


def the_endpoint_is_changed_once(server, receiver, endpoint):
    change = {"filters": ["payment.failed"]}
    answer = call(server, "PATCH", f"/v1/webhook-endpoints/{endpoint}", change, lane_header(1))
    equal((answer[0], answer[2]["code"]), (421, "wrong_lane"), "another lane's is only followed")
    want(200, server, "PATCH", f"/v1/webhook-endpoints/{endpoint}", change)
    for lane in range(LANES):
        until(lambda lane=lane: want(200, server, "GET", f"/v1/webhook-endpoints/{endpoint}", None,
                                     lane_header(lane))["filters"] == ["payment.failed"],
              f"lane {lane} follows")
        before = max(numbers_of(receiver, lane))
        quiet = make(server, pay_in(lane))
        equal(rested(server, quiet), "succeeded", "one that is not told")
        failed = make(server, pay_in(lane, method="card_declined"))
        until(lambda lane=lane: max(numbers_of(receiver, lane)) > before, "the one that is")
        newest = [one for one in receiver.events() if one["source"] == f"/tpwallet/{lane}"][-1]
        equal((int(newest["sequence"]), newest["subject"], newest["type"]),
              (before + 1, failed, "payment.failed"), "its number goes on")
        want(200, server, "PATCH", f"/v1/webhook-endpoints/{endpoint}", {"state": "active"},
             lane_header(lane))
    want(200, server, "DELETE", f"/v1/webhook-endpoints/{endpoint}")
    for lane in range(LANES):
        until(lambda lane=lane: call(server, "GET", f"/v1/webhook-endpoints/{endpoint}", None,
                                     lane_header(lane))[0] == 404, f"lane {lane} forgets it")


def the_doctor_sees_all_lanes(wallet, endpoint):
    """Inboxes and positions of every lane, beside the server."""
    folder, key = os.path.join(SCRATCH, "case"), os.path.join(SCRATCH, "case.key")
    wallet.run("doctor", "key", key, "--name", "anna")
    for option in ("--inbox", "--deliveries"):
        wallet.run("doctor", "collect", folder, "--key", key, "--incident", "7F3A", option)
    rows = {}
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
        for source in json.load(file)["sources"]:
            with open(os.path.join(folder, source["path"]), encoding="utf-8") as lines:
                rows[source["kind"][0]] = [json.loads(line) for line in lines]
    names = {f"webhook.{endpoint}"} | {f"webhook.{endpoint}.lane-{lane}" for lane in
                                       range(1, LANES)}
    equal({row["relay"] for row in rows["relay"] if row["op"] == "position"}, names,
          "how far each lane's deliveries are")
    events = {row["event"] for row in rows["webhook"]}
    check({f"evt_{lane}" for lane in range(LANES)} <= events, f"each lane's inbox: {events}")


def command_line(wallet):
    """Ids that it makes are of the wallet's lane, whatever form the wallet's has."""
    for lane in range(LANES):
        for _ in range(3):
            made = wallet.json("payment", "create", "wallet", "--wallet", WALLETS[lane][0], "--to",
                               WALLETS[lane][1], "--amount", "0.01")
            equal(wallet.json("payment", "get", made["id"])["state"], "succeeded", "found again")
        parent = wallet.json("payment", "create", "pay_in", "--wallet", WALLETS[lane][0],
                             "--amount", "1.00", "--method", "card_ok")["id"]
        until(lambda p=parent: wallet.json("payment", "get", p)["state"] == "succeeded", "paid in")
        wallet.json("payment", "refund", parent)
        paid = wallet.json("payment", "create", "wallet", "--wallet", WALLETS[lane][0], "--to",
                           WALLETS[(lane + 1) % LANES][1], "--amount", "0.02")["id"]
        until(lambda p=paid: wallet.json("payment", "get", p)["state"] == "succeeded", "it is there")
        back = wallet.json("payment", "refund", paid, "--amount", "0.01", "--asset", "EUR")["id"]
        until(lambda p=back: wallet.json("payment", "get", p)["state"] == "succeeded", "given back")
        check(f"debit transit from lane {(lane + 1) % LANES}, credit counter, of wallet" in
              wallet.run("story", back).out, "its story says from where")


def without_a_server(wallet):
    """Commands open the folder of the lane that they are about."""
    for lane in range(LANES):
        one, other = WALLETS[lane][:2]
        made = wallet.json("payment", "create", "wallet", "--wallet", one, "--to", other,
                           "--amount", "0.01")["id"]
        equal(wallet.json("payment", "get", made)["state"], "succeeded", "found in its folder")
        reserved = wallet.json("payment", "create", "merchant", "--wallet", one, "--merchant",
                               other, "--amount", "0.01")["id"]
        listed = wallet.json("payment", "list", "--lane", str(lane))["items"]
        check(reserved in [item["id"] for item in listed], f"open in lane {lane}: {listed}")
        wallet.json("payment", "cancel", reserved)


def main():
    wallet = Wallet("ledger")
    wallet.run("init", "--lanes", str(LANES), "--asset", "EUR", "--psp", "sandbox")
    chart(wallet)
    wallet.json("chart", "create", "--asset", "USD")
    with Sandbox() as sandbox, receiving() as receiver:
        server = Server(wallet, "--plain", "--anonymous", *options_of(sandbox))
        server.start()
        accounts_make(server)
        endpoint = want(201, server, "POST", "/v1/webhook-endpoints",
                        {"id": new_id(), "url": receiver.url, "filters": ["payment.*"]})
        sandbox.call("POST", "/webhooks", {"url": f"http://{server.address}/v1/webhooks/sandbox",
                                           "scheme": "standard", "secret": SECRET})
        each_kind_in_each_lane(server)
        what_spans_lanes_is_refused(server)
        payments_between_lanes(server)
        psps_find_the_home(sandbox, server)
        load = killed_under_load(server)
        ends = ends_of(server, load)
        command_line(wallet)
        payments = told_of(server, load)
        all_told(server, receiver, endpoint["id"], endpoint["secret"], payments)
        the_doctor_sees_all_lanes(wallet, endpoint["id"])
        reports = settled(wallet, sandbox)
        document = load_document()
        for report in reports:
            check_fits(document, document["components"]["schemas"]["SettlementReport"], report,
                       "a lane's settlement")
        the_endpoint_is_changed_once(server, receiver, endpoint["id"])
        print(f"{len(load.statuses)} payments under {KILLS} kills: {ends}; "
              f"{len(receiver.got)} webhooks sent")
        server.stop()
    without_a_server(wallet)
    wallet.run("check")


if __name__ == "__main__":
    main()
