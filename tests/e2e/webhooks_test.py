"""Goal: webhooks work end to end between running programs: a PSP's move payments on, once, whatever
comes twice, late, forged or in between a crash; ours arrive in order, without gaps, or can be proven
missing.

Method: `tpwallet serve` beside `tpwallet sandbox`, which sends real webhooks; then webhooks signed
here, anew from the specification, in every wrong way; a receiver that refuses; SIGKILL under load.
"""
import base64
import hashlib
import hmac
import http.client
import json
import os
import threading
import time

from cli_harness import (USAGE, DENIED, Server, Wallet, check, equal, file_of, new_id, sample)
from sandbox_harness import Sandbox, receiving, standard_is_right, until

OLD = "whsec_" + base64.b64encode(b"o" * 32).decode()
NEW = "whsec_" + base64.b64encode(b"n" * 32).decode()
LATER = "whsec_" + base64.b64encode(b"l" * 32).decode()
ENDED = "whsec_" + base64.b64encode(b"e" * 32).decode()
YEAR_S = 365 * 86400
ROUNDS_MORE = 7  # kills, until one leaves something to be taken up again
REDONE_S = 3


def call(server, method, path, body=None, headers=None, key=None):
    """(status, headers, JSON or text)."""
    connection = server.connection()
    sent = {"Content-Type": "application/json", **(headers or {})}
    if key:
        sent["Authorization"] = f"Bearer {key}"
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        text = answer.read()
        found = {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()
    return answer.status, found, json.loads(text) if text[:1] == b"{" else text.decode()


def want(status, server, method, path, body=None, headers=None):
    found = call(server, method, path, body, headers)
    equal(found[0], status, f"{method} {path} {body}: {found[2]}")
    return found[2]


def sign(secret, event, body, at=None, style="webhook"):
    at = int(time.time() if at is None else at)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{event}.{at}.".encode() + body, hashlib.sha256).digest()
    return {f"{style}-id": event, f"{style}-timestamp": str(at),
            f"{style}-signature": "v1," + base64.b64encode(mac).decode()}


def event_of(event, reference, kind="order.updated", **data):
    fields = {"object": "ch_000000000001", "reference": reference, "operation": "charge",
              "status": "done", "amount": "10.00", "asset": "EUR", "reason": "",
              "at": "2026-11-23T06:14:50.000000000Z", **data}
    return json.dumps({"id": event, "type": kind, "at": "2026-11-23T06:14:50.000000000Z",
                       "data": fields}).encode()


def send(server, event, body, secret=OLD, at=None, sender="sandbox"):
    return call(server, "POST", f"/v1/webhooks/{sender}", body, sign(secret, event, body, at))


class Bench:
    """A wallet with a chart and an account, its server, and what payments it made."""

    def __init__(self, name, sandbox, *options):
        self.wallet = Wallet(name)
        self.wallet.run("init", "--asset", "EUR", "--psp", "sandbox")
        keys = file_of(name + "_keys", "sandbox sandbox\n")
        secrets = file_of(name + "_secrets", f"old {OLD}\nnew {NEW} - 2036-01-01T00:00:00Z\n"
                          f"later {LATER} 2036-01-01T00:00:00Z\n"
                          f"ended {ENDED} - 2026-01-01T00:00:00Z\n")
        for path in (keys, secrets):
            os.chmod(path, 0o600)
        self.server = Server(self.wallet, "--plain", "--anonymous", "--psp",
                             f"sandbox=http://{sandbox.address}", "--psp-keys", keys,
                             "--psp-private", "--webhook-in", f"sandbox=standard:{secrets}",
                             "--webhook-private", *options)
        self.account = new_id()

    def __enter__(self):
        self.server.start()
        want(201, self.server, "POST", "/v1/accounts",
             {"id": self.account, "asset": "EUR", "kind": "liability"})
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.server.stop()
        elif self.server.process.poll() is None:
            self.server.kill()

    def pay_in(self, method="card_pending_then_ok", amount="10.00"):
        payment = new_id()
        want(201, self.server, "POST", "/v1/payments",
             {"id": payment, "kind": "pay_in", "amount": amount, "asset": "EUR",
              "wallet": self.account, "method": method, "psp": "sandbox"})
        return payment

    def payment(self, payment):
        return want(200, self.server, "GET", f"/v1/payments/{payment}")

    def until_state(self, payment, state):
        return until(lambda: self.payment(payment)["state"] == state and self.payment(payment),
                     f"{payment} {state}")

    def causes(self, payment):
        story = want(200, self.server, "GET", f"/v1/payments/{payment}/story")
        return [unit["cause"] for unit in story["units"]]

    def metric(self, name):
        return sample(call(self.server, "GET", "/metrics")[2], name)


def hook(sandbox, bench):
    sandbox.call("POST", "/webhooks", {"url": f"http://{bench.server.address}/v1/webhooks/sandbox",
                                       "scheme": "standard", "secret": OLD})


def polled(bench, payment, times):
    """Asked after so often already that the next time is seconds away."""
    until(lambda: bench.causes(payment).count("answer") >= times, "polls")


def webhook_is_faster_than_polling(sandbox, bench):
    payment = bench.pay_in()
    polled(bench, payment, 4)
    begun = time.monotonic()
    sandbox.call("POST", f"/orders/{payment}%3A1/complete", {})
    bench.until_state(payment, "succeeded")
    took_ms = int((time.monotonic() - begun) * 1000)
    causes = bench.causes(payment)
    equal(causes[-2:], ["hint", "answer"], f"a hint, and not the next poll, brought it: {causes}")
    print(f"succeeded {took_ms} ms after the PSP decided")
    return payment


def repeats_are_one(bench, payment):
    reference = f"{payment}:1"
    body = event_of("evt_twice", reference)
    equal(send(bench.server, "evt_twice", body)[2], {"result": "done"}, "first")
    hints = bench.causes(payment).count("hint")
    for again in (body, event_of("evt_twice", reference, reason="other_bytes")):
        status, _, answer = send(bench.server, "evt_twice", again)
        equal((status, answer), (200, {"result": "repeated"}), "the same event again")
    equal(bench.causes(payment).count("hint"), hints, "hints")
    created = event_of("evt_older", reference, "order.created", status="pending")
    equal(send(bench.server, "evt_older", created)[0], 200, "an older event")
    equal(bench.causes(payment)[-1], "hint", "no news: it is not asked after")
    equal(bench.payment(payment)["state"], "succeeded", "nothing moved back")


def rejected(bench, reason, event, body, headers):
    status, found, problem = call(bench.server, "POST", "/v1/webhooks/sandbox", body, headers)
    equal((status, problem.get("code")), (401, "webhook_rejected"), f"{reason}: {problem}")
    check(problem["detail"].startswith(reason + ":"), f"{reason}: {problem}")
    check("www-authenticate" in found, "WWW-Authenticate")
    for secret in (OLD, NEW, LATER, ENDED, headers.get("webhook-signature", "v1,none")[3:]):
        check(secret not in json.dumps(problem), "a secret in the answer")
    items = want(200, bench.server, "GET", "/v1/webhook-rejections?limit=1")["items"]
    equal(items[0]["reason"], reason, f"the newest rejection: {items}")
    return items[0]


def forgeries_are_turned_away(bench, payment):
    server = bench.server
    body = event_of("evt_forged", f"{payment}:1")
    hints = bench.causes(payment).count("hint")
    now = time.time()
    wrong = "whsec_" + base64.b64encode(b"x" * 32).decode()
    changed = body.replace(b'"10.00"', b'"10.01"')
    cases = [
        ("no_match", body, sign(wrong, "evt_forged", body)),
        ("no_match", changed, sign(OLD, "evt_forged", body)),
        ("body_changed", body + b"\n", sign(OLD, "evt_forged", body)),
        ("timestamp_old", body, sign(OLD, "evt_forged", body, now - YEAR_S)),
        ("timestamp_old", body, sign(OLD, "evt_forged", body, now - 3600)),
        ("timestamp_ahead", body, sign(OLD, "evt_forged", body, now + 3600)),
        ("key_expired", body, sign(ENDED, "evt_forged", body)),
        ("key_not_yet", body, sign(LATER, "evt_forged", body)),
        ("header_missing", body, {}),
    ]
    for reason, sent, headers in cases:
        found = rejected(bench, reason, "evt_forged", sent, headers)
        equal(found["body_sha256"], hashlib.sha256(sent).hexdigest(), "digest")
    equal(bench.causes(payment).count("hint"), hints, "no effect of what was turned away")
    equal(send(server, "evt_new_secret", event_of("evt_new_secret", f"{payment}:1"), NEW)[0], 200,
          "the other secret of the overlap")
    equal(send(server, "evt", b"{}", sender="nobody")[0], 404, "a sender that nobody configured")
    equal(call(server, "POST", "/v1/webhooks/sandbox", b"x" * 300000, {})[0], 413, "300 kB")
    table = bench.wallet.run("webhook", "rejections").out
    check("key_expired" in table and "ended" in table, table)


def strangers_are_kept_and_ignored(bench):
    unknown = event_of("evt_unknown", f"{new_id()}:1")
    foreign = event_of("evt_foreign", "order-17")
    other = event_of("evt_type", "", "customer.created")
    for event, body in (("evt_unknown", unknown), ("evt_foreign", foreign), ("evt_type", other)):
        equal(send(bench.server, event, body)[::2], (200, {"result": "ignored"}), event)
    equal(send(bench.server, "evt_odd", b'{"id":7}')[::2], (200, {"result": "kept"}), "no event")


def dispute_event(event, kind, payment, amount="4.00"):
    return event_of(event, f"{payment}:1", f"chargeback.{kind}", chargeback="cb_" + payment,
                    amount=amount, status=kind)


def chargebacks_are_booked_in_any_order(bench):
    for name, kinds, disputed in (("in order", ("opened", "won"), "0.00"),
                                  ("won first", ("won", "opened"), "0.00"),
                                  ("reversed first", ("reversed", "lost", "opened"), "0.00"),
                                  ("lost", ("lost",), "4.00")):
        payment = bench.pay_in("card_ok")
        bench.until_state(payment, "succeeded")
        for kind in kinds:
            body = dispute_event(f"evt_{kind}_{payment}", kind, payment)
            equal(send(bench.server, f"evt_{kind}_{payment}", body)[::2], (200, {"result": "done"}),
                  f"{name}: {kind}")
        equal(bench.payment(payment).get("disputed", "0.00"), disputed, f"{name}: disputed")
    body = dispute_event("evt_dispute_unknown", "opened", new_id())
    equal(send(bench.server, "evt_dispute_unknown", body)[2], {"result": "kept"},
          "a chargeback of no payment of ours")
    bench.wallet.check_totals()


def redone_soon(bench):
    """How many were taken up again; none when the kill met nothing that was still to be done."""
    deadline = time.monotonic() + REDONE_S
    while time.monotonic() < deadline and bench.metric("tpwallet_webhooks_redone_total") == 0:
        time.sleep(0.05)
    return bench.metric("tpwallet_webhooks_redone_total")


def killed_under_load(bench, rounds=3):
    """What was answered with 2xx had its effect, once; what was stored has it after the restart."""
    payment = bench.pay_in("card_ok")
    bench.until_state(payment, "succeeded")
    accepted = set()
    redone, number = 0, 0
    while number < rounds or (redone == 0 and number < rounds + ROUNDS_MORE):
        stop = threading.Event()

        def flood(worker):
            count = 0
            while not stop.is_set() and count < 200:
                event = f"evt_kill_{number}_{worker}_{count}"
                count += 1
                try:
                    if send(bench.server, event, event_of(event, f"{payment}:1"))[0] == 200:
                        accepted.add(event)
                except (OSError, http.client.HTTPException):
                    return

        workers = [threading.Thread(target=flood, args=(i,)) for i in range(16)]
        before = len(accepted)
        for worker in workers:
            worker.start()
        until(lambda: len(accepted) > before + 40, "webhooks taken")
        bench.server.kill()
        stop.set()
        for worker in workers:
            worker.join()
        bench.server.start()
        redone += redone_soon(bench)
        number += 1
    check(redone > 0, f"{number} kills left nothing to be taken up again")
    sent_again = 0
    for event in sorted(accepted):
        answer = send(bench.server, event, event_of(event, f"{payment}:1"))
        equal(answer[::2], (200, {"result": "repeated"}), f"{event} had its effect before")
        sent_again += 1
    print(f"{sent_again} webhooks taken under {rounds} kills; each had its effect once")


def missed(bench, endpoint, since):
    items = []
    while True:
        page = want(200, bench.server, "GET",
                    f"/v1/webhook-endpoints/{endpoint}/missed?since={since}&limit=7")
        items += page["items"]
        since = page["sequence"]
        if page["complete"]:
            return items


def ours_arrive_in_order(bench, receiver):
    made = want(201, bench.server, "POST", "/v1/webhook-endpoints",
                {"id": new_id(), "url": receiver.url, "filters": ["payment.*"]})
    again = want(200, bench.server, "POST", "/v1/webhook-endpoints",
                 {"id": made["id"], "url": receiver.url, "filters": ["payment.*"]})
    check("secret" not in again, "the secret is shown once")
    payments = [bench.pay_in("card_ok") for _ in range(5)]
    for payment in payments:
        bench.until_state(payment, "succeeded")
    until(lambda: len(receiver.got) >= 10, "deliveries")
    numbers = [int(event["sequence"]) for event in receiver.events()]
    equal(numbers, list(range(1, len(numbers) + 1)), "sequence")
    for payment in payments:
        types = [e["type"] for e in receiver.events() if e["subject"] == payment]
        equal(types, ["payment.pending", "payment.succeeded"], f"events of {payment}")
    for headers, body in receiver.got:
        check(standard_is_right(made["secret"], headers, body), "signature")
        equal(headers["webhook-id"], json.loads(body)["id"], "id")
    equal([e["sequence"] for e in missed(bench, made["id"], 3)],
          [str(n) for n in range(4, len(numbers) + 1)], "missed since 3")
    return made


def the_story_tells_what_came_and_went(bench, made, payment):
    """Of a pay-in whose first event is a dead letter, and whose webhooks came, one of them twice."""
    again = event_of("evt_of_a_story", f"{payment}:1")
    for result in ("done", "repeated"):
        equal(send(bench.server, "evt_of_a_story", again)[2], {"result": result}, "sent by hand")
    story = until(lambda: (told := bench.wallet.json("story", payment))["webhooks"][0]["mark"]
                  == "done" and len(told["webhooks"]) >= 2 and told, "the webhooks of the payment")
    hints = [unit["position"] for unit in story["units"] if unit["cause"] == "hint"]
    for webhook in story["webhooks"]:
        equal((webhook["sender"], webhook["verified"], webhook["kind"]), ("sandbox", True, "order"),
              f"{webhook}")
        check(webhook.get("effect", hints[0]) in hints, f"its unit: {webhook}")
    equal([w["event"] for w in story["webhooks"]].count("evt_of_a_story"), 2, "it came twice")
    equal({w["effect"] for w in story["webhooks"] if "effect" in w}, set(hints), "each hint")
    told = until(lambda: (found := {event["type"]: event["deliveries"][0] for event
                                    in bench.wallet.json("story", payment)["events"]})
                 ["payment.succeeded"]["delivery"] == "delivered" and found, "it is delivered")
    equal(told["payment.pending"]["delivery"], "dead_letter", "the event that was given up")
    equal(told["payment.succeeded"]["endpoint"], made["id"], "where the other one is")
    equal(story["not_told"], [], "what is left out")
    text = bench.wallet.run("story", payment).out
    for line in ("from sandbox: order, event evt_of_a_story, verified, done, effect: unit ",
                 "payment.succeeded\n", f"{made['id']}: delivered\n",
                 f"{made['id']}: dead_letter, number "):
        check(line in text, f"'{line}' in the story:\n{text}")


def dead_letters_are_passed_and_redriven(bench, receiver, made):
    before = len(receiver.events())
    receiver.statuses = [500]  # one attempt: a dead letter at once
    payment = bench.pay_in("card_ok")
    bench.until_state(payment, "succeeded")
    until(lambda: len(receiver.got) >= before + 2, "what follows the dead letter")
    pages = want(200, bench.server, "GET", f"/v1/webhook-endpoints/{made['id']}/deliveries")
    equal([letter["sequence"] for letter in pages["dead_letters"]], [before + 1], "dead letters")
    equal(receiver.events()[before + 1].get("passed"), 1, "the next one says what it passed")
    the_story_tells_what_came_and_went(bench, made, payment)
    shown = bench.wallet.run("webhook", "endpoint", "deliveries", made["id"]).out
    check(str(before + 1) in shown, shown)
    equal(bench.wallet.json("webhook", "endpoint", "redrive", made["id"])["count"], 1, "redriven")
    until(lambda: receiver.events()[-1].get("redriven"), "the dead letter delivered after all")
    equal(receiver.events()[-1]["sequence"], str(before + 1), "under its number")
    until(lambda: want(200, bench.server, "GET", f"/v1/webhook-endpoints/{made['id']}/deliveries")
          ["dead_letters"] == [], "no dead letter is left")


def endpoints_outlive_a_kill(bench, receiver, made):
    rotated = bench.wallet.json("webhook", "endpoint", "rotate", made["id"], "--overlap-s", "3600")
    equal(len(rotated["keys"]), 2, "secrets that are live")
    bench.server.kill()
    bench.server.start()
    before = max(int(e["sequence"]) for e in receiver.events())
    payment = bench.pay_in("card_ok")
    bench.until_state(payment, "succeeded")
    until(lambda: int(receiver.events()[-1]["sequence"]) >= before + 2, "deliveries after a kill")
    headers, body = receiver.got[-1]
    for secret in (made["secret"], rotated["secret"]):
        check(standard_is_right(secret, headers, body), "signed with both during the overlap")
    seen = {int(e["sequence"]) for e in receiver.events()}
    equal(seen, set(range(1, max(seen) + 1)), "no number is missing")
    if not os.path.exists(f"{bench.wallet.folder}/store"):  # else they are in its database
        mode = os.stat(f"{bench.wallet.folder}/endpoints.db").st_mode & 0o777
        equal(mode, 0o600, "secrets are for the owner alone")


def endpoints_are_changed_and_forgotten(bench, receiver, made):
    path = f"/v1/webhook-endpoints/{made['id']}"
    receiver.statuses = [410]
    bench.until_state(bench.pay_in("card_ok"), "succeeded")
    until(lambda: want(200, bench.server, "GET", path)["disabled_itself"], "410 disables")
    until(lambda: bench.metric("tpwallet_webhook_endpoints_disabled_total") == 1, "counted")
    found = bench.wallet.json("webhook", "endpoint", "update", made["id"], "--state", "active",
                              "--filters", "payment.succeeded")
    equal((found["disabled_itself"], found["filters"]), (False, ["payment.succeeded"]), "enabled")
    count = len(receiver.got)
    bench.until_state(bench.pay_in("card_ok"), "succeeded")
    until(lambda: len(receiver.got) > count, "it goes on")
    equal({e["type"] for e in receiver.events()[count:]}, {"payment.succeeded"}, "filters")
    bench.wallet.run("webhook", "endpoint", "delete", made["id"])
    equal(want(200, bench.server, "GET", "/v1/webhook-endpoints")["items"], [], "deleted")
    want(404, bench.server, "GET", path)


def bad_options_are_refused(sandbox):
    wallet = Wallet("options")
    wallet.run("init", "--asset", "EUR", "--psp", "sandbox")
    keys, readable = file_of("o_keys", "sandbox sandbox\n"), file_of("o_open", f"a {OLD}\n")
    os.chmod(keys, 0o600)
    os.chmod(readable, 0o644)
    words = ("serve", "--plain", "--anonymous", "--listen", "127.0.0.1:0", "--psp",
             f"sandbox=http://{sandbox.address}", "--psp-keys", keys, "--psp-private")
    for value, code in ((f"stripe=stripe:{keys}", USAGE), (f"sandbox=rot13:{keys}", USAGE),
                        (f"sandbox=plain:{keys}", USAGE), (f"sandbox=standard:{readable}", DENIED),
                        (f"sandbox=standard:{keys}", USAGE), ("sandbox", USAGE)):
        wallet.run(*words, "--webhook-in", value, code=code)


def main():
    with Sandbox("--pending-ms", "120000") as sandbox:
        bad_options_are_refused(sandbox)
        with Bench("in", sandbox) as bench:
            hook(sandbox, bench)
            payment = webhook_is_faster_than_polling(sandbox, bench)
            repeats_are_one(bench, payment)
            forgeries_are_turned_away(bench, payment)
            strangers_are_kept_and_ignored(bench)
            chargebacks_are_booked_in_any_order(bench)
            killed_under_load(bench)
        with receiving() as receiver, Bench("out", sandbox, "--webhook-attempts", "1") as bench:
            made = ours_arrive_in_order(bench, receiver)
            dead_letters_are_passed_and_redriven(bench, receiver, made)
            endpoints_outlive_a_kill(bench, receiver, made)
            endpoints_are_changed_and_forgotten(bench, receiver, made)


if __name__ == "__main__":
    main()
