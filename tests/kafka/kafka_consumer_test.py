"""Goal: consumers of events that share a book neither lose nor double an effect, whatever moment
they die, are paused or followed at; what cannot be understood is kept, told and tried again; pause
and replay do what they say; and what the topic has deleted unread is told, not jumped over. A
publishing server tells how far named groups are behind, also of one that was never there and when
brokers are gone. `bench kafka` refuses a topic that had records.

Method: a real broker with a topic of four partitions, filled by Kafka's own console producer with
events of several ledgers, and a topic that a server publishes. Consumers are killed (kill -9) at
random moments, stopped for longer than their session (SIGSTOP) while others take over, and started
beside each other. The book's counts, which any double would change, are compared with what was
produced. KILLS=n sets how often (8); SEED=n the moments.
"""
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from kafka_harness import SLOW_S, Cluster, tool
from outbox_harness import (all_published, check, equal, events_of, happened, ledger, metric, post,
                            publishing, until)

from cli_harness import SCRATCH, SOURCE, TPWALLET, file_of, stands_still
from sandbox_harness import receiving

sys.path.append(os.path.join(SOURCE, "tests", "postgres"))
from postgres_harness import Postgres  # noqa: E402

KILLS = int(os.environ.get("KILLS", "8"))
DRAW = random.Random(int(os.environ.get("SEED", "1")))
TOPIC = "events"
EVENTS = 4000
LANES = 4


def run(cluster, *words, code=0, topic=TOPIC):
    words = [TPWALLET, *words, "--into", book(topic), "--kafka-topic", topic]
    if words[2] not in ("pause", "resume", "dead-letters"):
        words += ["--kafka", cluster.bootstrap]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=SLOW_S)
    equal(done.returncode, code, f"exit code of {words}: {done.stdout} {done.stderr}")
    return done.stdout


def book(topic=TOPIC):
    return os.path.join(SCRATCH, f"{topic}.db")


def rows(sql, topic=TOPIC):
    with sqlite3.connect(book(topic), timeout=10) as db:
        return db.execute(sql).fetchall()


def event(lane, number, kind="payment.succeeded"):
    payment = f"0190a1b2-0000-7000-8000-{lane:06x}{number % 50:06x}"
    return json.dumps({
        "specversion": "1.0", "id": f"{number}-0", "source": f"/tpwallet/{lane}", "type": kind,
        "time": "2026-11-29T10:00:00.000000000Z", "subject": payment,
        "data": {"payment": {"id": payment, "kind": "wallet", "state": "succeeded",
                             "asset": "EUR", "amount": "1.00", "version": number}}})


def produce(cluster, lines, topic=TOPIC):
    with tempfile.TemporaryFile("w+") as file:
        for key, value in lines:
            file.write(f"{key}\t{value}\n")
        file.seek(0)
        done = tool("org.apache.kafka.tools.ConsoleProducer", [
            "--bootstrap-server", cluster.bootstrap, "--topic", topic,
            "--reader-property", "parse.key=true", "--reader-property", "key.separator=\t"],
            stdin=file)
    check(done.returncode == 0, f"producing: {done.stderr[-500:]}")


def make_topic(cluster, topic, partitions, *more):
    done = tool("org.apache.kafka.tools.TopicCommand", [
        "--bootstrap-server", cluster.bootstrap, "--create", "--topic", topic,
        "--partitions", str(partitions), *more])
    check(done.returncode == 0, f"making a topic: {done.stdout} {done.stderr[-500:]}")


def consumer(cluster, topic=TOPIC):
    return subprocess.Popen([TPWALLET, "events", "consume", "--kafka", cluster.bootstrap,
                             "--kafka-topic", topic, "--into", book(topic), "--batch", "20"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def check_book(wanted):
    equal(happened(book()), wanted, "effects in the book")
    equal(rows("SELECT count(*) FROM inbox")[0][0], wanted, "ids in the inbox")
    for lane in range(LANES):
        top = rows(f"SELECT max(version) FROM payment WHERE id LIKE '%-{lane:06x}%'")[0][0]
        equal(top, EVENTS // LANES, f"the newest version in lane {lane}")


def book_is_free():
    """Nobody who stands still keeps it from those who write."""
    if not os.path.exists(book()):
        return True
    with contextlib.closing(sqlite3.connect(book(), timeout=5, isolation_level=None)) as db:
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


def stopped_between_transactions(one):
    """Within one it would hold the book until it wakes, and nobody could follow it."""
    def stop():
        one.send_signal(signal.SIGSTOP)
        until(lambda: stands_still(one), "all of it stands still")
        if book_is_free():
            return True
        one.send_signal(signal.SIGCONT)
        return False
    until(stop, "it is stopped between two transactions")


def crashes_and_rebalances(cluster):
    """Two places for consumers; whoever is in one is killed or stopped, and followed."""
    places = [None, None]
    stopped = []
    try:
        for turn in range(KILLS):
            place = turn % 2
            if places[place] is None:
                places[place] = consumer(cluster)
            time.sleep(DRAW.uniform(0.2, 1.5))  # the moment
            if turn % 4 == 3:
                stopped_between_transactions(places[place])
                stopped.append(places[place])
            else:
                places[place].kill()
                places[place].wait()
            places[place] = consumer(cluster)
        until(lambda: happened(book()) >= EVENTS, "all effects are there")
        for one in stopped:
            one.send_signal(signal.SIGCONT)
        time.sleep(2)  # what they hold must come to nothing
    finally:
        for one in [*places, *stopped]:
            if one is not None:
                one.kill()
                one.communicate()
    check_book(EVENTS)
    print(f"{KILLS} kills, stops and rebalances: {EVENTS} effects, each once")


def a_book_in_postgresql(cluster):
    """A consumer killed at random moments, and one that comes to the end."""
    with Postgres() as server:
        words = [TPWALLET, "events", "consume", "--kafka", cluster.bootstrap, "--kafka-topic",
                 TOPIC, "--into", server.url, "--batch", "50"]
        for group in ("one", "two"):  # another one each time: nobody waits for the dead one's session
            one = subprocess.Popen([*words, "--group", group], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(DRAW.uniform(0.3, 1.5))  # the moment
            one.kill()
            one.wait()
        done = subprocess.run([*words, "--group", "three", "--until-end", "--json"],
                              capture_output=True, text=True, check=False, timeout=SLOW_S)
        equal(done.returncode, 0, f"the last consumer: {done.stderr}")
        found = server.psql("SELECT sum(events), (SELECT count(*) FROM tpwallet_events.inbox)"
                            " FROM tpwallet_events.happened").strip()
        equal(found, f"{EVENTS}|{EVENTS}", "effects and ids in PostgreSQL")
        print(f"PostgreSQL: {EVENTS} effects, each once; the last consumer did {done.stdout.strip()}")


def dead_letters(cluster):
    produce(cluster, [("x", "garbage"), ("y", event(9, 1).replace("1.0", "0.3", 1)),
                      ("z", event(9, 2))])
    counts = json.loads(run(cluster, "events", "consume", "--until-end", "--json"))
    equal((counts["applied"], counts["dead"]), (1, 2), "applied and dead")
    letters = json.loads(run(cluster, "kafka", "dead-letters", "--json"))["dead_letters"]
    equal(len(letters), 2, "dead letters")
    check(all(letter["reason"] for letter in letters), f"reasons: {letters}")
    with sqlite3.connect(book(), timeout=10) as db:  # as if it were understood by now
        db.execute("UPDATE letter SET value=? WHERE reason LIKE '%CloudEvents%'", (event(9, 1),))
    redriven = json.loads(run(cluster, "kafka", "dead-letters", "--redrive", "--json"))
    equal(redriven, {"applied": 1, "left": 1}, "redriven")
    equal(happened(book()), EVENTS + 2, "effects after the redrive")


def pause_and_replay(cluster):
    run(cluster, "kafka", "pause")
    waiting = consumer(cluster)
    try:
        produce(cluster, [("p", event(10, 1))])
        time.sleep(2)  # nothing may come of it
        equal(happened(book()), EVENTS + 2, "effects while paused")
        lag = json.loads(run(cluster, "kafka", "lag", "--json"))["partitions"]
        equal(sum(one["lag"] for one in lag), 1, "lag while paused")
        run(cluster, "kafka", "resume")
        until(lambda: happened(book()) == EVENTS + 3, "it goes on")
    finally:
        waiting.send_signal(signal.SIGTERM)
        out, err = waiting.communicate(timeout=SLOW_S)
        equal(waiting.returncode, 0, f"exit code of a consumer that is told to stop: {err}")
    check(b"applied" in out, f"what it did: {out}")
    for partition in range(LANES):
        counts = json.loads(run(cluster, "kafka", "replay", "--partition", str(partition),
                                "--json"))
        equal(counts["applied"], 0, f"applied by a replay of partition {partition}")
    equal(happened(book()), EVENTS + 3, "effects after the replay")
    with sqlite3.connect(book(), timeout=10) as db:  # as if an effect had been lost
        db.execute("DELETE FROM inbox WHERE source='/tpwallet/1' AND batch=17")
        db.execute("UPDATE happened SET events=events-1")
    for partition in range(LANES):
        run(cluster, "kafka", "replay", "--partition", str(partition))
    equal(happened(book()), EVENTS + 3, "effects after the lost one is replayed")


def deleted_unread(cluster):
    """The topic's first records go while nobody reads: the consumer says so, and stays."""
    path = os.path.join(SCRATCH, "delete.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump({"version": 1, "partitions": [
            {"topic": "gap", "partition": 0, "offset": 8}]}, file)
    make_topic(cluster, "gap", 1)
    produce(cluster, [("k", event(1, i)) for i in range(1, 5)], "gap")
    run(cluster, "events", "consume", "--until-end", topic="gap")
    produce(cluster, [("k", event(1, i)) for i in range(5, 11)], "gap")
    done = tool("org.apache.kafka.tools.DeleteRecordsCommand", [
        "--bootstrap-server", cluster.bootstrap, "--offset-json-file", path])
    check(done.returncode == 0, f"deleting: {done.stdout} {done.stderr}")
    lag = json.loads(run(cluster, "kafka", "lag", "--json", topic="gap"))["partitions"]
    equal(lag[0]["lost"], 4, "what is told to be lost")
    run(cluster, "events", "consume", "--until-end", code=5, topic="gap")
    equal(happened(book("gap")), 4, "effects before the gap")


def lag_of(server, group, what="lag_records"):
    """As brokers said at the last look; None: they have not said it yet."""
    return metric(server, f'tpwallet_bus_consumer_{what}{{group="{group}"}}', absent=True)


def delete_all(cluster, topic):
    path = os.path.join(SCRATCH, "delete_all.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump({"version": 1, "partitions": [
            {"topic": topic, "partition": 0, "offset": -1}]}, file)
    done = tool("org.apache.kafka.tools.DeleteRecordsCommand", [
        "--bootstrap-server", cluster.bootstrap, "--offset-json-file", path])
    check(done.returncode == 0, f"deleting: {done.stdout} {done.stderr}")


def the_servers_view(cluster, server, accounts):
    """Of a group that reads, of one that is nowhere, of what is deleted, and without brokers."""
    topic, reads, nowhere = "tpwallet.events", "tpwallet.event-book", "nowhere"
    until(lambda: (lag_of(server, reads) or 0) > 0, "the group is behind")
    until(lambda: (lag_of(server, reads, "lag_seconds") or 0) > 0, "and for some time")
    run(cluster, "events", "consume", "--until-end", topic=topic)
    until(lambda: lag_of(server, reads) == 0, "the group has caught up")
    until(lambda: lag_of(server, reads, "lag_seconds") == 0, "so nothing waits for it")
    until(lambda: (lag_of(server, nowhere) or 0) > 0, "a group that is nowhere has read nothing")
    equal(lag_of(server, reads, "lost_records"), 0, "nothing is lost")
    post(server, accounts, DRAW)
    all_published(server, "more is published")
    delete_all(cluster, topic)
    until(lambda: (lag_of(server, reads, "lost_records") or 0) > 0, "what it can no longer read is told")
    cluster.kill(0)
    until(lambda: (lag_of(server, reads, "answer_age_seconds") or 0) > 4, "the answer grows old")
    until(lambda: metric(server, "tpwallet_bus_consumer_failures_total") > 0, "failures are counted")


def a_server_and_a_consumer(cluster):
    """From the ledger to the book."""
    wallet, accounts = ledger("wallet")
    server = publishing(wallet, cluster, "--kafka-groups", "tpwallet.event-book,nowhere").start()
    topic = "tpwallet.events"
    try:
        for _ in range(10):
            post(server, accounts, DRAW)
        all_published(server, "all is published")
        counts = json.loads(run(cluster, "events", "consume", "--until-end", "--json", "--group",
                                "other", topic=topic))
        wanted = len(events_of(wallet))
        equal((counts["applied"], counts["dead"]), (wanted, 0), "events of a ledger")
        lag = json.loads(run(cluster, "kafka", "lag", "--json", topic=topic))["partitions"]
        equal(lag[0]["lag"], 0, "lag at the end")
        a_receiver_is_told(cluster, wallet)
        the_servers_view(cluster, server, accounts)
    finally:
        server.kill()


def a_receiver_is_told(cluster, wallet):
    """At least once and in order, by consumers that are killed, of a receiver that fails at first."""
    token = file_of("token", "t0ken\n")
    os.chmod(token, 0o600)
    wanted = [event["id"] for event in events_of(wallet)]
    with receiving() as receiver:
        receiver.statuses = [500, 503]
        words = [TPWALLET, "events", "consume", "--kafka", cluster.bootstrap, "--into",
                 book("notify"), "--batch", "30", "--json"]
        told = ["--notify", receiver.url, "--notify-token", token, "--notify-private"]
        one = subprocess.Popen([*words, *told, "--group", "dies"], stdout=subprocess.DEVNULL)
        until(lambda: len(receiver.got) > 40, "the receiver is told")
        one.kill()
        one.wait()
        with sqlite3.connect(book("notify"), timeout=10) as db:  # as if a minute had gone by
            claimed = db.execute("UPDATE setting SET value='1 0' WHERE name='sender'").rowcount
        equal(claimed, 1, "the claim of the one that died")
        done = subprocess.run([*words, *told, "--group", "lives", "--until-end"],
                              capture_output=True, text=True, check=False, timeout=SLOW_S)
        equal(done.returncode, 0, f"the last consumer: {done.stderr}")
        for bad, code in ((words, 8), ([*words, "--notify", "ftp://x"], 2),
                          ([*words, "--notify-token", token], 2)):
            refused = subprocess.run(bad, capture_output=True, text=True, check=False, timeout=SLOW_S)
            equal(refused.returncode, code, f"{bad}: {refused.stderr}")
        got = list(receiver.got)
    ids = [json.loads(body)["id"] for _, body in got]
    equal(list(dict.fromkeys(ids)), wanted, "events in the order in which they first came")
    check(len(ids) - len(wanted) <= 3, f"{len(ids) - len(wanted)} came again: two failed, one died")
    for headers, body in got:
        equal((headers["authorization"], headers["content-type"]),
              ("Bearer t0ken", "application/cloudevents+json"), "headers")
        equal(headers["traceparent"][:52], json.loads(body)["traceparent"][:52], "the trace")
    print(f"{len(wanted)} events told to a receiver, {len(ids) - len(wanted)} of them again")


def groups_that_are_none(cluster):
    wallet, _ = ledger("groups")
    for names, code in (("", 2), ("a,,b", 2), ("a,a", 2), ("x" * 256, 2),
                        (",".join("abcdefghi"), 7)):
        wallet.run("serve", "--plain", "--anonymous", "--kafka", cluster.bootstrap,
                   "--kafka-groups", names, code=code)
    wallet.run("serve", "--plain", "--anonymous", "--kafka-groups", "a", code=2)


def bench_wants_a_new_topic(cluster):
    words = [TPWALLET, "bench", "kafka", "--kafka", cluster.bootstrap, "--events", "2000", "--json",
             "--kafka-topic"]
    for topic, code in (("bench.new", 0), ("bench.new", 8), (TOPIC, 8)):
        done = subprocess.run([*words, topic], capture_output=True, text=True, check=False,
                              timeout=SLOW_S)
        equal(done.returncode, code, f"bench on {topic}: {done.stdout} {done.stderr}")
        check(code == 0 or f"'{topic}' was used before" in done.stdout + done.stderr,
              f"what it says: {done.stdout} {done.stderr}")


def nobody_there():
    """Whoever waits for the end is told that there are no brokers; it takes a while, beside the rest."""
    return subprocess.Popen(
        [TPWALLET, "events", "consume", "--kafka", "127.0.0.1:1", "--kafka-topic", TOPIC, "--into",
         os.path.join(SCRATCH, "nobody.db"), "--until-end"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)


def main():
    with Cluster(1) as cluster, nobody_there() as alone:
        make_topic(cluster, TOPIC, LANES)
        produce(cluster, [(f"key-{n % 50}", event(n % LANES, n // LANES + 1))
                          for n in range(EVENTS)])
        crashes_and_rebalances(cluster)
        a_book_in_postgresql(cluster)
        dead_letters(cluster)
        pause_and_replay(cluster)
        deleted_unread(cluster)
        bench_wants_a_new_topic(cluster)
        groups_that_are_none(cluster)
        a_server_and_a_consumer(cluster)
        out, err = alone.communicate(timeout=SLOW_S)
        equal((alone.returncode, out), (4, ""), f"without brokers: {err}")
        check("Kafka" in err, f"it says so: {err}")


main()
