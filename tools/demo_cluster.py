"""Three replicas before PostgreSQL, Kafka and Redis on one machine, which die while they pay.

Run by `make demo-cluster`. Clients pay in through a sandbox PSP and pay each other, asking any
replica, and again under the same key until there is an answer. Meanwhile the owner is killed and
paused, the lane moved, the database, the broker and the cache killed. At the end the books of the
wallet are compared with the PSP's, with what clients were told, and with what Kafka's readers see.
"""
import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

SOURCE = os.environ["TPWALLET_SOURCE"]
sys.path[:0] = [os.path.join(SOURCE, "tests", folder) for folder in ("ha", "e2e", "postgres", "kafka")]

import kafka_harness  # noqa: E402
import payments_harness as payments  # noqa: E402
from cli_harness import SCRATCH, check, new_id  # noqa: E402
from ha_harness import Cluster, cents, doomed, wait_for  # noqa: E402
from postgres_harness import free_port  # noqa: E402
from sandbox_harness import Sandbox  # noqa: E402

CLIENTS = 6
METHODS = ("pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_declined")
CALL_S = 2  # then another replica is asked
REST_S = 120


class Clock:
    """Says when, since the demo began."""

    def __init__(self):
        self.begun = time.monotonic()

    def say(self, text):
        print(f"{time.monotonic() - self.begun:7.2f} s  {text}", flush=True)


class Redis:
    """A server of the demo's own."""

    def __init__(self):
        self.port = free_port()
        self.process = None

    def start(self):
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                 "--appendonly", "no", "--dir", SCRATCH, "--daemonize", "no"]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, preexec_fn=doomed)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None


class Payer(threading.Thread):
    """Pays in to its wallet and out of it to the others, each payment once, whatever happens."""

    def __init__(self, number, replicas):
        super().__init__(daemon=True)
        self.replicas = replicas
        self.wallet = new_id()
        self.draw = random.Random(number)
        self.others = []
        self.running = True
        self.told = {}    # payment -> (status, what was asked)
        self.retries = 0  # answers that were none, or said to come again
        self.gap_s = 0.0

    def ask(self, replica, method, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", replica.port, timeout=CALL_S)
        try:
            connection.request(method, path, body and json.dumps(body),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        finally:
            connection.close()

    def call(self, method, path, body=None):
        begun = time.monotonic()
        turn = self.draw.randrange(len(self.replicas))
        while True:
            turn += 1
            try:
                status, answer = self.ask(self.replicas[turn % len(self.replicas)], method, path, body)
                if status < 500 and status != 429:
                    self.gap_s = max(self.gap_s, time.monotonic() - begun)
                    return status, answer
            except (OSError, ValueError, http.client.HTTPException):
                pass  # killed or paused: the same again, of another
            self.retries += 1
            time.sleep(0.02)

    def pay(self):
        payment = {"id": new_id(), "asset": "EUR", "wallet": self.wallet}
        if self.draw.random() < 0.5:
            payment |= {"kind": "pay_in", "amount": f"{self.draw.randrange(1, 90)}.50",
                        "method": self.draw.choice(METHODS), "psp": "sandbox"}
        else:
            payment |= {"kind": "wallet", "amount": f"{self.draw.randrange(1, 20)}.25",
                        "to": self.draw.choice(self.others)}
        status, _ = self.call("POST", "/v1/payments", payment)
        self.told[payment["id"]] = (status, payment)

    def run(self):
        while self.running:
            self.pay()


class Kafka:
    """One broker, or none where Maven Central cannot be reached: then that is said."""

    def __init__(self):
        self.cluster = None
        try:
            self.cluster = kafka_harness.Cluster(1, SCRATCH)
        except SystemExit:
            print("no broker could be had: the demo goes on without Kafka", flush=True)

    def options(self):
        return [] if self.cluster is None else ["--kafka", self.cluster.bootstrap]


@contextlib.contextmanager
def world():
    """(cluster, sandbox, kafka, redis), all gone at the end."""
    kafka, redis = Kafka(), Redis()
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox("--pending-ms", "300"))
        if kafka.cluster is not None:
            stack.enter_context(kafka.cluster)
        redis.start()
        stack.callback(redis.kill)
        options = ["--psp", f"sandbox=http://{sandbox.address}", "--psp-keys",
                   payments.keys_file(), "--psp-private", "--redis",
                   f"redis://127.0.0.1:{redis.port}/0", *kafka.options()]
        yield stack.enter_context(Cluster(3, *options)), sandbox, kafka, redis


def wait_answered(payers, count=30):
    """Until so many more payments were answered."""
    before = sum(len(payer.told) for payer in payers)
    wait_for("payments to go on", lambda: sum(len(p.told) for p in payers) >= before + count)


# ---- What goes wrong ----

def kill_owner(clock, cluster, payers):
    owner = cluster.by_name(cluster.owner())
    clock.say(f"kill -9 {owner.name}, which owns the lane")
    begun = time.monotonic()
    owner.kill()
    heir = cluster.wait_owner(owner.name)
    clock.say(f"  {heir} owns it {time.monotonic() - begun:.2f} s later")
    wait_answered(payers)
    owner.start()
    cluster.wait_warm()
    clock.say(f"  {owner.name} is back, and follows")


def pause_owner(clock, cluster, payers):
    owner = cluster.by_name(cluster.owner())
    clock.say(f"SIGSTOP to {owner.name}, which owns the lane")
    begun = time.monotonic()
    owner.signal(signal.SIGSTOP)
    heir = cluster.wait_owner(owner.name)
    clock.say(f"  {heir} owns it {time.monotonic() - begun:.2f} s later")
    wait_answered(payers)
    owner.signal(signal.SIGCONT)
    cluster.wait_warm()
    clock.say(f"  SIGCONT: {owner.name} has seen that it was replaced, and follows")


def move_lane(clock, cluster, payers):
    cluster.wait_warm()
    owner = cluster.owner()
    heir = next(replica.name for replica in cluster.replicas if replica.name != owner)
    moved = cluster.replicas[0].wallet.json("lane", "move", "0", "--to", heir)
    clock.say(f"lane moved from {owner} to {heir}, as planned, in {moved['took_ms']} ms")
    wait_answered(payers)


def crash_database(clock, cluster, payers):
    clock.say("PostgreSQL crashes (SIGQUIT) and is started again")
    begun = time.monotonic()
    cluster.server.restart(signal.SIGQUIT)
    wait_answered(payers)
    clock.say(f"  payments go on {time.monotonic() - begun:.2f} s later")


def kill_broker(clock, kafka, payers):
    if kafka.cluster is None:
        return
    clock.say("kill -9 the Kafka broker; payments go on, events wait")
    kafka.cluster.kill(0)
    wait_answered(payers)
    kafka.cluster.restart(0)
    clock.say("  the broker is back")


def kill_cache(clock, redis, payers):
    clock.say("kill -9 Redis; it comes back empty")
    redis.kill()
    wait_answered(payers)
    redis.start()


# ---- What must hold in the end ----

def wait_rest(cluster, sandbox):
    """Every payment at its end, the day settled: (what differs, the owner's wallet)."""
    wallet = cluster.by_name(cluster.owner()).wallet
    waiting = payments.all_rest(wallet)
    check(not waiting, f"payments that wait for a person: {waiting[:3]}")
    payments.settle(wallet, sandbox)
    return wallet, payments.books_differ(wallet, sandbox)


def told_and_kept(replica, payers):
    """(payments answered with success, those of them that are not in the ledger as was told)."""
    accepted = [payment for payer in payers
                for status, payment in payer.told.values() if status in (200, 201, 202)]
    lost = []
    connection = replica.connection()
    for payment in accepted:
        connection.request("GET", f"/v1/payments/{payment['id']}")
        answer = connection.getresponse()
        body = json.loads(answer.read())
        if answer.status != 200 or body["amount"] != payment["amount"]:
            lost.append(payment)
    connection.close()
    return accepted, lost


def events_differ(wallet, kafka):
    """What readers of committed records see, beside the journal: (count, differences)."""
    wanted = [json.loads(line)["id"] for line in wallet.run("events").out.splitlines()]

    def seen():
        found = [json.loads(value)["id"]
                 for _, _, _, value in kafka.cluster.read_all("tpwallet.events", 0)]
        return found
    deadline = time.monotonic() + REST_S
    while (found := seen()) != wanted and time.monotonic() < deadline:
        time.sleep(0.5)
    return len(wanted), found != wanted


def row(name, value, right):
    print(f"  {name:<58} {value:>14}  {'ok' if right else 'WRONG'}", flush=True)
    return right


def compare(cluster, sandbox, kafka, payers):
    wallet, different = wait_rest(cluster, sandbox)
    page = sandbox.books()["EUR"]
    chart = {line["role"]: line["balance"] for line in
             wallet.json("chart", "show", "--asset", "EUR", "--psp", "sandbox")["accounts"]}
    right = True
    print("\nbooks, after settlement                              PSP          wallet")
    for theirs, ours in (("owed", "clearing"), ("settled", "bank"), ("fees", "fees")):
        same = page[theirs] == chart[ours]
        right &= same
        print(f"  {theirs:<40} {page[theirs]:>14} {chart[ours]:>15}  {'ok' if same else 'WRONG'}")
    right &= not different
    totals = wallet.totals()["EUR"]
    print("\nwhat must hold")
    right &= row("debits equal credits (minor units)", totals[0], totals[0] == totals[1])
    right &= row("nothing is held at rest (minor units)", totals[2], totals[2] == totals[3] == 0)
    accepted, lost = told_and_kept(cluster.by_name(cluster.owner()), payers)
    right &= row("payments that clients were told of and that are there",
                 f"{len(accepted) - len(lost)}/{len(accepted)}", not lost)
    held = sum(cents(wallet.json("balance", payer.wallet)["balance"]["net"]) for payer in payers)
    right &= row("customers' wallets together (minor units)", held, held >= 0)
    if kafka.cluster is not None:
        count, differ = events_differ(wallet, kafka)
        right &= row("events that Kafka's readers see, each once, in order", count, not differ)
    sound = wallet.run("check", code=None)
    right &= row("tpwallet check", "sound" if sound.code == 0 else "damaged", sound.code == 0)
    return right


def main():
    if shutil.which("redis-server") is None:
        raise SystemExit("redis-server is missing: tools/setup.sh --for test")
    clock = Clock()
    clock.say("starting PostgreSQL, Kafka, Redis, a sandbox PSP and three replicas")
    with world() as (cluster, sandbox, kafka, redis):
        first = cluster.replicas[0].wallet
        first.run("chart", "create", "--asset", "EUR", "--psp", "sandbox")
        payers = [Payer(number, cluster.replicas) for number in range(CLIENTS)]
        for payer in payers:
            payer.others = [other.wallet for other in payers if other is not payer]
            first.run("account", "create", payer.wallet, "--asset", "EUR", "--kind", "liability",
                      "--flags", "debits_must_not_exceed_credits")
        for payer in payers:
            payer.start()
        wait_answered(payers)
        clock.say(f"{CLIENTS} clients pay through {len(cluster.replicas)} replicas")
        kill_owner(clock, cluster, payers)
        pause_owner(clock, cluster, payers)
        move_lane(clock, cluster, payers)
        kill_broker(clock, kafka, payers)
        kill_cache(clock, redis, payers)
        crash_database(clock, cluster, payers)
        move_lane(clock, cluster, payers)
        for payer in payers:
            payer.running = False
        for payer in payers:
            payer.join(REST_S)
            check(not payer.is_alive(), "a client did not come to an end")
        paid = sum(len(payer.told) for payer in payers)
        clock.say(f"{paid} payments answered, {sum(p.retries for p in payers)} asked again, "
                  f"longest wait for an answer {max(p.gap_s for p in payers):.2f} s")
        right = compare(cluster, sandbox, kafka, payers)
    print(f"\n{'nothing was lost, and nothing done twice' if right else 'THE BOOKS DIFFER'}")
    raise SystemExit(0 if right else 1)


main()
