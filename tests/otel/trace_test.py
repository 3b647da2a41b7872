"""Goal: one payment is one trace, from the client's traceparent through the request, the commit, the
PSP's call and the webhooks in and out; a real OpenTelemetry Collector and a real Jaeger take it. Log
lines arrive with their numbers. A collector that is not there costs spans, which are counted.

Method: a real collector that writes files and passes on to Jaeger; server, sandbox and a receiver of
webhooks; the tree of spans is then read from both. Skipped without a Go that is new enough.
"""
import json
import os
import re

from otel_harness import (SCRATCH, Collector, Jaeger, attributes, check, equal, get, parent, tags,
                          trace_at_both, until)
from cli_harness import Wallet, file_of
from paying_server import PayingServer, call
from sandbox_harness import Sandbox, receiving

TRACE, CLIENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
KEY = "pay-once-0815"


def pay(bench):
    payment, headers = bench.pay_in(headers={"traceparent": f"00-{TRACE}-{CLIENT}-01",
                                             "Idempotency-Key": f'"{KEY}"'})
    check(re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-01", headers["traceparent"]), "the answer's")
    return payment


def named(spans, name):
    return [span for span in spans.values() if span["operationName"] == name]


def tree_is_whole(spans, payment):
    """What Jaeger has put together."""
    for span in spans.values():
        above = parent(span)
        check(above in spans or above == CLIENT, f"{span['operationName']} has a parent: {span}")
        bad = [text for text in span["warnings"] or [] if "clock skew" not in text]  # it is later work
        equal(bad, [], f"Jaeger's warnings about {span['operationName']}")
    (request,) = named(spans, "POST /v1/payments")
    equal(parent(request), CLIENT, "the request's parent is the client's span")
    found = tags(request)
    equal((found["http.request.method"], found["http.route"], found["http.response.status_code"],
           found["url.path"], found["url.scheme"], found["span.kind"]),
          ("POST", "/v1/payments", 201, "/v1/payments", "http", "server"), "the request's tags")
    first = next(span for span in named(spans, "commit") if parent(span) == request["spanID"])
    for span in (request, first):
        equal(tags(span)["tpwallet.payment.id"], payment, "the payment's id")
        check(tags(span)["tpwallet.idempotency.digest"], "the key's digest")
        check(KEY not in json.dumps(span), "and never the key itself")
    check(re.fullmatch("[0-9]+-[0-9]+", tags(first)["tpwallet.position"]), "its place in the journal")
    (order,) = named(spans, "psp order")
    equal(parent(order), first["spanID"], "the PSP's call comes of the commit")
    found = tags(order)
    equal((found["span.kind"], found["peer.service"], found["tpwallet.psp.operation"],
           found["tpwallet.psp.answer"], found["http.response.status_code"]),
          ("client", "sandbox", "charge", "done", 200), "the call's tags")
    answer = next(span for span in named(spans, "commit") if parent(span) == order["spanID"])
    outs = {tags(span)["cloudevents.event_type"]: span for span in named(spans, "webhook out")}
    equal(parent(outs["payment.succeeded"]), answer["spanID"], "the webhook comes of the answer")
    equal(parent(outs["payment.pending"]), request["spanID"], "the first one of the request")
    for span in outs.values():
        found = tags(span)
        equal((found["span.kind"], found["http.request.method"], found["http.response.status_code"],
               found["tpwallet.payment.id"]), ("client", "POST", 200, payment), "the webhook's tags")
        check(found["server.address"].startswith("127.0.0.1:"), f"where it went: {found}")
    (news, *_) = named(spans, "webhook in")
    equal(parent(news), first["spanID"], "the PSP's webhook, in the payment's trace")
    equal(tags(news)["span.kind"], "consumer", "its kind")


def collector_has_the_same(held, spans):
    for span_id, span in held.items():
        equal(span["name"], spans[span_id]["operationName"], "its name")
        check(int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), f"its times: {span}")


def receiver_goes_on(receiver, spans, payment):
    """The traceparent that a webhook brought is the span that sent it."""
    for headers, body in receiver.got:
        if json.loads(body)["subject"] != payment:
            continue
        found = re.fullmatch(f"00-{TRACE}-([0-9a-f]{{16}})-01", headers["traceparent"])
        check(found and spans[found[1]]["operationName"] == "webhook out", f"{headers}")


def records_of(collector, writer):
    """(its attributes, the record) of each that the collector has of a server."""
    records = [(attributes(record["attributes"]), record) for record in collector.records()]
    return [found for found in records if found[0]["tpwallet.log.writer"] == writer]


def lines_are_numbered(collector, log):
    """In the collector, and in the log itself: each number once, the last one the count."""
    with open(log, encoding="utf-8") as file:
        written = [json.loads(line) for line in file if line.startswith("{")]
    writers = {line["writer"] for line in written}
    for writer in writers:
        ours = [line for line in written if line["writer"] == writer]
        theirs = until(lambda writer=writer, count=len(ours): len(
            found := records_of(collector, writer)) >= count and found, f"the lines of {writer}")
        equal([line["seq"] for line in ours], list(range(1, len(ours) + 1)), "the log's numbers")
        equal([int(about["tpwallet.log.seq"]) for about, _ in theirs], [line["seq"] for line in ours],
              "the collector's numbers")
        for line, (about, record) in zip(ours, theirs):
            equal((record["eventName"], record["body"]["stringValue"]),
                  (line["event"], line["message"]), "event and message")
            equal(record.get("traceId", ""), line.get("trace_id", ""), "the trace")
    check(any("payment" in line and "trace_id" in line for line in written),
          "a line tells of a payment and its trace")
    check(any("tpwallet.payment" in about for writer in writers
              for about, _ in records_of(collector, writer)), "and so does a record")


def refused_webhook(bench):
    """A line of the log with a trace."""
    status = call(bench.server, "POST", "/v1/webhooks/sandbox", {"id": "forged"},
                  {"webhook-id": "forged", "webhook-timestamp": "1", "webhook-signature": "v1,x"})[0]
    equal(status, 401, "a forged webhook")


def in_doubt(sandbox, bench):
    """A line of the log with a payment and its trace."""
    sandbox.call("PUT", "/faults", {"seed": 1, "faults": [
        {"fault": "timeout_after", "ms": 100, "per_mille": 1000, "operation": "charge"}]})
    payment, _ = bench.pay_in()
    until(lambda: f'"payment":"{payment}"' in bench.server.tail(), "a line about the payment")
    sandbox.call("DELETE", "/faults")
    bench.until_state(payment, "succeeded", "failed", "manual")


def nobody_collects(sandbox):
    dead = "http://127.0.0.1:9/v1/"
    with PayingServer("lost", sandbox, "--otlp", dead + "traces", "--otlp-logs",
                      dead + "logs") as bench:
        payment, _ = bench.pay_in()
        bench.until_state(payment, "succeeded")
        until(lambda: bench.metric('tpwallet_trace_spans_total{result="dropped"}') > 0,
              "dropped spans are counted")
        until(lambda: bench.metric('tpwallet_otlp_log_lines_total{result="dropped"}') > 0,
              "dropped lines are counted")
        equal(bench.metric('tpwallet_trace_spans_total{result="sent"}'), 0, "none is sent")


def webhook_came(bench):
    return sum(bench.metric(f'tpwallet_webhooks_received_total{{result="{result}"}}')
               for result in ("done", "repeated")) > 0


def traced_payment(sandbox, collector, receiver):
    bench = PayingServer("traced", sandbox, "--otlp", collector.traces_url, "--otlp-logs",
                         collector.logs_url)
    with bench:
        bench.send_events_to(receiver.url)
        payment = pay(bench)
        bench.until_state(payment, "succeeded")
        until(lambda: "payment.succeeded" in [e["type"] for e in receiver.events()], "webhook out")
        until(lambda: webhook_came(bench), "webhook in")
        refused_webhook(bench)
        in_doubt(sandbox, bench)
    return payment, bench.server.log  # stopped: all that was queued is sent


def collected(option, path):
    """The spans of the trace, as evidence that was collected of an export."""
    wallet = Wallet("doctor")
    key, case = os.path.join(SCRATCH, "anna.key"), os.path.join(SCRATCH, f"case-{option}")
    if not os.path.exists(key):
        wallet.run("doctor", "key", key, "--name", "anna")
    wallet.run("doctor", "collect", case, "--key", key, "--incident", "T1", "--traces", path)
    (name,) = os.listdir(os.path.join(case, "evidence"))
    with open(os.path.join(case, "evidence", name), encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return {row["span"]: row for row in rows if row["trace"] == TRACE}


def both_exports_are_evidence(jaeger, collector, spans):
    status, body = get(jaeger.query, "/api/traces/" + TRACE)
    equal(status, 200, "Jaeger's export")
    theirs = collected("jaeger", file_of("jaeger.json", body.decode()))
    ours = collected("otlp", collector.spans_file)
    equal(set(theirs), set(spans), "spans of Jaeger's export")
    check(set(theirs) <= set(ours), "the collector's file has them, too")
    for name, row in theirs.items():
        for field in ("parent", "service", "op"):
            equal(row.get(field), ours[name].get(field), f"{field} of {row}")
        equal(row["parent"], parent(spans[name]), "the parent, as Jaeger shows it")
        near = abs(row["duration_ns"] - ours[name]["duration_ns"])
        check(near < 2000, f"the duration, but for Jaeger's microseconds: {near}")


def main():
    with Jaeger() as jaeger, Collector(jaeger) as collector, Sandbox() as sandbox:
        with receiving() as receiver:
            payment, log = traced_payment(sandbox, collector, receiver)
            wanted = {"POST /v1/payments": 1, "commit": 2, "psp order": 1, "webhook out": 2,
                      "webhook in": 1}
            spans, held = trace_at_both(jaeger, collector, TRACE, wanted, CLIENT)
            tree_is_whole(spans, payment)
            check(TRACE in jaeger.find(**{"tpwallet.payment.id": payment}), "by the payment's id")
            collector_has_the_same(held, spans)
            both_exports_are_evidence(jaeger, collector, spans)
            receiver_goes_on(receiver, spans, payment)
        lines_are_numbered(collector, log)
        nobody_collects(sandbox)
        print(f"{len(spans)} spans of one payment, {len(collector.records())} log records")


main()
