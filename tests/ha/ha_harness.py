"""What the tests of several replicas share: a cluster on one PostgreSQL, a bank's clients, checks.

The clients are the recorder outside. Each moves money from a common account to one of its own, and
nobody else does: so it knows at every moment between which bounds its balance must be, and a read
that is older than an answer it has had shows. What was answered is also written down as a history
of operations, one JSON object a line: {"process", "type": "invoke" | "ok" | "info", "f": "credit" |
"read", "value", "time"}, as checkers of Elle's kind read it.
"""
import contextlib
import ctypes
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "postgres")]

from cli_harness import (SCRATCH, START_S, TPWALLET, Stalls, Wallet, address_of, announced,  # noqa: E402
                         check, equal, file_of, new_id, sample, stands_still)
from postgres_harness import PR_SET_PDEATHSIG, Postgres, free_port  # noqa: E402

HEADERS = {"Content-Type": "application/json"}
CALL_S = 40
GIVE_UP_S = 60  # a client that was told to stop, without an answer
LEASE_S = 2.0  # if nothing else is said


def doomed():
    """Between fork and exec: it does not outlive the test."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def peer_secret():
    path = file_of("peer-secret", "a-secret-of-all-replicas\n")
    os.chmod(path, 0o600)
    return path


class Replica:
    """One server of the cluster, with a folder of its own."""

    def __init__(self, name, url, *options, command=(), lanes=1):
        self.name = name
        self.wallet = Wallet(name)
        self.wallet.run("init", "--store", url, "--lanes", str(lanes))
        self.options = list(options)
        if "--peer-ca" not in options and "--peer-secret" not in options:
            self.options += ["--peer-secret", peer_secret()]
        self.command = list(command)  # what it is started by
        self.log_path = os.path.join(SCRATCH, f"{name}.log")
        self.process = None
        self.address = None
        self.port = free_port()  # the same after a restart: clients know it

    def words(self):
        return [*self.command, TPWALLET, "serve", "--data", self.wallet.folder, "--plain",
                "--anonymous", "--listen", f"127.0.0.1:{self.port}", "--json", "--cluster",
                "--replica-name", self.name, "--accounts-max", "100000", "--holds-max", "10000",
                "--reversals-max", "10000", "--payments-max", "10000", *self.options]

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.words(), stdout=subprocess.PIPE, stderr=log,
                                            preexec_fn=doomed)
        said = announced(self.process, self.name, lambda: self.log()[-3000:])
        self.address = address_of(said["url"])
        return self

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def signal(self, number):
        self.process.send_signal(number)

    def pause(self):
        """Returns when each of its threads stands still: none does a thing that was under way."""
        self.signal(signal.SIGSTOP)
        wait_for(f"all of {self.name} to stand still", lambda: stands_still(self.process))

    def wake(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    def stop(self):
        """As an operator does: it hands over, drains, and ends well."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=START_S)
        self.process.stdout.close()
        self.process = None
        equal(code, 0, f"exit code of {self.name}; its log: {self.log()[-3000:]}")

    def connection(self, timeout_s=CALL_S):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def get(self, path, timeout_s=CALL_S):
        connection = self.connection(timeout_s)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def metric(self, name, lane=0):
        """None while the replica changes its role and has no page, or none of the lane."""
        status, body = self.get("/metrics")
        if status == 503:
            return None
        check(status == 200, f"/metrics of {self.name}: {status} {body[:300]!r}")
        return sample(body.decode(), name, lane)

    def counted(self, name, lane=0):
        """As metric(), once it has a page again."""
        return wait_for(f"{name} of {self.name}",
                        lambda: (found := self.metric(name, lane)) is not None and (found,))[0]


class Cluster:
    """Replicas by name; `with Cluster(3) as cluster:` begins with r0 as the owner."""

    def __init__(self, count, *options, server=None, lanes=1, each=None, **settings):
        self.server = server or Postgres(**settings)
        self.count = count
        self.lane_count = lanes
        self.options = options
        self.each = each or (lambda name: ())  # options of one replica
        self.replicas = []

    def __enter__(self):
        self.server.__enter__()
        for number in range(self.count):
            name = f"r{number}"
            self.replicas.append(Replica(name, self.server.url, *self.options, *self.each(name),
                                         lanes=self.lane_count))
        self.replicas[0].start()
        for lane in range(self.lane_count):
            wait_for("the first owner", lambda lane=lane: self.owner(lane) == "r0")
        for replica in self.replicas[1:]:
            replica.start()
        self.wait_warm()
        return self

    def __exit__(self, kind, *_):
        for replica in self.replicas:
            if replica.process is not None and replica.process.poll() is None:
                with contextlib.suppress(OSError):
                    replica.wake()
            if kind is not None:
                print(f"--- log of {replica.name}\n{replica.log()[-2500:]}", file=sys.stderr)
            replica.kill()
        self.server.__exit__(None, None, None)

    def lanes(self):
        """What `tpwallet lane list` says: [{lane, replica, role, ...}]."""
        return self.replicas[0].wallet.json("lane", "list")["replicas"]

    def owner(self, lane=0):
        for row in self.lanes():
            if row["role"] == "owner" and row["lane"] == lane:
                return row["replica"]
        return None

    def by_name(self, name):
        return next(replica for replica in self.replicas if replica.name == name)

    def wait_warm(self):
        live = {(lane, replica.name) for replica in self.replicas if replica.process is not None
                for lane in range(self.lane_count)}

        def all_there():
            there = {(row["lane"], row["replica"]) for row in self.lanes()
                     if row["role"] in ("owner", "warm")}
            return live <= there
        wait_for("all replicas to be warm", all_there)

    def wait_owner(self, *but, lane=0):
        return wait_for("an owner",
                        lambda: (found := self.owner(lane)) not in (None, *but) and found)


def wait_for(what, condition, seconds=START_S):
    """Returns what the condition said at last."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    check(False, f"waited {seconds} s for {what}")
    return None


def equal_unless_stalled(stalls, since, found, wanted, what):
    """Of what is so as long as leases can be renewed."""
    stood_s = stalls.longest_s(since, time.monotonic())
    if found != wanted and stood_s > LEASE_S / 4:
        print(f"not judged: {what}: wanted {wanted!r}, found {found!r}; the machine stood still for "
              f"{stood_s:.2f} s at once")
        return
    equal(found, wanted, f"{what} (the machine stood still for {stood_s:.2f} s at most)")


def cents(text):
    return int(text.replace(".", ""))


class History:
    """Operations as their clients saw them."""

    def __init__(self):
        self.lock = threading.Lock()
        self.lines = []

    def add(self, process, kind, function, value):
        line = {"process": process, "type": kind, "f": function, "value": value,
                "time": time.monotonic_ns()}
        with self.lock:
            self.lines.append(line)

    def write(self, name):
        path = os.path.join(SCRATCH, name)
        with open(path, "w", encoding="utf-8") as file:
            for line in self.lines:
                file.write(json.dumps(line) + "\n")
        return path


class Client(threading.Thread):
    """Credits its account and reads it, through any replica, until it is told to stop."""

    def __init__(self, number, replicas, history, timeout_s):
        super().__init__(daemon=True)
        self.number = number
        self.account = new_id()
        self.bank = BANK
        self.replicas = replicas
        self.history = history
        self.running = True
        self.sum = 0          # acknowledged
        self.acknowledged = {}  # id -> (amount, position)
        self.failures = []    # answers that were no success
        self.wrong = []       # what cannot be
        self.gaps = []        # (from, until), times without an answer
        self.answered_at = None
        self.connections = {}
        self.turn = number
        self.timeout_s = timeout_s  # then it asks another

    def ask(self, replica, method, path, body):
        connection = self.connections.get(replica.name)
        if connection is None:
            connection = self.connections[replica.name] = replica.connection(
                self.timeout_s)
        try:
            connection.request(method, path, body, HEADERS)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except BaseException:
            connection.close()
            del self.connections[replica.name]
            raise

    def call(self, method, path, body=None):
        """Asks until there is an answer that says something; True as second: it may be done."""
        doubt = False
        while True:
            self.turn += 1
            replica = self.replicas[self.turn % len(self.replicas)]
            try:
                status, answer = self.ask(replica, method, path, body)
            except (OSError, http.client.HTTPException):
                doubt = True
                if not self.running and time.monotonic() - self.answered_at > GIVE_UP_S:
                    return None, doubt
                time.sleep(0.01)
                continue
            if status in (200, 201, 202):
                now = time.monotonic()
                self.gaps.append((self.answered_at, now))
                self.answered_at = now
                return json.loads(answer), doubt
            self.failures.append((replica.name, method, path, status, answer[:300]))
            doubt = True
            time.sleep(0.02)

    def credit(self, amount):
        body = {"id": new_id(), "debit": self.bank, "credit": self.account, "asset": "EUR",
                "amount": f"{amount // 100}.{amount % 100:02}"}
        self.history.add(self.number, "invoke", "credit", amount)
        answer, _ = self.call("POST", "/v1/transfers", json.dumps(body))
        if answer is None:
            self.history.add(self.number, "info", "credit", amount)
            return
        self.sum += amount
        self.acknowledged[body["id"]] = (amount, answer["position"])
        self.history.add(self.number, "ok", "credit", amount)

    def read(self):
        self.history.add(self.number, "invoke", "read", None)
        answer, _ = self.call("GET", f"/v1/accounts/{self.account}")
        if answer is None:
            return
        found = cents(answer["balance"]["net"])
        self.history.add(self.number, "ok", "read", found)

    def run(self):
        self.answered_at = time.monotonic()
        while self.running:
            self.credit(1 + self.turn % 99)
            if self.turn % 3 == 0:
                self.read()
        for connection in self.connections.values():
            connection.close()


BANK = new_id()


def bank_violations(lines):
    """
    What a history of one account's only client cannot be: reads must say what was acknowledged
    before they began, and no more than what was begun before they ended.
    """
    known = {}
    wrong = []
    for line in lines:
        state = known.setdefault(line["process"], {"sum": 0, "maybe": 0})
        amount = line["value"]
        if line["f"] == "credit" and line["type"] == "ok":
            state["sum"] += amount
        if line["f"] == "credit" and line["type"] == "info":
            state["maybe"] += amount
        if line["f"] == "read" and line["type"] == "ok":
            if not state["sum"] <= amount <= state["sum"] + state["maybe"]:
                wrong.append(f"client {line['process']} read {amount}, and {state['sum']} was "
                             f"acknowledged, {state['maybe']} in doubt")
    return wrong


class Load:
    """`with Load(cluster, 4) as load:` clients at work; afterwards load.finish() judges."""

    def __init__(self, cluster, clients, replicas=None, timeout_s=CALL_S):
        self.cluster = cluster
        self.history = History()
        self.stalls = Stalls()
        self.begun_at = None
        replicas = replicas or cluster.replicas
        self.clients = [Client(number, replicas, self.history, timeout_s)
                        for number in range(clients)]

    def accounts_make(self):
        accounts = [{"id": client.account, "asset": "EUR", "kind": "liability"}
                    for client in self.clients]
        accounts.append({"id": BANK, "asset": "EUR", "kind": "asset"})
        self.clients[0].call("POST", "/v1/accounts", json.dumps(accounts))

    def __enter__(self):
        self.begun_at = time.monotonic()
        for client in self.clients:
            client.answered_at = self.begun_at
        self.accounts_make()
        self.stalls.__enter__()
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.running = False
        for client in self.clients:
            client.join(GIVE_UP_S + 2 * CALL_S)
            check(not client.is_alive(), "a client did not come to an end")
        self.stalls.__exit__()

    def work_for(self, seconds):
        """Until so much was done that there is something to lose, and the time is over."""
        until = time.monotonic() + seconds
        before = self.count()
        wait_for("the clients to get on", lambda: self.count() > before + 20)
        while time.monotonic() < until:
            time.sleep(0.02)

    def count(self):
        return sum(len(client.acknowledged) for client in self.clients)

    def failures(self):
        return [failure for client in self.clients for failure in client.failures]

    def gap_s(self):
        """The longest time that a client waited for an answer."""
        return max(until - since for client in self.clients for since, until in client.gaps)

    def check_gap(self, limit_s):
        """That nobody waited longer, but for what the machine itself stood still."""
        for since, until in [gap for client in self.clients for gap in client.gaps]:
            self.stalls.check_took(since, limit_s, "until somebody was answered", until)

    def equal_unless_stalled(self, found, wanted, what):
        equal_unless_stalled(self.stalls, self.begun_at, found, wanted, what)

    def losses(self, replica):
        """Acknowledged transfers that are not in the books as they were told."""
        lost = []
        connection = replica.connection()
        for client in self.clients:
            for number, (amount, position) in client.acknowledged.items():
                connection.request("GET", f"/v1/transfers/{number}")
                answer = connection.getresponse()
                body = answer.read()
                told = json.loads(body) if answer.status == 200 else {}
                if cents(told.get("amount", "-1.00")) != amount or told["position"] != position:
                    lost.append(f"{number}: {amount} at {position} was acknowledged; {body[:200]}")
        connection.close()
        return lost

    def finish(self, name):
        """Books against what clients were told; returns nothing, ends the test if they differ."""
        replica = self.cluster.by_name(self.cluster.wait_owner())
        self.history.write(f"{name}.history.jsonl")
        wrong = bank_violations(self.history.lines)
        check(not wrong, f"{len(wrong)} reads cannot be: {wrong[:5]}")
        for client in self.clients:
            status, body = replica.get(f"/v1/accounts/{client.account}")
            equal(status, 200, f"status of a balance: {body!r}")
            equal(cents(json.loads(body)["balance"]["net"]), client.sum,
                  f"balance of client {client.number} and what it was told")
        lost = self.losses(replica)
        check(not lost, f"{len(lost)} acknowledged transfers were lost: {lost[:3]}")
        status, body = replica.get("/v1/trial-balance")
        equal(status, 200, "status of the trial balance")
        debits = credits = 0
        for row in json.loads(body)["rows"]:
            debits += cents(row["balance"]["debits_posted"])
            credits += cents(row["balance"]["credits_posted"])
        equal(debits, credits, "debits and credits of the trial balance")
        print(f"{name}: {self.count()} transfers acknowledged and there, longest silence "
              f"{self.gap_s():.2f} s, {len(self.failures())} answers were no success")


def check_books(cluster):
    """`tpwallet check` over the journal, when no replica runs any more."""
    for replica in cluster.replicas:
        if replica.process is not None:
            replica.stop()
    cluster.replicas[0].wallet.run("check")
