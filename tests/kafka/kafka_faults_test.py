"""Goal: with three brokers, the leader of the topic killed, all brokers gone for a while, and consumers
that come and go all the time cost time and nothing else: readers of what is committed get each
event once and in order, and a consumer's book has each effect once.

Method: a server under load, whose brokers are killed (kill -9) and started again; the time until it
publishes again is printed. Then consumers of one book are started and killed in turns while the
load goes on. AWAY_S=n sets how long all brokers are gone (10).
"""
import os
import random
import re
import subprocess
import time

from kafka_harness import SLOW_S, Cluster, tool
from outbox_harness import (TOPIC, Load, all_published, check, compare, equal, happened, ledger,
                            metric, publishing, until)

from cli_harness import SCRATCH, TPWALLET

AWAY_S = int(os.environ.get("AWAY_S", "10"))
STORM_S = 12
DRAW = random.Random(3)
BOOK = os.path.join(SCRATCH, "storm.db")


def leader(cluster):
    done = tool("org.apache.kafka.tools.TopicCommand", [
        "--bootstrap-server", cluster.bootstrap, "--describe", "--topic", TOPIC])
    found = re.search(r"Partition: 0\s+Leader: (\d+)", done.stdout)
    check(found, f"no leader: {done.stdout} {done.stderr[-500:]}")
    return int(found.group(1)) - 1


def again(server, what, wait_s=SLOW_S):
    """How long until events are published that were not there at the beginning."""
    began = time.monotonic()
    before = metric(server, "tpwallet_bus_events_total")
    until(lambda: metric(server, "tpwallet_bus_events_total") > before, f"events after {what}",
          wait_s)
    return time.monotonic() - began


def leader_killed(cluster, server):
    which = leader(cluster)
    cluster.kill(which)
    print(f"the leader killed: events go on after {again(server, 'the leader is gone'):.1f} s",
          flush=True)
    cluster.restart(which)


def all_gone(cluster, server):
    cluster.stop()
    time.sleep(AWAY_S)
    until(lambda: metric(server, "tpwallet_bus_outbox_age_seconds") >= AWAY_S // 2,
          "the outbox grows old")
    cluster.start()
    print(f"all gone for {AWAY_S} s: events go on {again(server, 'all were gone'):.1f} s after "
          "the brokers are back", flush=True)


def consumer(cluster):
    return subprocess.Popen(
        [TPWALLET, "events", "consume", "--kafka", cluster.bootstrap, "--into", BOOK,
         "--batch", "50"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def storm(cluster):
    """Each start and each end is a rebalance; who is killed is missed for its session's time."""
    members = [consumer(cluster)]
    starts = 1
    deadline = time.monotonic() + STORM_S
    try:
        while time.monotonic() < deadline:
            members.append(consumer(cluster))
            starts += 1
            time.sleep(DRAW.uniform(0.5, 2.5))
            if len(members) > 2:
                victim = members.pop(DRAW.randrange(len(members)))
                if starts % 4 == 0:
                    victim.kill()
                else:
                    victim.terminate()
                victim.wait()
    finally:
        for one in members:
            one.kill()
            one.wait()
    return starts


def main():
    with Cluster(3) as cluster:
        wallet, accounts = ledger("wallet")
        server = publishing(wallet, cluster, "--kafka-partitions", "3").start()
        try:
            with Load(server, accounts, clients=1):
                until(lambda: metric(server, "tpwallet_bus_events_total") > 0, "first events")
                leader_killed(cluster, server)
                all_gone(cluster, server)
                starts = storm(cluster)
            all_published(server, "all is published")
            server.stop()
        finally:
            if server.process.poll() is None:
                server.kill()
        count = compare(wallet, cluster)
        stormed = happened(BOOK)
        began = time.monotonic()
        done = subprocess.run([TPWALLET, "events", "consume", "--kafka", cluster.bootstrap,
                               "--into", BOOK, "--until-end", "--json"], capture_output=True,
                              text=True, check=False, timeout=SLOW_S)
        equal(done.returncode, 0, f"the last consumer: {done.stderr}")
        equal(happened(BOOK), count, "effects of the consumers")
        print(f"{count} events, each once; {starts} consumers applied {stormed} in the storm, the "
              f"last one the rest in {time.monotonic() - began:.1f} s: {done.stdout.strip()}")


main()
