"""What the tests of events on Kafka share: a ledger under load, and what it must have published."""
import http.client
import json
import os
import random
import sqlite3
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "e2e"))

from cli_harness import Server, Wallet, check, equal, new_id, sample  # noqa: E402

TOPIC = "tpwallet.events"
WAIT_S = 300  # brokers on a busy machine, and sessions of those who died
HEADERS = {"Content-Type": "application/json"}


def until(condition, what, wait_s=WAIT_S):
    deadline = time.monotonic() + wait_s
    while not (found := condition()):
        check(time.monotonic() < deadline, f"waited in vain: {what}")
        time.sleep(0.02)
    return found


def ledger(name):
    """A wallet with accounts to move money between: (wallet, accounts)."""
    wallet = Wallet(name)
    wallet.run("init", "--asset", "EUR")
    accounts = [wallet.json("account", "create", "--kind", "liability")["id"] for _ in range(4)]
    return wallet, accounts


def publishing(wallet, cluster, *options):
    return Server(wallet, "--plain", "--anonymous", "--kafka", cluster.bootstrap, *options)


def metric(server, name, absent=False, lane=0):
    """The value of a sample; None when it may be absent and is."""
    connection = server.connection()
    connection.request("GET", "/metrics")
    found = sample(connection.getresponse().read().decode(), name, lane)
    check(absent or found is not None, f"no metric {name}")
    return found


def post(server, accounts, draw, count=20):
    """So many transfers, each a unit of its own; False: nobody knows what became of them."""
    items = []
    for _ in range(count):
        debit, credit = draw.sample(accounts, 2)
        items.append({"id": new_id(), "debit": debit, "credit": credit, "asset": "EUR",
                      "amount": f"{draw.randrange(1, 40)}.00"})
    try:
        connection = server.connection()
        connection.request("POST", "/v1/transfers", json.dumps(items), HEADERS)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False


class Load:
    """Clients that send transfers until they are told to stop, or the server is gone."""

    def __init__(self, server, accounts, clients=2, seed=1):
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(server, accounts, seed + i))
                        for i in range(clients)]

    def _run(self, server, accounts, seed):
        draw = random.Random(seed)
        while not self.stopped.is_set():
            if not post(server, accounts, draw):
                time.sleep(0.02)

    def __enter__(self):
        for one in self.threads:
            one.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for one in self.threads:
            one.join()


def happened(book):
    """Effects in a consumer's book, which may not be made yet."""
    if not os.path.exists(book):
        return 0
    with sqlite3.connect(book, timeout=WAIT_S) as db:
        made = db.execute("SELECT count(*) FROM sqlite_schema WHERE name='happened'").fetchone()[0]
        if made == 0:
            return 0
        return db.execute("SELECT coalesce(sum(events), 0) FROM happened").fetchone()[0]


def events_of(wallet):
    """What the journal says, by the command that reads it."""
    return [json.loads(line) for line in wallet.run("events").out.splitlines()]


def all_published(server, what):
    """Waits until the newest event of the journal, as of now, is on the bus."""
    newest = int(events_of(server.wallet)[-1]["id"].split("-")[0])
    until(lambda: metric(server, "tpwallet_bus_stopped") == 0 and
          metric(server, "tpwallet_bus_published_batch") >= newest and
          metric(server, "tpwallet_bus_lag_batches") == 0, what)


def compare(wallet, cluster, topic=TOPIC, partition=0):
    """Readers of what is committed see each event of the journal once, in its order."""
    wanted = [event["id"] for event in events_of(wallet)]
    records = cluster.read_all(topic, partition=partition, at_least=len(wanted))
    found = [json.loads(value)["id"] for _, _, _, value in records]
    missing = sorted(set(wanted) - set(found))
    check(not missing, f"{len(missing)} events are lost: {missing[:5]}")
    equal(len(found), len(set(found)), "events and different events on the topic")
    equal(found, wanted, "the order of events")
    for _, headers, key, value in records:
        event = json.loads(value)
        equal(key, event.get("subject", event["id"]), "a record's key")
        check("content-type:application/cloudevents+json" in headers, f"headers: {headers}")
    return len(found)
