"""Goal: payments over HTTP end as api/openapi.yaml says, whoever races, repeats or restarts.

Method: a served ledger with a chart; wallet and merchant payments, refunds, exchanges; 64 callers
behind a barrier for one remainder; captures after cancel and after expiry, which the workers of
payments carry out; the same requests again after the server was killed; a PSP that nobody can
reach. Every refusal is compared by its code, every end by balances.
"""
import collections
import os
import threading
import time

from api_harness import SCOPES, Client, check, equal
from cli_harness import DENIED, NOT_FOUND, REFUSED, USAGE, Server, Wallet, file_of, new_id, serving

CALLERS = 64
WAIT_S = 120


class Shop:
    """A bank, a wallet with money, a merchant, and a wallet in dollars."""

    def __init__(self, client):
        self.client = client
        self.bank, self.wallet, self.merchant, self.dollars = (new_id() for _ in range(4))
        bound = ["debits_must_not_exceed_credits"]
        client.expect(200, "POST", "/v1/accounts", [
            {"id": self.bank, "asset": "EUR", "kind": "equity"},
            {"id": self.wallet, "asset": "EUR", "kind": "liability", "flags": bound},
            {"id": self.merchant, "asset": "EUR", "kind": "liability", "flags": bound},
            {"id": self.dollars, "asset": "USD", "kind": "liability", "flags": bound}])
        client.expect(201, "POST", "/v1/transfers", {
            "id": new_id(), "debit": self.bank, "credit": self.wallet, "asset": "EUR",
            "amount": "1000.00"})

    def net(self, account):
        return self.client.expect(200, "GET", f"/v1/accounts/{account}").json()["balance"]["net"]

    def create(self, status=201, **members):
        body = {"id": new_id(), **members}
        return self.client.expect(status, "POST", "/v1/payments", body).json()

    def merchant_payment(self, amount, **members):
        return self.create(kind="merchant", wallet=self.wallet, merchant=self.merchant,
                           asset="EUR", amount=amount, **members)

    def get(self, payment):
        return self.client.expect(200, "GET", f"/v1/payments/{payment}").json()

    def capture(self, payment, status=200, key=None, **body):
        return self.client.expect(status, "POST", f"/v1/payments/{payment}/capture", body,
                                  {"Idempotency-Key": key or new_id()}).json()

    def act(self, payment, verb, status=200):
        return self.client.expect(status, "POST", f"/v1/payments/{payment}/{verb}").json()

    def wait(self, payment, *states):
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            found = self.get(payment)
            if found["state"] in states:
                return found
            time.sleep(0.05)
        check(False, f"{payment} did not come to {states}: {found}")
        return None


def race(server, key, bodies):
    """Sends each body to /v1/payments on a connection of its own, all at once."""
    answers = [None] * len(bodies)
    clients = [Client(server, key) for _ in bodies]
    for client in clients:
        client.expect(200, "GET", "/livez")  # connected before the start
    barrier = threading.Barrier(len(bodies))

    def call(index):
        barrier.wait()
        answers[index] = clients[index].send("POST", "/v1/payments", bodies[index])

    threads = [threading.Thread(target=call, args=(i,)) for i in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.close()
    check(all(answers), "an answer for every caller")
    return answers


def a_wallet_payment_is_done_at_once(shop):
    made = shop.create(kind="wallet", wallet=shop.wallet, to=shop.merchant, asset="EUR",
                       amount="10.00")
    equal((made["state"], made["captured"]), ("succeeded", "10.00"), "a wallet payment")
    equal(shop.get(made["id"])["version"], 1, "one record")
    return made["id"]


def merchant_holds_are_captured_cancelled_and_expire(shop):
    before = shop.net(shop.wallet)
    paid = shop.merchant_payment("50.00")["id"]
    equal(shop.capture(paid, amount="20.00", asset="EUR")["state"], "part_captured", "a part")
    last = shop.capture(paid, amount="5.00", asset="EUR", last=True)
    equal((last["state"], last["captured"]), ("captured", "25.00"), "the last part")
    dropped = shop.merchant_payment("50.00")["id"]
    equal(shop.act(dropped, "cancel")["state"], "cancelled", "cancelled")
    equal(shop.capture(dropped, 422, amount="all")["code"], "state_forbids", "after cancel")
    equal(shop.act(dropped, "cancel", 422)["code"], "state_forbids", "cancel twice")
    lapsed = shop.merchant_payment("50.00", expires_in_s=1)["id"]
    equal(shop.wait(lapsed, "expired")["captured"], "0.00", "expired by itself")
    equal(shop.capture(lapsed, 422, amount="all")["code"], "payment_expired", "after expiry")
    some = shop.merchant_payment("50.00", expires_in_s=6)["id"]
    shop.capture(some, amount="1.00", asset="EUR")
    equal(shop.wait(some, "captured")["captured"], "1.00", "what was captured stays")
    cents = round(float(before) * 100) - round(float(shop.net(shop.wallet)) * 100)
    equal(cents, 2600, "what was captured, and nothing else, is gone")


def one_refund_wins_each_remainder(shop, server, key, payment):
    """64 refunds of 4.00 for 10.00: two fit. Then 64 for the 2.00 that are left: one."""
    for amount, wins in (("4.00", 2), ("2.00", 1)):
        bodies = [{"id": new_id(), "kind": "refund", "payment": payment, "asset": "EUR",
                   "amount": amount} for _ in range(CALLERS)]
        answers = race(server, key, bodies)
        count = collections.Counter(answer.status for answer in answers)
        equal(count, {201: wins, 422: CALLERS - wins}, f"refunds of {amount}")
        for answer in answers:
            if answer.status == 422:
                equal(answer.json()["code"], "amount_over_refundable", "over the remainder")
    equal(shop.get(payment)["refunded"], "10.00", "all is given back, once")


def an_exchange_keeps_its_rate_and_its_residue(shop):
    client = shop.client
    before = round(float(shop.net(shop.wallet)) * 100)
    client.expect(201, "POST", "/v1/rates", {"asset": "EUR", "to_asset": "USD", "rate": "0.007"})
    quote = shop.create(kind="exchange", wallet=shop.wallet, to=shop.dollars, asset="EUR",
                        to_asset="USD", amount="9.99")
    equal((quote["to_amount"], quote["residue"]), ("0.06", "1.41"), "rounded down")
    client.expect(201, "POST", "/v1/rates", {"asset": "EUR", "to_asset": "USD", "rate": "1.0842"})
    done = shop.act(quote["id"], "execute")
    equal((done["state"], done["rate"]), ("succeeded", "0.007"), "at the rate that was quoted")
    equal(shop.net(shop.dollars), "0.06", "dollars")
    equal(before - round(float(shop.net(shop.wallet)) * 100), 999, "all that was given is gone")
    late = shop.create(kind="exchange", wallet=shop.wallet, to=shop.dollars, asset="EUR",
                       to_asset="USD", amount="1.00", expires_in_s=1)
    shop.wait(late["id"], "expired")
    equal(shop.act(late["id"], "execute", 422)["code"], "payment_expired", "too late")


def what_is_wrong_is_refused(shop):
    def refused(status, code, **body):
        equal(shop.create(status, **body)["code"], code, f"{body}")

    wallet = {"kind": "wallet", "wallet": shop.wallet, "to": shop.merchant}
    refused(400, "unknown_asset", **wallet, asset="ZZZ", amount="1")
    refused(400, "wrong_exponent", **wallet, asset="EUR", amount="1.001")
    refused(400, "invalid_value", **wallet, asset="EUR", amount="10000000000000000.00")
    refused(422, "ledger_refused", **wallet, asset="EUR", amount="100000.00")
    refused(422, "asset_mismatch", **wallet, asset="USD", amount="1.00")
    refused(422, "account_not_found", kind="wallet", wallet=shop.wallet, to=new_id(), asset="EUR",
            amount="1.00")
    refused(422, "parent_not_found", kind="refund", payment=new_id())
    refused(400, "psp_unknown", kind="pay_in", wallet=shop.wallet, asset="EUR", amount="1.00",
            method="card_ok")
    refused(400, "invalid_value", kind="pay_in", wallet=shop.wallet, asset="EUR", amount="1.00",
            method="5555555555554444", psp="sandbox")


class Repeats:
    """Requests and what they were answered, to be sent again after a restart."""

    def __init__(self, shop):
        self.sent = []
        wallet = {"kind": "wallet", "wallet": shop.wallet, "to": shop.merchant, "asset": "EUR"}
        self.send(shop, 201, "/v1/payments", {**wallet, "id": new_id(), "amount": "3.00"})
        self.send(shop, 201, "/v1/payments", {**wallet, "amount": "4.00"}, new_id())
        self.send(shop, 422, "/v1/payments", {**wallet, "amount": "99999.00"}, new_id())
        held = shop.merchant_payment("8.00")["id"]
        part = {"amount": "2.00", "asset": "EUR"}
        self.send(shop, 200, f"/v1/payments/{held}/capture", part, new_id())
        self.send(shop, 200, f"/v1/payments/{held}/capture", part, new_id())
        self.send(shop, 422, f"/v1/payments/{held}/capture", {"amount": "7.00", "asset": "EUR"},
                  new_id())
        self.held = held

    def send(self, shop, status, target, body, key=None):
        headers = {"Idempotency-Key": key} if key else {}
        answer = shop.client.expect(status, "POST", target, body, headers)
        self.sent.append((target, body, headers, answer.json()))

    def again(self, client):
        for target, body, headers, first in self.sent:
            answer = client.send("POST", target, body, headers)
            now = answer.json()
            equal(now.get("repeated"), True, f"repeated: {target} {body}: {answer!r}")
            for name in ("state", "captured", "code", "detail", "id", "position", "at"):
                equal(now.get(name), first.get(name), f"{name} of {target} {body}")


def repeats_are_answered_the_same_after_a_kill(shop, server, key):
    repeats = Repeats(shop)
    before = shop.net(shop.wallet)
    repeats.again(shop.client)
    shop.client.close()
    server.kill()
    server.start()
    shop.client = Client(server, key)
    repeats.again(shop.client)
    equal(shop.net(shop.wallet), before, "nothing moved twice")
    equal(shop.get(repeats.held)["captured"], "4.00", "two parts")


def a_psp_that_is_not_there_keeps_it_waiting(wallet):
    keys = file_of("keys", "sandbox key\n")
    os.chmod(keys, 0o600)
    options = ("--plain", "--psp", "sandbox=http://127.0.0.1:9", "--psp-private")
    with serving(wallet, *options, "--psp-keys", keys) as server:
        payment = new_id()
        account = wallet.json("account", "create", "shop:carol")["id"]
        made = wallet.json("payment", "create", "pay_in", "--wallet", account, "--amount", "5.00",
                           "--method", "card_ok", "--id", payment)
        equal((made["state"], made["psp"]), ("pending", "sandbox"), "chosen by the server")
        until = time.monotonic() + WAIT_S
        while wallet.json("payment", "get", payment)["attempts"] < 2:
            check(time.monotonic() < until, "it is tried again")
            time.sleep(0.1)
        found = wallet.json("payment", "get", payment)
        equal((found["state"], found["reason"]), ("pending", "no_connection"), "it waits")
        equal(wallet.json("balance", account)["balance"]["net"], "0.00", "nothing is credited")
        check(server.process.poll() is None, "the server goes on")
    result = wallet.run("serve", *options, code=USAGE)
    check("no key for the PSP" in result.err, f"{result!r}")
    result = wallet.run("serve", "--plain", "--psp", "sandbox", "--psp-keys", keys, code=USAGE)
    check("not NAME=URL" in result.err, f"{result!r}")
    others = file_of("others", "bank key\n")
    os.chmod(others, 0o600)
    result = wallet.run("serve", "--plain", "--psp", "bank=http://127.0.0.1:9", "--psp-keys",
                        others, code=USAGE)
    check("nobody speaks the wire" in result.err, f"{result!r}")
    os.chmod(keys, 0o644)
    wallet.run("serve", *options, "--psp-keys", keys, code=DENIED)


def the_command_line_does_the_same(wallet):
    a, b = "shop:alice", "shop:bob"
    for name in (a, b):
        wallet.run("account", "create", name, "--flags", "debits_must_not_exceed_credits")
    wallet.run("account", "create", "shop:equity", "--kind", "equity")
    wallet.run("transfer", "create", "--debit", "shop:equity", "--credit", a, "--amount", "20.00")
    held = wallet.json("payment", "create", "merchant", "--wallet", a, "--merchant", b, "--amount",
                       "8.00")["id"]
    for _ in range(2):  # the same key: one part
        wallet.json("payment", "capture", held, "--amount", "2.00", "--asset", "EUR", "--key", "k")
    listed = wallet.json("payment", "list", "--state", "part_captured")["items"]
    check(held in [item["id"] for item in listed], "listed while it is open")
    equal(wallet.json("payment", "cancel", held)["state"], "captured", "the rest is released")
    equal(wallet.json("payment", "refund", held)["amount"], "2.00", "all of it")
    wallet.run("payment", "capture", held, code=REFUSED)
    wallet.run("payment", "refund", held, code=REFUSED)
    equal(wallet.json("balance", a)["balance"]["net"], "20.00", "all is back")
    wallet.run("rate", "set", "EUR", "JPY", "161.25")
    rates = wallet.json("rate", "list")["items"]
    check({"asset": "EUR", "to_asset": "JPY", "rate": "161.25", "numerator": 129,
           "denominator": 80} in rates, f"the rate: {rates}")
    for _ in range(2):  # made once
        chart = wallet.json("chart", "create", "--asset", "JPY", "--psp", "sandbox")["accounts"]
        equal((len(chart), all(row["made"] for row in chart)), (8, True), "the chart")
    equal(wallet.json("chart", "show", "--asset", "CHF")["accounts"][0]["made"], False, "not made")
    wallet.run("chart", "create", "--asset", "ZZZ", code=NOT_FOUND)
    wallet.run("chart", "create", "--psp", "No Name", code=USAGE)
    wallet.check_totals()


def main():
    wallet = Wallet("payments")
    wallet.run("init", "--asset", "EUR,USD", "--psp", "sandbox")
    key = wallet.json("key", "create", "test", "--scopes", SCOPES)["secret"]
    server = Server(wallet, "--plain").start()
    try:
        shop = Shop(Client(server, key))
        paid = a_wallet_payment_is_done_at_once(shop)
        merchant_holds_are_captured_cancelled_and_expire(shop)
        one_refund_wins_each_remainder(shop, server, key, paid)
        an_exchange_keeps_its_rate_and_its_residue(shop)
        what_is_wrong_is_refused(shop)
        repeats_are_answered_the_same_after_a_kill(shop, server, key)
        shop.client.close()
        server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()
    a_psp_that_is_not_there_keeps_it_waiting(wallet)
    the_command_line_does_the_same(wallet)
    print("payments end as documented")


if __name__ == "__main__":
    main()
