"""Goal: a client that knows Stripe's API can pay, capture, refund, pay out, search and reconcile.

Method: forms sent to the real binary as Stripe's documentation has them; keys repeated and reused;
lists walked page by page and compared with the books.
"""
import json
import urllib.parse

from cli_harness import check, equal, new_id
from sandbox_harness import Sandbox


def intent(sandbox, reference, amount=1000, status=200, **form):
    form = {"amount": amount, "currency": "eur", "payment_method": "pm_card_visa", "confirm": "true",
            "capture_method": "automatic", "payment_method_types[0]": "card",
            "metadata[reference]": reference, **form}
    return sandbox.stripe("POST", "/v1/payment_intents", form, reference, status)


def search(sandbox, reference):
    query = urllib.parse.urlencode({"query": f"metadata['reference']:'{reference}'", "limit": 2})
    return sandbox.stripe("GET", f"/v1/payment_intents/search?{query}")[0]["data"]


def payments(sandbox):
    reference = new_id() + ":1"
    equal(search(sandbox, reference), [], "nothing before")
    paid, headers = intent(sandbox, reference)
    check("Idempotent-Replayed" not in headers, "the first time")
    equal((paid["status"], paid["amount_received"], paid["currency"], paid["object"]),
          ("succeeded", 1000, "eur", "payment_intent"), "a payment")
    again, headers = intent(sandbox, reference)
    equal((again, headers["Idempotent-Replayed"]), (paid, "true"), "replayed")
    error = intent(sandbox, reference, 1001, 400)[0]["error"]
    equal(error["type"], "idempotency_error", "another form under the key")
    equal([found["id"] for found in search(sandbox, reference)], [paid["id"]], "found by reference")
    equal(sandbox.stripe("GET", f"/v1/payment_intents/{paid['id']}")[0], paid, "by id")
    sandbox.stripe("GET", "/v1/payment_intents/pi_000000009999", status=404)
    sandbox.stripe("POST", "/v1/payment_intents", {"amount": 5}, None, 400)


def declines(sandbox):
    for method, code, decline in (
            ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
            ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
            ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card")):
        reference = new_id() + ":1"
        for _ in range(2):
            error = intent(sandbox, reference, 500, 402, payment_method=method)[0]["error"]
            equal((error["type"], error["code"], error["decline_code"]),
                  ("card_error", code, decline), f"decline of {method}")
        equal(error["payment_intent"]["status"], "requires_payment_method", "its object")
        equal(search(sandbox, reference)[0]["last_payment_error"]["code"], code, "found as well")


def captures(sandbox):
    root = new_id()
    held, _ = intent(sandbox, root + ":1", capture_method="manual")
    equal((held["status"], held["amount_capturable"]), ("requires_capture", 1000), "reserved")
    path = f"/v1/payment_intents/{held['id']}"
    part = {"amount_to_capture": 300, "metadata[capture_2]": 300, "final_capture": "false"}
    kept, _ = sandbox.stripe("POST", path + "/capture", part, root + ":2")
    equal((kept["status"], kept["amount_received"], kept["amount_capturable"]),
          ("requires_capture", 300, 700), "a part")
    error = sandbox.stripe("POST", path + "/capture", {"amount_to_capture": 701}, root + ":3", 400)
    equal(error[0]["error"]["code"], "amount_too_large", "too much")
    done, _ = sandbox.stripe("POST", path + "/capture", {"amount_to_capture": 500}, root + ":4")
    equal((done["status"], done["amount_received"]), ("succeeded", 800), "the last")
    equal(done["metadata"], {"reference": root + ":1", "capture_2": "300", "capture_4": "500"},
          "metadata of both captures")
    error = sandbox.stripe("POST", path + "/cancel", {}, root + ":5", 400)
    equal(error[0]["error"]["code"], "payment_intent_unexpected_state", "cancel after capture")
    other, _ = intent(sandbox, new_id() + ":1", capture_method="manual")
    gone, _ = sandbox.stripe("POST", f"/v1/payment_intents/{other['id']}/cancel", {}, new_id() + ":2")
    equal(gone["status"], "canceled", "cancelled")


def refunds_and_pay_outs(sandbox):
    paid, _ = intent(sandbox, new_id() + ":1")
    ids = []
    for amount in (100, 200, 300):
        reference = new_id() + ":1"
        form = {"payment_intent": paid["id"], "amount": amount, "metadata[reference]": reference}
        refund, _ = sandbox.stripe("POST", "/v1/refunds", form, reference)
        equal((refund["status"], refund["amount"], refund["payment_intent"],
               refund["metadata"]["reference"]), ("succeeded", amount, paid["id"], reference),
              "a refund")
        ids.insert(0, refund["id"])
    form = {"payment_intent": paid["id"], "amount": 401}
    equal(sandbox.stripe("POST", "/v1/refunds", form, new_id(), 400)[0]["error"]["code"],
          "amount_too_large", "too much")
    rest, _ = sandbox.stripe("POST", "/v1/refunds", {"payment_intent": paid["id"]}, "the rest")
    again, _ = sandbox.stripe("POST", "/v1/refunds", {"payment_intent": paid["id"]}, "the rest")
    equal((rest["amount"], again), (400, rest), "all that is left, once")
    ids.insert(0, rest["id"])
    listed = []
    while True:
        after = f"&starting_after={listed[-1]}" if listed else ""
        page, _ = sandbox.stripe("GET", f"/v1/refunds?payment_intent={paid['id']}&limit=2{after}")
        listed += [refund["id"] for refund in page["data"]]
        if not page["has_more"]:
            break
    equal(listed, ids, "refunds, newest first, without the one that was too much")
    reference = new_id() + ":1"
    form = {"amount": 700, "currency": "eur", "destination": "ba_ok", "method": "standard",
            "metadata[reference]": reference}
    out, _ = sandbox.stripe("POST", "/v1/payouts", form, reference)
    equal((out["status"], out["object"]), ("paid", "payout"), "a pay-out")
    page, _ = sandbox.stripe("GET", "/v1/payouts?limit=100")
    equal([one["id"] for one in page["data"]], [out["id"]], "pay-outs")


def amounts_are_stripes(sandbox):
    for currency, amount, native in (("jpy", 500, "500"), ("isk", 500, "5"), ("kwd", 1230, "1.230"),
                                     ("mga", 7, "7.00"), ("eur", 1234, "12.34")):
        reference = new_id() + ":1"
        paid, _ = intent(sandbox, reference, amount, currency=currency)
        equal((paid["amount"], paid["currency"]), (amount, currency), "as sent")
        equal(sandbox.look(reference)["amount"], native, f"{amount} of {currency}")
    for currency, amount in (("kwd", 1231), ("isk", 501), ("eur", 0)):
        intent(sandbox, new_id() + ":1", amount, 400, currency=currency)


def transactions_are_the_books(sandbox):
    rows = []
    while True:
        after = f"&starting_after={rows[-1]['id']}" if rows else ""
        page, _ = sandbox.stripe("GET", "/v1/balance_transactions?created[gte]=0&limit=3"
                                        f"&expand[0]=data.source{after}")
        rows += page["data"]
        if not page["has_more"]:
            break
    books = sandbox.books()["EUR"]
    net = sum(row["net"] for row in rows if row["currency"] == "eur")
    equal(net, round(float(books["owed"]) * 100), "the sum of all transactions is what is owed")
    check(all(row["source"]["metadata"]["reference"] for row in rows), "each names its order")
    events, _ = sandbox.stripe("GET", "/v1/events?limit=5")
    check(len(events["data"]) == 5 and events["has_more"], "events are listed")


def faults_apply_to_both_wires(sandbox):
    reference = new_id() + ":1"
    sandbox.call("PUT", "/faults", {"seed": 1, "faults": [
        {"fault": "close_after", "per_mille": 1000, "times": 1, "reference": reference}]})
    form = urllib.parse.urlencode({"amount": 900, "currency": "eur", "confirm": "true",
                                   "payment_method": "pm_card_visa",
                                   "metadata[reference]": reference})
    equal(sandbox.raw("POST", "/v1/payment_intents", form, {"Idempotency-Key": reference}), None,
          "closed without an answer")
    equal(search(sandbox, reference)[0]["status"], "succeeded", "after the effect")
    found = sandbox.raw("GET", "/v1/events", None, {"Authorization": "Bearer sk_test_other"})
    equal(found[0], 401, "another key")
    equal(json.loads(found[2])["error"]["type"], "invalid_request_error", "in Stripe's form")


with Sandbox() as box:
    payments(box)
    declines(box)
    captures(box)
    refunds_and_pay_outs(box)
    amounts_are_stripes(box)
    transactions_are_the_books(box)
    faults_apply_to_both_wires(box)
