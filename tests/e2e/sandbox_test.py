"""Goal: the sandbox does over HTTP what its documentation says, and its statements are its books.

Method: the real binary. Every test number's outcome; orders repeated and reused; late truths and
chargebacks by hand; a day closed and summed up line by line beside the books.
"""
import csv
import io
import os
from decimal import Decimal

from cli_harness import SOURCE, check, equal, new_id
from sandbox_harness import Sandbox, until

FIRST = {"ok": "done", "declined": "declined", "insufficient_funds": "declined",
         "lost": "declined", "expired": "declined", "authentication_required": "declined",
         "pending_then_ok": "pending", "pending_then_declined": "pending",
         "pending_then_failed": "pending", "webhook_lost": "pending"}
FAULTY = ("timeout_before", "timeout_after", "error_before", "error_after", "slow")


def statement(sandbox, day, step=1000):
    lines = []
    while True:
        status, headers, body = sandbox.raw("GET", f"/statements/{day}?from={len(lines)}&limit={step}")
        equal(status, 200, f"statement of {day}: {body!r}")
        equal(headers["Content-Type"], "text/csv", "type of a statement")
        page = list(csv.DictReader(io.StringIO(body.decode())))
        lines += page
        if len(page) < step:
            return lines


def net(kind, gross, fee):
    more = kind in ("charge", "chargeback_reversal", "refund_failure", "pay_out_return")
    return gross - fee if more else -(gross + fee)


def every_test_number_does_what_is_listed():
    with Sandbox("--pending-ms", "20") as sandbox:
        methods = sandbox.call("GET", "/payment_methods")["methods"]
        check(len(methods) > 30, f"methods are listed: {len(methods)}")
        for method in methods:
            field = "iban" if method["kind"] == "bank" else "number"
            token = sandbox.call("POST", "/payment_methods", {field: method["number"]})
            equal(token["method"], method["method"], "the token of a number")
            equal(token["last4"], method["number"][-4:], "its last four")
            name = token["method"].split("_", 1)[1]
            if name in FAULTY:
                continue
            operation = "pay_out" if method["kind"] == "bank" else "charge"
            order = sandbox.order(operation, "10.00", method=token["method"])
            equal(order["status"], FIRST.get(name, "done"), f"{token['method']} at first")
            if order["status"] == "declined":
                check(order["reason"], f"{token['method']} gives a reason")
            if order["status"] == "pending":
                wanted = "done" if name in ("pending_then_ok", "webhook_lost") else "declined"
                until(lambda: sandbox.look(order["reference"])["status"] != "pending", name)
                equal(sandbox.look(order["reference"])["status"], wanted, f"{name} later")
        sandbox.call("POST", "/payment_methods", {"number": "4111111111111111"}, 400)
        sandbox.books()


def the_document_lists_the_same():
    with Sandbox() as sandbox:
        rows = [f"| {m['method']} | {m['number']} | {m['outcome']} |"
                for m in sandbox.call("GET", "/payment_methods")["methods"]]
    with open(os.path.join(SOURCE, "docs", "sandbox.md"), encoding="utf-8") as file:
        listed = [line.rstrip() for line in file if line.startswith(("| card_", "| bank_"))]
    equal(listed, rows, "test methods in docs/sandbox.md")


def a_reference_is_one_order():
    with Sandbox() as sandbox:
        reference = new_id() + ":3"
        first = sandbox.order("charge", "12.50", reference=reference, method="card_ok")
        equal(sandbox.order("charge", "12.50", reference=reference, method="card_ok"), first,
              "the same again")
        for change in ({"amount": "12.51"}, {"asset": "USD"}, {"method": "card_disputed"},
                       {"operation": "authorise"}):
            item = {"operation": "charge", "amount": "12.50", "method": "card_ok", **change}
            answer = sandbox.order(item.pop("operation"), item.pop("amount"), 409,
                                   reference=reference, **item)
            equal(answer["error"]["code"], "reference_reused", f"reuse with {change}")
        equal(len(sandbox.call("GET", "/orders")["orders"]), 1, "one order")
        equal(sandbox.look(reference), first, "as it is told")
        equal(sandbox.look(new_id() + ":1", 404)["error"]["code"], "order_not_found", "unknown")
        equal(sandbox.books()["EUR"]["gross"]["charge"], "12.50", "charged once")


def nonsense_is_named():
    with Sandbox() as sandbox:
        for change, code in (({"amount": "1.234"}, "amount_invalid"),
                             ({"amount": "0.00"}, "amount_invalid"),
                             ({"amount": "10000000000000000.00"}, "amount_invalid"),
                             ({"asset": "XXQ"}, "asset_unknown"),
                             ({"method": "card_nothing"}, "method_unknown"),
                             ({"operation": "borrow"}, "operation_unknown"),
                             ({"reference": "mine"}, "malformed"),
                             ({"surplus": 1}, "field_unknown")):
            item = {"operation": "charge", "amount": "1.00", "method": "card_ok", **change}
            answer = sandbox.order(item.pop("operation"), item.pop("amount"), 400, **item)
            equal(answer["error"]["code"], code, f"code for {change}")
        sandbox.call("POST", "/orders", {"reference": new_id() + ":1"}, 400)
        equal(sandbox.call("GET", "/nowhere", status=404)["error"]["code"], "route_not_found", "path")
        found = sandbox.raw("GET", "/orders", None, {"Authorization": "Bearer other"})
        equal(found[0], 401, "another key")
        equal(sandbox.call("GET", "/orders")["orders"], [], "nothing was kept")


def parts_refunds_and_late_truths():
    with Sandbox() as sandbox:
        reserved = sandbox.order("authorise", "10.00", method="card_ok")
        obj = reserved["object"]
        equal(sandbox.order("capture", "4.00", object=obj)["status"], "done", "a part")
        equal(sandbox.order("capture", "6.01", object=obj)["reason"], "over_remainder", "too much")
        equal(sandbox.order("capture", "5.00", object=obj, last=True)["status"], "done", "the last")
        equal(sandbox.order("cancel", "0.00", object=obj)["reason"], "already_captured", "cancel")
        refund = sandbox.order("refund", "9.00", object=obj)
        equal(refund["status"], "done", "a refund of all")
        equal(sandbox.order("refund", "0.01", object=obj)["reason"], "over_remainder", "and more")
        late = sandbox.call("POST", f"/orders/{refund['reference']}/fail",
                            {"reason": "refund_failed"})
        equal((late["status"], late["reason"]), ("declined", "refund_failed"), "a late failure")
        sandbox.call("POST", f"/orders/{refund['reference']}/fail", {"reason": "refund_failed"}, 422)
        pending = sandbox.order("pay_out", "3.00", method="ba_pending_then_ok")
        path = f"/orders/{pending['reference'].replace(':', '%3A')}"
        equal(sandbox.call("POST", f"{path}/complete", {})["status"], "done", "completed by hand")
        charged = sandbox.order("charge", "7.00", method="pm_card_visa")
        back = sandbox.call("POST", "/chargebacks", {"object": charged["object"], "amount": "7.00"})
        equal(back["status"], "opened", "a chargeback")
        equal(back["reference"], charged["reference"], "of the charge")
        equal(sandbox.order("refund", "1.00", object=charged["object"])["reason"], "over_remainder",
              "what is disputed is not refunded")
        here = f"/chargebacks/{back['chargeback']}"
        sandbox.call("POST", f"{here}/reversed", {}, 422)
        equal(sandbox.call("POST", f"{here}/lost", {})["status"], "lost", "lost")
        equal(sandbox.call("POST", f"{here}/reversed", {})["status"], "reversed", "reversed")
        sandbox.books()


def days_pass_and_statements_are_the_books():
    with Sandbox() as sandbox:
        today = sandbox.call("GET", "/clock")["today"]
        sandbox.call("GET", f"/statements/{today}", status=404)
        for index in range(40):
            method = ("card_ok", "card_refund_fails_late", "card_dispute_won")[index % 3]
            charge = sandbox.order("charge", f"{10 + index}.00", method=method)
            if index % 2:
                sandbox.order("refund", "3.00", object=charge["object"])
            if index % 5 == 0:
                sandbox.order("pay_out", "5.00", method=("bank_ok", "bank_returned")[index % 2])
            sandbox.order("charge", "500", method="card_ok", asset="JPY")
        before = sandbox.books()
        equal(before["EUR"]["settled"], "0.00", "nothing is settled on the first day")
        days = [today]
        for _ in range(15):
            days.append(sandbox.call("POST", "/clock/advance", {"days": 1})["today"])
        lines = [line for day in days[:-1] for line in statement(sandbox, day, 7)]
        equal(len({line["id"] for line in lines}), len(lines), "ids of lines are unique")
        books = sandbox.books()
        for asset in ("EUR", "JPY"):
            mine = [line for line in lines if line["asset"] == asset]
            for line in mine:
                equal(Decimal(line["net"]), net(line["kind"], Decimal(line["gross"]),
                                                Decimal(line["fee"])), f"net of {line}")
            equal(sum(Decimal(line["net"]) for line in mine), Decimal(books[asset]["settled"]),
                  f"lines of {asset} come to what was settled")
            equal(sum(Decimal(line["fee"]) for line in mine), Decimal(books[asset]["fees"]),
                  f"fees of {asset}")
            equal(Decimal(books[asset]["owed"]), 0, f"nothing of {asset} is left owed")
            for kind, gross in books[asset]["gross"].items():
                equal(sum(Decimal(line["gross"]) for line in mine if line["kind"] == kind),
                      Decimal(gross), f"{kind} in {asset}")
        kinds = {line["kind"] for line in lines}
        check({"charge", "refund", "pay_out", "chargeback", "chargeback_reversal",
               "refund_failure"} <= kinds, f"kinds of lines: {kinds}")


def a_day_can_be_closed_early():
    with Sandbox() as sandbox:
        today = sandbox.call("GET", "/clock")["today"]
        sandbox.order("charge", "1.00", method="card_ok")
        equal(sandbox.call("POST", f"/statements/{today}/close", {})["lines"], 1, "lines")
        sandbox.order("charge", "2.00", method="card_ok")
        equal(sandbox.call("POST", f"/statements/{today}/close", {})["lines"], 1, "closed once")
        equal([line["gross"] for line in statement(sandbox, today)], ["1.00"], "what was before")


every_test_number_does_what_is_listed()
the_document_lists_the_same()
a_reference_is_one_order()
nonsense_is_named()
parts_refunds_and_late_truths()
days_pass_and_statements_are_the_books()
a_day_can_be_closed_early()
