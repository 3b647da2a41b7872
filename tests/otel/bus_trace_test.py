"""Goal: one payment is one trace over all processes: from the client through the replica that forwards
and the owner that commits, to Kafka, the consumer there and whom it tells, and to the webhook's receiver. Headers
say of each trace whether it is sampled; a payment that nobody watches makes no span anywhere.

Method: two replicas on a real PostgreSQL that sample nothing of their own, a real Kafka, Collector
and Jaeger, the sandbox as PSP, `events consume`. One payment whose client samples, one whose client
does not; the tree is read from Jaeger, headers as Kafka's own consumer and the receiver got them.
Skipped without the tools of either.
"""
import json
import os
import re
import subprocess
import sys

from otel_harness import (SCRATCH, SOURCE, Collector, Jaeger, check, equal, parent, tags,
                          trace_at_both, until)
from cli_harness import TPWALLET, file_of
from paying_server import want
from sandbox_harness import Sandbox, receiving

sys.path[:0] = [os.path.join(SOURCE, "tests", name) for name in ("ha", "kafka")]
# pylint: disable=wrong-import-position
import ha_harness  # noqa: E402
import kafka_harness  # noqa: E402

TOPIC = "tpwallet.events"
WATCHED, QUIET = "0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd8448eb211c80319d"
CLIENT = "b7ad6b7169203331"


def pay_in(replica, account, trace, flags):
    payment = ha_harness.new_id()
    want(201, replica, "POST", "/v1/payments",
         {"id": payment, "kind": "pay_in", "amount": "10.00", "asset": "EUR", "wallet": account,
          "method": "card_ok", "psp": "sandbox"},
         {"traceparent": f"00-{trace}-{CLIENT}-{flags}"})
    until(lambda: want(200, replica, "GET", f"/v1/payments/{payment}")["state"] == "succeeded",
          f"{payment} succeeds")
    return payment


def consume(kafka, collector):
    """Returns what came to the receiver that the consumer tells."""
    with receiving() as told:
        run_consumer(kafka, collector, told)
        return list(told.got)


def run_consumer(kafka, collector, told):
    done = subprocess.run(
        [TPWALLET, "events", "consume", "--kafka", kafka.bootstrap, "--into",
         os.path.join(SCRATCH, "events.db"), "--until-end", "--json", "--otlp",
         collector.traces_url, "--notify", told.url, "--notify-private"], capture_output=True, text=True,
        timeout=kafka_harness.SLOW_S, check=False)
    equal(done.returncode, 0, f"consuming: {done.stderr}")


def two_payments(cluster, kafka, collector, receiver):
    """Through the follower; (the one that is watched, the other one), and what the consumer told."""
    owner, follower = cluster.replicas
    owner.wallet.run("chart", "create", "--asset", "EUR", "--psp", "sandbox")
    account = ha_harness.new_id()
    want(201, follower, "POST", "/v1/accounts",
         {"id": account, "asset": "EUR", "kind": "liability"})
    want(201, follower, "POST", "/v1/webhook-endpoints",
         {"id": ha_harness.new_id(), "url": receiver.url, "filters": ["payment.*"]})
    payments = (pay_in(follower, account, WATCHED, "01"), pay_in(follower, account, QUIET, "00"))
    for payment in payments:
        until(lambda p=payment: ("payment.succeeded", p) in
              {(e["type"], e["subject"]) for e in receiver.events()}, f"webhooks about {payment}")
    until(lambda: owner.metric("tpwallet_bus_lag_batches") == 0, "all is published")
    return payments, consume(kafka, collector)


def named(spans, name):
    return [span for span in spans.values() if span["operationName"] == name]


def tree_is_whole(spans, payment):
    """Returns the spans that published, by the event's type."""
    for span in spans.values():
        above = parent(span)
        check(above in spans or above == CLIENT, f"{span['operationName']} has a parent: {span}")
    hops = named(spans, "POST /v1/payments")
    equal(len(hops), 2, "requests: the follower's, and the owner's")
    first = next(span for span in hops if parent(span) == CLIENT)
    second = next(span for span in hops if parent(span) == first["spanID"])
    commit = next(span for span in named(spans, "commit") if parent(span) == second["spanID"])
    (order,) = named(spans, "psp order")
    equal(parent(order), commit["spanID"], "the PSP's call comes of the commit")
    answer = next(span for span in named(spans, "commit") if parent(span) == order["spanID"])
    published = {tags(span)["cloudevents.event_type"]: span
                 for span in named(spans, "event publish")}
    equal(parent(published["payment.pending"]), second["spanID"], "published, of the request")
    equal(parent(published["payment.succeeded"]), answer["spanID"], "published, of the answer")
    for span in published.values():
        found = tags(span)
        equal((found["span.kind"], found["messaging.system"], found["messaging.destination.name"],
               found["messaging.operation.type"], found["tpwallet.payment.id"]),
              ("producer", "kafka", TOPIC, "send", payment), "the publisher's tags")
    consumed = {parent(span): span for span in named(spans, "event consume")}
    equal(set(consumed), {span["spanID"] for span in published.values()}, "each is consumed once")
    for span in consumed.values():
        found = tags(span)
        equal((found["span.kind"], found["messaging.operation.type"], found["tpwallet.outcome"],
               found["messaging.kafka.message.key"], found["messaging.consumer.group.name"]),
              ("consumer", "process", "applied", payment, "tpwallet.event-book"),
              "the consumer's tags")
    told = {parent(span): span for span in named(spans, "event notify")}
    equal(set(told), {span["spanID"] for span in consumed.values()}, "each is told of once")
    check(all(tags(span)["http.response.status_code"] == 200 for span in told.values()), f"{told}")
    check(named(spans, "webhook out"), "and sent as a webhook")
    return published


def headers_say_what_is_sampled(kafka, receiver, told, payments, published):
    watched, quiet = payments
    spans = {span["spanID"]: kind for kind, span in published.items()}
    seen = set()
    for _, headers, key, value in kafka.read_all(TOPIC, at_least=len(told)):
        if key not in payments:
            continue
        found = re.search("traceparent:00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", headers)
        event = json.loads(value)
        seen.add((key, event["type"]))
        if key == watched:
            equal(found.group(1, 3), (WATCHED, "01"), f"header of {event['type']}")
            equal(spans[found[2]], event["type"], "it names the span that published it")
        else:
            equal(found.group(1, 3), (QUIET, "00"), f"header of {event['type']}")
            check(found[2] in event["traceparent"], "it names the unit's span")
    check({(watched, "payment.succeeded"), (quiet, "payment.succeeded")} <= seen, f"on {TOPIC}: {seen}")
    for headers, body in list(receiver.got) + told:
        subject = json.loads(body).get("subject")
        if subject not in payments:
            continue  # the consumer tells of all there is
        trace, flags = (WATCHED, "01") if subject == watched else (QUIET, "00")
        check(re.fullmatch(f"00-{trace}-[0-9a-f]{{16}}-{flags}", headers["traceparent"]),
              f"of a webhook about {subject}: {headers['traceparent']}")


def options_for(sandbox, collector, kafka):
    keys = file_of("keys", "sandbox sandbox\n")
    os.chmod(keys, 0o600)
    return ("--psp", f"sandbox=http://{sandbox.address}", "--psp-keys", keys, "--psp-private",
            "--webhook-private", "--otlp", collector.traces_url, "--trace-sample", "0/1",
            "--kafka", kafka.bootstrap)


def main():
    with Jaeger() as jaeger, Collector(jaeger) as collector, Sandbox() as sandbox, \
            receiving() as receiver, kafka_harness.Cluster(1) as kafka:
        with ha_harness.Cluster(2, *options_for(sandbox, collector, kafka)) as cluster:
            payments, told = two_payments(cluster, kafka, collector, receiver)
            for replica in cluster.replicas:
                replica.stop()  # all that was queued is sent
        wanted = {"POST /v1/payments": 2, "commit": 2, "psp order": 1, "event publish": 2,
                  "event consume": 2, "event notify": 2, "webhook out": 2}
        spans, _ = trace_at_both(jaeger, collector, WATCHED, wanted, CLIENT)
        published = tree_is_whole(spans, payments[0])
        headers_say_what_is_sampled(kafka, receiver, told, payments, published)
        equal(jaeger.trace(QUIET), {}, "spans of the payment that nobody watches")
    print(f"{len(spans)} spans of one payment, over forwarding, Kafka and its consumer")


main()
