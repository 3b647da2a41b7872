"""Goal: what is raised is watched by every replica, by whoever takes over, and after restarts, until
it ends by its time or is lowered; and who raised it is in the audit log.

Method: two replicas before one PostgreSQL, with a real Jaeger, that sample nothing else. An operation
is raised at one of them; the owner is killed, the other is asked; the first is started again. Then
one that ends by itself, and one that is lowered. Skipped without a Go new enough.
"""
import json
import os
import sys

from otel_harness import SOURCE, Jaeger, equal, until

sys.path.insert(0, os.path.join(SOURCE, "tests", "ha"))
# pylint: disable=wrong-import-position
from cli_harness import NOT_FOUND, new_id  # noqa: E402
from ha_harness import Cluster, wait_for  # noqa: E402


ENDING = "12s"  # so long that all replicas have known of it, and ends within the test


def told(cluster, count):
    for replica in cluster.replicas:
        wait_for(f"{replica.name} to know of {count}",
                 lambda replica=replica: replica.metric("tpwallet_trace_raises") == count)


def watched(jaeger, replica):
    """One call of the operation, by an id of its own: whether its trace comes to Jaeger."""
    path = f"/v1/accounts/{new_id()}"
    equal(replica.get(path)[0], 404, "an account that is not there")
    until(lambda: jaeger.find(**{"url.path": path}), f"{replica.name} watches {path}")


def kept_through_ends(jaeger, cluster):
    first, second = cluster.replicas
    raised = second.wallet.json("trace", "raise", "--route", "accounts_get", "--for", "1h",
                                "--traces", "50", "--reason", "ops-12")
    told(cluster, 1)
    watched(jaeger, first)
    watched(jaeger, second)
    first.kill()
    cluster.wait_owner("r0")
    watched(jaeger, second)
    (item,) = second.wallet.json("trace", "list")["items"]
    equal((item["id"], item["route"], item["until"]), (raised["id"], "accounts_get", raised["until"]),
          "what the next owner knows")
    first.start()
    cluster.wait_warm()
    told(cluster, 1)
    watched(jaeger, first)
    second.stop()
    cluster.wait_owner("r1")
    watched(jaeger, first)
    second.start()
    cluster.wait_warm()
    return raised


def lowered_and_ended(cluster, raised):
    first, second = cluster.replicas
    second.wallet.run("trace", "lower", raised["id"])
    told(cluster, 0)
    first.wallet.run("trace", "lower", raised["id"], code=NOT_FOUND)
    first.wallet.run("trace", "raise", "--route", "rates_list", "--for", ENDING)
    told(cluster, 1)
    told(cluster, 0)
    equal(second.wallet.json("trace", "list")["items"], [], "it has ended by itself")


def on_record(cluster, raised):
    acts = cluster.replicas[0].wallet.json("audit", "list")["items"]
    found = [(act["act"], act["actor"], act.get("reason")) for act in acts
             if act.get("id") == raised["id"] and act["outcome"] == "ok"]
    equal(found, [("trace_raise", "local", "ops-12"), ("trace_lower", "local", None)], "the acts")


def at_most_32(cluster):
    replica = cluster.by_name(cluster.wait_owner())
    for number in range(32):
        replica.wallet.run("trace", "raise", "--payment", new_id(), "--reason", f"n-{number}")
    refused = replica.wallet.json("trace", "raise", "--route", "rates_list", code=None)
    equal(refused["code"], "raise_capacity", json.dumps(refused))


def main():
    with Jaeger() as jaeger, Cluster(2, "--otlp", jaeger.url, "--trace-sample", "0/1") as cluster:
        raised = kept_through_ends(jaeger, cluster)
        lowered_and_ended(cluster, raised)
        on_record(cluster, raised)
        at_most_32(cluster)
        cluster.wait_owner()


main()
