"""Goal: a server starts only when it may, says where it is, and ends well when told to.

Method: options that must be refused; the process looked at from outside (limits, files); a
SIGTERM while requests are under way, each of which must be answered.
"""
import json
import os
import shutil
import signal
import stat
import subprocess
import threading

from cli_harness import (CONFLICT, DENIED, SCRATCH, START_S, TPWALLET, USAGE, Server, Wallet, check,
                         equal, file_of, new_id, serving)


def options_that_are_refused(wallet):
    secret = file_of("peer-secret", "a-secret-of-all-replicas\n")
    os.chmod(secret, 0o600)
    cluster = ("--plain", "--anonymous", "--cluster", "--replica-name", "a", "--peer-secret", secret)
    cases = [
        ((), USAGE, "TLS wants a certificate"),
        (("--anonymous",), USAGE, "--plain"),
        (("--plain", "--tls-cert", "x"), USAGE, "without TLS"),
        (("--tls-cert", "x"), USAGE, "TLS wants"),
        (("--plain",), DENIED, "no API key"),
        (("--plain", "--anonymous", "--listen", "0.0.0.0:0"), USAGE, "loopback"),
        (("--plain", "--anonymous", "--listen", "nonsense"), USAGE, "nonsense"),
        (("--plain", "--anonymous", "--threads", "0"), USAGE, "--threads"),
        (("--plain", "--anonymous", "--otlp", "gopher://x"), USAGE, ""),
        (("--plain", "--anonymous", "--replica-name", "a"), USAGE, "--cluster is missing"),
        (("--plain", "--anonymous", "--lease-ms", "2000"), USAGE, "--cluster is missing"),
        ((*cluster, "--advertise", "a.internal:8444"), USAGE, "http://HOST:PORT"),
        ((*cluster, "--advertise", "https://a.internal:8444"), USAGE, "http://HOST:PORT"),
        ((*cluster, "--advertise", "http://a.internal:8444/x"), USAGE, "http://HOST:PORT"),
        ((*cluster, "--advertise", "http://:8444"), USAGE, "http://HOST:PORT"),
        ((*cluster, "--advertise", "http://[::1]:8444"), USAGE, "init --store"),
        ((*cluster, "--peer-ca", "x"), USAGE, "give all three"),
    ]
    for words, code, reason in cases:
        refused = wallet.run("serve", *words, code=code)
        check(reason in refused.err, f"the reason '{reason}' is named: {refused!r}")
        check(not os.path.exists(os.path.join(wallet.folder, "address")), "nothing is announced")
    not_started(wallet)


def not_started(wallet):
    """What could not listen is not in the audit log as a server that started."""
    equal(wallet.json("audit", "list", "--act", "server_start")["items"], [], "starts on record")


def a_port_that_is_taken(wallet):
    other = Wallet("other")
    other.run("init")
    with serving(wallet, "--plain", "--anonymous") as server:
        refused = other.run("serve", "--plain", "--anonymous", "--listen", server.address,
                            code=CONFLICT)
        check(server.address in refused.err, f"the address is named: {refused!r}")
        not_started(other)


def what_can_be_seen_of_it(wallet):
    with serving(wallet, "--plain", "--anonymous") as server:
        check("WARNING" in server.tail(), "--anonymous is warned of")
        with open(os.path.join(wallet.folder, "address"), encoding="ascii") as file:
            equal(file.read().strip(), server.address, "DIR/address")
        mode = os.stat(os.path.join(wallet.folder, "socket")).st_mode
        check(stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, "the socket is its owner's")
        with open(f"/proc/{server.process.pid}/limits", encoding="ascii") as file:
            core = next(line for line in file if line.startswith("Max core file size"))
        equal(core.split()[4:6], ["0", "0"], "no core dumps")
    check(not os.path.exists(os.path.join(wallet.folder, "address")), "gone when it has stopped")
    for line in server.tail().strip().split("\n"):
        if line.startswith("{"):
            json.loads(line)
    with open(server.log, encoding="utf-8") as file:
        numbered = [json.loads(line) for line in file if line.startswith("{")]
    for writer in {line["writer"] for line in numbered}:
        found = [line["seq"] for line in numbered if line["writer"] == writer]
        equal(found, list(range(1, len(found) + 1)), f"log lines of {writer} without gaps")


def every_request_is_answered_when_it_stops(wallet):
    """Clients go on until the server is gone; none may lose a request that it began to answer."""
    account = [wallet.json("account", "create", "--kind", "equity")["id"] for _ in range(2)]
    server = Server(wallet, "--plain", "--anonymous").start()
    sent, outcomes = [], []
    lock = threading.Lock()

    def client():
        connection = server.connection()
        while True:
            item = {"id": new_id(), "debit": account[0], "credit": account[1], "asset": "EUR",
                    "amount": "1.00"}
            try:
                connection.request("POST", "/v1/transfers", json.dumps(item),
                                   {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
            except OSError:
                return
            except Exception:  # pylint: disable=broad-except  # a connection closed between requests
                return
            with lock:
                outcomes.append(answer.status)
                if answer.status == 201:
                    sent.append(item["id"])
                if len(sent) == 200:
                    server.process.send_signal(signal.SIGTERM)

    clients = [threading.Thread(target=client) for _ in range(8)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    equal(server.process.wait(timeout=START_S), 0, "exit code")
    server.process.stdout.close()
    check(len(sent) >= 200, f"load: {len(sent)}")
    check(set(outcomes) <= {201, 503}, f"answers: {set(outcomes)}")
    found = wallet.json("account", "show", account[1])["balance"]["credits_posted"]
    check(int(found.split(".")[0]) >= len(sent), "what was answered is there")


def a_second_signal_is_no_harm(wallet):
    server = Server(wallet, "--plain", "--anonymous").start()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
        try:
            server.process.send_signal(number)
        except ProcessLookupError:
            break
    equal(server.process.wait(timeout=START_S), 0, "exit code")
    server.process.stdout.close()


def demo_runs():
    done = subprocess.run([TPWALLET, "demo", "--accounts", "300", "--transfers", "5000", "--kills",
                           "1", "--payments", "150", "--json"], capture_output=True, text=True, check=False,
                          env=dict(os.environ, TMPDIR=SCRATCH))
    equal(done.returncode, 0, f"the demo: {done.stderr}")
    figures = json.loads(done.stdout)
    equal(figures["head_before"], figures["head_after"], "the second run changes nothing")
    equal(figures["done"] + figures["refused"], 5000, "every transfer has an outcome")
    equal(figures["payments"], 151, "the day's payments, and the broken one")
    equal(figures["payments_manual"], 0, "payments that only a person can tell of")
    check("equal to the minor unit" in done.stderr, f"both books: {done.stderr}")
    check("owed to customers: verified" in done.stderr, f"the proof of a balance: {done.stderr}")
    check("MISSING webhook, due by" in done.stderr, f"the broken story: {done.stderr}")
    check("this record is in the log whose key you gave" in done.stderr, f"receipt: {done.stderr}")
    check("verdict     journal_damaged" in done.stderr, f"the doctored copy: {done.stderr}")
    equal([name for name in os.listdir(SCRATCH) if name.startswith("tpwallet-demo")], [],
          "its folder is gone")


def demo_keeps():
    """Both folders stay, and both are named."""
    done = subprocess.run([TPWALLET, "demo", "--accounts", "100", "--transfers", "500", "--kills",
                           "0", "--payments", "100", "--keep"], capture_output=True, text=True,
                          check=False, env=dict(os.environ, TMPDIR=SCRATCH))
    equal(done.returncode, 0, f"the demo: {done.stderr}")
    named = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("kept: ")]
    there = [os.path.join(SCRATCH, name) for name in os.listdir(SCRATCH)
             if name.startswith("tpwallet-demo")]
    equal(sorted(named), sorted(there), "folders that were kept")
    equal(len(named), 2, "the bank's, and the doctor's")
    for folder in there:
        shutil.rmtree(folder)


ledger = Wallet("served")
ledger.run("init")
options_that_are_refused(ledger)
a_port_that_is_taken(ledger)
what_can_be_seen_of_it(ledger)
every_request_is_answered_when_it_stops(ledger)
a_second_signal_is_no_harm(ledger)
demo_runs()
demo_keeps()
