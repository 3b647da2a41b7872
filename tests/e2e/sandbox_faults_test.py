"""Goal: each fault does what it is named after: effect or none, answer or none; webhooks are signed
so that a verifier written from the specifications accepts them, or rejects the forged ones.

Method: one-shot faults for named orders against the real binary, books looked at after each; a
receiver of its own that verifies; rates counted over many orders.
"""
import json
import os
import threading
import time
import urllib.parse

from cli_harness import check, equal, file_of, new_id
from sandbox_harness import (SCRATCH, Sandbox, receiving, standard_is_right, stripe_is_right, until)

SECRET = "whsec_" + "c2FuZGJveCBzZWNyZXQgb2YgMzIgYnl0ZXMgbG9uZyE="


def faults(sandbox, *items, seed=1):
    sandbox.call("PUT", "/faults", {"seed": seed, "faults": list(items)})


def send(sandbox, reference, amount="5.00"):
    item = {"reference": reference, "operation": "charge", "asset": "EUR", "amount": amount,
            "method": "card_ok", "object": "", "last": False}
    return sandbox.raw("POST", "/orders", json.dumps(item), {"Content-Type": "application/json"})


def exists(sandbox, reference):
    return sandbox.raw("GET", f"/orders/{reference}")[0] == 200


def calls_fail_as_they_are_told(sandbox):
    for fault, effect, status in (("timeout_before", False, None), ("timeout_after", True, None),
                                  ("close_before", False, None), ("close_after", True, None),
                                  ("error_before", False, 500), ("error_after", True, 500),
                                  ("throttle", False, 429), ("garbage", True, 200),
                                  ("oversize", True, 200), ("slow", True, 200)):
        reference = new_id() + ":1"
        waits = fault.startswith("timeout") or fault == "slow"
        faults(sandbox, {"fault": fault, "per_mille": 1000, "times": 1, "ms": 300 if waits else 0,
                         "reference": reference})
        begun = time.monotonic()
        check(send(sandbox, new_id() + ":1")[0] == 200, f"{fault} is for the named order only")
        answer = send(sandbox, reference)
        took = time.monotonic() - begun
        equal(None if answer is None else answer[0], status, f"status under {fault}")
        equal(exists(sandbox, reference), effect, f"effect of {fault}")
        check(took >= 0.3 if waits else took < 5, f"{fault} took {took:.3f} s")
        if fault == "throttle":
            equal(answer[1]["Retry-After"], "1", "Retry-After")
        if fault == "garbage":
            try:
                json.loads(answer[2])
                check(False, "garbage is no JSON")
            except ValueError:
                pass
        if fault == "oversize":
            equal(len(answer[2]), 10 << 20, "10 MiB")
        again = send(sandbox, reference)
        equal(json.loads(again[2])["status"], "done", f"asked again after {fault}")
        equal(sandbox.call("GET", "/faults")["faults"][0]["came"], 1, f"{fault} came once")


def answers_lie_but_books_do_not(sandbox):
    for fault, field, wrong in (("wrong_amount", "amount", "5.01"), ("wrong_asset", "asset", "USD")):
        reference = new_id() + ":1"
        faults(sandbox, {"fault": fault, "per_mille": 1000, "times": 1})
        equal(json.loads(send(sandbox, reference)[2])[field], wrong, f"{fault}: the lie")
        told = sandbox.look(reference)
        equal((told["amount"], told["asset"]), ("5.00", "EUR"), f"{fault}: the truth")


def blind_queries_end(sandbox):
    reference = new_id() + ":1"
    faults(sandbox, {"fault": "query_blind", "per_mille": 1000, "ms": 3000})
    send(sandbox, reference)
    check(not exists(sandbox, reference), "a young order is not found")
    until(lambda: exists(sandbox, reference), "an older one is")


def queries_fail_when_they_are_named(sandbox):
    reference = new_id() + ":1"
    send(sandbox, reference)
    faults(sandbox, {"fault": "error_after", "per_mille": 1000, "times": 1, "operation": "query"},
           {"fault": "close_before", "per_mille": 1000, "times": 2, "operation": "query"})
    path = f"/orders/{reference}"
    equal(sandbox.raw("GET", path)[0], 500, "a query that fails")
    equal(sandbox.raw("GET", path), None, "one that is not answered")
    equal(send(sandbox, reference)[0], 200, "orders are not concerned")
    query = "/v1/payment_intents/search?query=" + urllib.parse.quote(
        f"metadata['reference']:'{reference}'")
    equal(sandbox.raw("GET", query), None, "the same in the Stripe subset")
    check(exists(sandbox, reference), "and then it is")


def a_slow_call_holds_nobody_up(sandbox):
    reference = new_id() + ":1"
    faults(sandbox, {"fault": "timeout_after", "per_mille": 1000, "ms": 4000,
                     "reference": reference})
    slow = threading.Thread(target=send, args=(sandbox, reference))
    begun = time.monotonic()
    slow.start()
    until(lambda: exists(sandbox, reference), "the effect comes at once")
    check(time.monotonic() - begun < 3.9, "others are served meanwhile")
    slow.join()
    check(time.monotonic() - begun >= 4, "and the answer waits")


def rates_follow_from_the_seed():
    found = []
    for _ in range(2):
        with Sandbox("--seed", "7", "--faults", "error_before=250") as sandbox:
            found.append([send(sandbox, f"0190a1b2-0000-7000-8000-{i:012x}:1")[0]
                          for i in range(200)])
    equal(found[0], found[1], "the same seed, the same faults")
    check(25 <= found[0].count(500) <= 75, f"a quarter fails: {found[0].count(500)} of 200")


def lines_are_left_out_and_doubled():
    with Sandbox() as sandbox:
        today = sandbox.call("GET", "/clock")["today"]
        missing, double, plain = (new_id() + ":1" for _ in range(3))
        faults(sandbox, {"fault": "statement_missing", "per_mille": 1000, "reference": missing},
               {"fault": "statement_double", "per_mille": 1000, "reference": double})
        for reference in (missing, double, plain):
            send(sandbox, reference)
        sandbox.call("POST", f"/statements/{today}/close", {})
        for _ in range(2):
            text = sandbox.raw("GET", f"/statements/{today}")[2].decode()
            lines = [line.split(",")[1] for line in text.splitlines()[1:]]
            equal(lines, [double, double, plain], "what the statement shows")
        equal(sandbox.books()["EUR"]["gross"]["charge"], "15.00", "what the books hold")


def webhooks_are_signed_as_the_standard_says():
    secret = file_of("secret", SECRET + "\n")
    with receiving() as receiver, Sandbox("--webhook", receiver.url, "--webhook-secret-file",
                                          secret, "--pending-ms", "50") as sandbox:
        receiver.statuses = [503]
        order = sandbox.order("charge", "4.00", method="card_pending_then_ok")
        until(lambda: len(receiver.got) >= 3, "created, refused once, updated")
        for headers, body in receiver.got:
            check(standard_is_right(SECRET, headers, body), f"signature of {body!r}")
            equal(json.loads(body)["id"], headers["webhook-id"], "the id is the event's")
        events = receiver.events()
        check(sorted(e["type"] for e in events)
              == ["order.created", "order.created", "order.updated"], f"types: {events}")
        states = {e["type"]: e["data"]["status"] for e in events}
        equal(states, {"order.created": "pending", "order.updated": "done"}, "as it stood")
        equal({e["data"]["reference"] for e in events}, {order["reference"]}, "whose")


def webhook_faults():
    with receiving() as receiver, Sandbox() as sandbox:
        secret = sandbox.call("POST", "/webhooks", {"url": receiver.url, "scheme": "standard",
                                                    "secret": ""})["secret"]
        names = {}
        for fault, ms in (("webhook_lost", 0), ("webhook_duplicate", 0), ("webhook_late", 3000),
                          ("webhook_reordered", 3000), ("webhook_bad_signature", 0)):
            reference = names[fault] = new_id() + ":1"
            faults(sandbox, {"fault": fault, "per_mille": 1000, "ms": ms, "reference": reference})
            send(sandbox, reference)
            faults(sandbox)
            send(sandbox, names.setdefault(fault + " next", new_id() + ":1"))
        count = lambda name: [e["data"]["reference"] for e in receiver.events()].count(names[name])
        until(lambda: count("webhook_late") and count("webhook_reordered")
              and count("webhook_duplicate") == 2 and count("webhook_bad_signature"), "all came")
        equal(count("webhook_lost"), 0, "the lost one")
        order = [e["data"]["reference"] for e in receiver.events()]
        for fault in ("webhook_late", "webhook_reordered"):
            check(order.index(names[fault]) > order.index(names[fault + " next"]), f"{fault} waits")
        for headers, body in receiver.got:
            forged = json.loads(body)["data"]["reference"] == names["webhook_bad_signature"]
            equal(standard_is_right(secret, headers, body), not forged, f"signature of {body!r}")
        equal(sandbox.call("GET", "/webhooks")["webhooks"][0]["failed"], 0, "all arrived")
        equal(sandbox.call("DELETE", "/webhooks/wh_1")["webhooks"], [], "none is left")


def stripe_style_is_signed_as_stripe_does():
    text = "whsec_of_the_stripe_style"
    secret = file_of("stripe_secret", text)
    with receiving() as receiver, Sandbox("--webhook", receiver.url, "--webhook-secret-file",
                                          secret, "--webhook-style", "stripe") as sandbox:
        sandbox.order("charge", "4.00", method="card_ok")
        headers, body = until(lambda: receiver.got, "an event")[0]
        check(stripe_is_right(text, headers, body), f"signature of {body!r}")
        event = json.loads(body)
        equal(event["type"], "payment_intent.succeeded", "type")
        equal(event["data"]["object"]["amount_received"], 400, "in Stripe's minor units")
        same, _ = sandbox.stripe("GET", f"/v1/events/{event['id']}")
        equal(same["id"], event["id"], "the event can be asked for")


check(os.path.isdir(SCRATCH), "a scratch directory")
with Sandbox() as box:
    calls_fail_as_they_are_told(box)
    answers_lie_but_books_do_not(box)
    blind_queries_end(box)
    queries_fail_when_they_are_named(box)
    a_slow_call_holds_nobody_up(box)
    faults(box)
    box.books()
rates_follow_from_the_seed()
lines_are_left_out_and_doubled()
webhooks_are_signed_as_the_standard_says()
webhook_faults()
stripe_style_is_signed_as_stripe_does()
