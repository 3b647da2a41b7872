"""Goal: TLS and SASL to Kafka are a file of settings: a server publishes and watches groups, and a
consumer reads, by PLAIN over TLS, with the rights that docs/kafka.md names and no others; a wrong
password, a certificate of somebody else's and a missing right are told as such; and no secret is on
a command line, in a log or on the metrics' page.

Method: a real broker with a listener that wants both, an authority of its own, and an authorizer that
denies what was not allowed. SCRAM is not tried: librdkafka 2.0 cannot do it with Kafka 4.
"""
import json
import os
import random
import subprocess

from kafka_harness import SLOW_S, Cluster, Guard
from outbox_harness import all_published, check, equal, events_of, ledger, metric, post, until

from cli_harness import SCRATCH, TPWALLET, Server, file_of  # found by outbox_harness

TOPIC = "tpwallet.events"
USERS = {"wallet": "geheim-1", "reader": "geheim-2"}


def settings(name, authority, user, password):
    path = file_of(name + ".properties", f"""# how to get in
security.protocol=SASL_SSL
ssl.ca.location={authority}
sasl.mechanism=PLAIN
sasl.username={user}
sasl.password={password}
""")
    os.chmod(path, 0o600)
    return path


def rights(cluster):
    """As docs/kafka.md says."""
    cluster.allow("wallet", ["Write", "Create", "Describe", "Read"], "--topic", TOPIC, "--topic",
                  TOPIC + ".positions")
    cluster.allow("wallet", ["Write", "Describe"], "--transactional-id",
                  f"tpwallet.{TOPIC}.lane-0")
    cluster.allow("wallet", ["Describe"], "--group", "tpwallet.event-book")
    cluster.allow("reader", ["Read", "Describe"], "--topic", TOPIC)
    cluster.allow("reader", ["Read"], "--group", "tpwallet.event-book")


def consume(cluster, file, *more, code=0):
    done = subprocess.run(
        [TPWALLET, "events", "consume", "--kafka", cluster.guarded, "--kafka-settings", file,
         "--into", os.path.join(SCRATCH, "events.db"), "--until-end", "--json", *more],
        capture_output=True, text=True, check=False, timeout=SLOW_S)
    equal(done.returncode, code, f"consuming with {file}: {done.stdout} {done.stderr}")
    return done.stdout + done.stderr


def secrets_are_nowhere(server):
    with open(f"/proc/{server.process.pid}/cmdline", "rb") as file:
        words = file.read()
    connection = server.connection()
    connection.request("GET", "/metrics")
    page = connection.getresponse().read()
    for what, text in (("the command line", words), ("the log", server.tail().encode()),
                       ("the metrics", page)):
        check(b"geheim" not in text, f"a secret stands in {what}")


def publish_and_read(cluster, guard):
    wallet, accounts = ledger("wallet")
    writer = settings("writer", guard.authority, "wallet", USERS["wallet"])
    reader = settings("reader", guard.authority, "reader", USERS["reader"])
    server = Server(wallet, "--plain", "--anonymous", "--kafka", cluster.guarded,
                    "--kafka-settings", writer, "--kafka-groups", "tpwallet.event-book")
    server.log = os.path.join(SCRATCH, "server.log")
    server.start()
    try:
        for _ in range(5):
            post(server, accounts, random.Random(1))
        all_published(server, "all is published")
        told = json.loads(consume(cluster, reader))
        wanted = len(events_of(wallet))
        equal((told["applied"], told["dead"]), (wanted, 0), "events that came")
        lag = 'tpwallet_bus_consumer_lag_records{group="tpwallet.event-book"}'
        until(lambda: metric(server, lag, absent=True) == 0, "the group's place can be seen")
        secrets_are_nowhere(server)
        server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()
    print(f"{wanted} events by PLAIN over TLS")


def who_is_not_let_in(cluster, guard):
    stranger = guard.authority.replace("authority.pem", "stranger.pem")
    cases = (
        (settings("wrong", guard.authority, "reader", "geheim-3"), "Authentication failed"),
        (settings("nobody", guard.authority, "nobody", "geheim-4"), "Authentication failed"),
        (settings("stranger", stranger, "reader", USERS["reader"]), "certificate verify failed"),
        # It may publish, and not read in this group.
        (settings("wallet", guard.authority, "wallet", USERS["wallet"]), "uthorization failed"),
    )
    for file, word in cases:
        text = consume(cluster, file, code=6)
        check(word in text and "geheim" not in text, f"what is said of {file}: {text}")
    open_to_all = settings("open", guard.authority, "reader", USERS["reader"])
    os.chmod(open_to_all, 0o644)
    check("chmod 600" in consume(cluster, open_to_all, code=6), "a file that others may read")


def main():
    guard = Guard(SCRATCH, USERS)
    with Cluster(1, guard=guard) as cluster:
        rights(cluster)
        publish_and_read(cluster, guard)
        who_is_not_let_in(cluster, guard)


main()
