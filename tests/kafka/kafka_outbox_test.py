"""Goal: whatever moment the server dies at, readers of the topic that see only what is committed get
each event of the journal once and in order; an owner that was paused and followed publishes nothing
more; without brokers the ledger goes on, tells how far it is behind, and catches up.

Of a ledger with several lanes each is a partition of its own.

Method: a real broker, and a server under load that is killed (kill -9) again and again; a copy of
its folder that takes the lane over on the bus while the first one is stopped (SIGSTOP); the broker
killed under load. Afterwards the topic is read by Kafka's own consumer, and compared with what
`tpwallet events` reads in the journal. KILLS=n sets how often (4); SEED=n the moments.
"""
import json
import os
import random
import shutil
import signal
import time

from kafka_harness import Cluster
from outbox_harness import (Load, all_published, check, compare, equal, ledger, metric, post,
                            publishing, until)

from cli_harness import Wallet, stands_still  # found by outbox_harness

KILLS = int(os.environ.get("KILLS", "4"))
DRAW = random.Random(int(os.environ.get("SEED", "1")))


def killed_again_and_again(cluster, wallet, accounts):
    for kill in range(KILLS):
        server = publishing(wallet, cluster).start()
        with Load(server, accounts, seed=100 * kill):
            time.sleep(DRAW.uniform(0.1, 2.5))  # the moment
            server.kill()
    server = publishing(wallet, cluster).start()
    try:
        all_published(server, "all is published after the last kill")
        server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()
    count = compare(wallet, cluster)
    raw = len(cluster.read_all("tpwallet.events", isolation="read_uncommitted"))
    print(f"{KILLS} kills: {count} events, each once; {raw - count} more in aborted transactions")


def brokers_away(cluster, wallet, accounts):
    server = publishing(wallet, cluster).start()
    try:
        all_published(server, "all is published")
        with Load(server, accounts, clients=1):
            cluster.kill(0)
            until(lambda: metric(server, "tpwallet_bus_outbox_age_seconds") >= 3,
                  "the outbox is told to grow old")
            check(metric(server, "tpwallet_bus_lag_batches") > 0, "the lag is told")
            check(post(server, accounts, DRAW), "the ledger goes on without brokers")
        cluster.restart(0)
        began = time.monotonic()
        all_published(server, "all is published once the broker is back")
        print(f"caught up {time.monotonic() - began:.1f} s after the broker was back")
        server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()
    compare(wallet, cluster)


def a_followed_owner(cluster, wallet, accounts):
    old = publishing(wallet, cluster).start()
    new = None
    try:
        all_published(old, "all is published")
        old.process.send_signal(signal.SIGSTOP)
        until(lambda: stands_still(old.process), "all of the owner stands still")
        follower = Wallet("follower")
        shutil.copytree(wallet.folder, follower.folder,
                        ignore=lambda _, names: [n for n in names if n in ("socket", "address")])
        new = publishing(follower, cluster).start()
        check(post(new, accounts, DRAW), "the follower takes transfers")
        all_published(new, "the follower publishes")
        old.process.send_signal(signal.SIGCONT)
        post(old, accounts, DRAW)
        until(lambda: metric(old, "tpwallet_bus_stopped") == 1, "the old owner is shut out")
        equal(metric(old, "tpwallet_bus_events_total"), 0, "events of the old owner since then")
        check(post(new, accounts, DRAW), "the follower goes on")
        all_published(new, "the follower publishes on")
        new.stop()
        compare(follower, cluster)
    finally:
        for server in (old, new):
            if server is not None and server.process.poll() is None:
                server.process.send_signal(signal.SIGCONT)
                server.kill()


def lanes_are_partitions(cluster):
    """Each lane's relay publishes its events, in its order, in the partition of its number."""
    topic = "lanes.events"
    wallet = Wallet("lanes")
    wallet.run("init", "--lanes", "2")
    accounts = [[f"019ab000-0000-8000-8000-0000{number:04x}{lane:04x}" for number in range(1, 4)]
                for lane in range(2)]
    server = publishing(wallet, cluster, "--kafka-topic", topic, "--kafka-partitions", "2").start()
    try:
        connection = server.connection()
        for lane in range(2):
            made = [{"id": one, "asset": "EUR", "kind": "liability"} for one in accounts[lane]]
            connection.request("POST", "/v1/accounts", json.dumps(made),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            equal(answer.status, 200, f"accounts of lane {lane}: {answer.read()}")
        for lane in range(2):
            check(post(server, accounts[lane], DRAW), "transfers within the lane")
            check(post(server, [accounts[lane][0], accounts[1 - lane][0]], DRAW, count=1),
                  "one to the other lane, or back")
        # what is on its way between lanes makes more events at its end
        settled = 'tpwallet_transits_total{result="settled"}'
        until(lambda: sum(metric(server, settled, lane=lane) for lane in range(2)) == 2,
              "both are there")
        for lane in range(2):
            until(lambda lane=lane: metric(server, "tpwallet_bus_published_batch", lane=lane) > 1
                  and metric(server, "tpwallet_bus_lag_batches", lane=lane) == 0,
                  f"lane {lane} is published")
        server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()
    for lane, folder in enumerate(("lanes", "lanes/lanes/1")):
        count = compare(Wallet(folder), cluster, topic, partition=lane)
        check(count > 20, f"events of lane {lane}: {count}")


def stamp(what):
    print(f"{time.strftime('%X')} {what}", flush=True)


def main():
    with Cluster(1) as cluster:
        wallet, accounts = ledger("wallet")
        stamp('kills')
        killed_again_and_again(cluster, wallet, accounts)
        stamp('away')
        brokers_away(cluster, wallet, accounts)
        stamp('followed')
        a_followed_owner(cluster, wallet, accounts)
        stamp('lanes')
        lanes_are_partitions(cluster)
        stamp('end')


main()
