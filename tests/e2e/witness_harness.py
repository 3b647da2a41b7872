"""What the tests of witnesses share: `tpwallet log witness` on a folder of its own."""
import atexit
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from free_port import free_port  # noqa: E402
from cli_harness import DONE, SCRATCH, START_S, TPWALLET, Wallet, announced, check, equal

WAIT_S = 60


class Witness:
    """Its port stays the same over restarts, so that a ledger finds it again."""

    def __init__(self, name, log_key):
        self.wallet = Wallet(name)
        self.log_key = log_key
        self.key = self.wallet.run("log", "witness", "init", f"witness.example.com/{name}").out.strip()
        self.log = os.path.join(SCRATCH, f"{name}.log")
        self.process = None
        self.url = None
        self.port = free_port()  # the same after a restart
        atexit.register(self.end)

    def end(self):
        """Of a test that failed."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()

    def start(self):
        words = [TPWALLET, "log", "witness", "--data", self.wallet.folder, "--plain", "--json",
                 "--listen", f"127.0.0.1:{self.port}", "--log", self.log_key]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log)
        told = announced(self.process, "the witness", lambda: self.lines()[-3:])
        equal(told["key"], self.key, "the key that it announces")
        self.url = told["url"]
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=START_S)
        self.process.stdout.close()
        equal(code, DONE, f"exit code of the witness: {self.lines()[-3:]}")

    def post(self, body, path="/add-checkpoint", method="POST"):
        """(status, content type, body)"""
        request = urllib.request.Request(self.url + path, data=body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers["Content-Type"], answer.read()

    def size(self):
        """Of the checkpoint cosigned last."""
        page = self.post(None, "/metrics", "GET")[2].decode()
        return int(re.search(r"^tpwallet_witness_size\{.*\} (\d+)$", page, re.M).group(1))

    def lines(self):
        with open(self.log, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.startswith("{")]


def options_for(witnesses, quorum):
    """Of `tpwallet serve`."""
    pairs = ",".join(f"{witness.key}={witness.url}" for witness in witnesses)
    return ("--witness", pairs, "--witness-quorum", str(quorum), "--witness-private")


def wait_for(what, ready):
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        found = ready()
        if found:
            return found
        time.sleep(0.05)
    check(False, f"this did not come: {what}")
    return None


def cosigners(checkpoint):
    """Names in the signature lines behind the log's own."""
    return [line.split(" ")[1] for line in checkpoint.decode().split("\n\n", 1)[1].splitlines()][1:]
