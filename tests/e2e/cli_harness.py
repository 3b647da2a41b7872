"""What the tests of the command line share: running it, a server beside it, and plain checks."""
import contextlib
import http.client
import json
import os
import pty
import random
import signal
import socket
import subprocess
import sys
import time
import uuid

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from stalls import Stalls  # noqa: E402,F401  # for those who measure

TPWALLET = os.environ["TPWALLET"]
SOURCE = os.environ["TPWALLET_SOURCE"]
SCRATCH = os.environ["SCRATCH"]
START_S = 60  # a server under a sanitizer on a busy machine

DONE, REFUSED, USAGE, NOT_FOUND, UNAVAILABLE, DAMAGED, DENIED, LIMIT, CONFLICT = range(9)


def check(condition, what):
    """Ends the test with what was expected."""
    if not condition:
        print(f"FAILED: {what}", file=sys.stderr)
        raise SystemExit(1)


def equal(found, wanted, what):
    check(found == wanted, f"{what}: wanted {wanted!r}, found {found!r}")


class Result:
    def __init__(self, words, done):
        self.words = words
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def __repr__(self):
        return f"{' '.join(self.words)}\nexit {self.code}\n--- out\n{self.out}--- err\n{self.err}"

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError:
            check(False, f"no JSON on standard output: {self!r}")
            return None


def sample(page, name, lane=0):
    """The value of a sample of a page of metrics, by its name and its labels but `lane`: that of the
    process, or of the lane. None: it is not there."""
    base, brace, labels = name.partition("{")
    of_lane = f'{base}{{lane="{lane}"' + ("," + labels if brace else "}")
    found = [line.rpartition(" ")[2] for line in page.splitlines()
             if line.rpartition(" ")[0] in (name, of_lane)]
    check(len(found) <= 1, f"{name} stands once: {found}")
    return float(found[0]) if found else None


def on_a_terminal(*words, code=DONE):
    """What a command writes to one; elsewhere it writes what there is."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([TPWALLET, *words], stdout=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        out = b""
        try:
            while piece := os.read(ours, 4096):
                out += piece
        except OSError:                                 # Linux: the other side is closed
            pass
        err = process.stderr.read()
        check(process.wait() == code, f"{words}: {err}")
    os.close(ours)
    return out.decode()


class Wallet:
    """Commands on one data folder."""

    def __init__(self, name):
        self.folder = os.path.join(SCRATCH, name)

    def run(self, *words, code=DONE, **options):
        words = [str(word) for word in words]
        done = subprocess.run([TPWALLET, *words, "--data", self.folder], capture_output=True,
                              text=True, check=False, cwd=SCRATCH, timeout=240, **options)
        result = Result(words, done)
        check(code is None or result.code == code, f"exit code {code} was wanted: {result!r}")
        return result

    def json(self, *words, code=DONE):
        return self.run(*words, "--json", code=code).json()

    def head(self):
        """The batch at the journal's head."""
        return int(self.json("period", "show")["as_of"])

    def totals(self):
        """{asset: [debits, credits, pending debits, pending credits]} in text's own decimals."""
        sums = {}
        for row in self.json("trial-balance")["rows"]:
            total = sums.setdefault(row["asset"], [0, 0, 0, 0])
            names = ("debits_posted", "credits_posted", "debits_pending", "credits_pending")
            for index, name in enumerate(names):
                total[index] += int(row["balance"][name].replace(".", ""))
        return sums

    def check_totals(self):
        for asset, total in self.totals().items():
            equal(total[0], total[1], f"posted debits and credits of {asset}")
            equal(total[2], total[3], f"pending debits and credits of {asset}")


def announced(process, name, log):
    """The first line that a server says, as JSON: where it listens. Another line is why it does not."""
    line = process.stdout.readline()
    try:
        said = json.loads(line)
    except ValueError:
        said = {}
    check("url" in said, f"{name} did not start, and said {line!r}; its log: {log()}")
    return said


def address_of(url):
    return url.split("//")[1]


def stands_still(process):
    """Whether all its threads have seen that it was stopped (SIGSTOP)."""
    tasks = f"/proc/{process.pid}/task"
    for task in os.listdir(tasks):
        with contextlib.suppress(FileNotFoundError):  # it has ended since
            with open(f"{tasks}/{task}/stat", encoding="ascii") as file:
                if file.read().rsplit(")", 1)[1].split()[0] != "T":
                    return False
    return True


class Server:
    """`tpwallet serve` on a wallet's folder, on a port of the kernel's choice."""

    def __init__(self, wallet, *options, tls=False):
        self.wallet = wallet
        self.options = options
        self.tls = tls
        self.process = None
        self.address = None
        self.log = os.path.join(SCRATCH, "server.log")

    def start(self):
        words = [TPWALLET, "serve", "--data", self.wallet.folder, "--listen", "127.0.0.1:0",
                 "--json", *self.options]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log)
        self.address = address_of(announced(self.process, "the server", self.tail)["url"])
        return self

    def tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()[-2000:]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=START_S)
        self.process.stdout.close()
        equal(code, DONE, f"exit code of the server; its log: {self.tail()}")

    def connection(self, timeout_s=30):
        host, port = self.address.rsplit(":", 1)
        return http.client.HTTPConnection(host, int(port), timeout=timeout_s)


@contextlib.contextmanager
def serving(wallet, *options):
    server = Server(wallet, *options).start()
    try:
        yield server
        server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()


def new_id():
    """A UUIDv7."""
    now = time.time_ns() // 1_000_000
    value = now << 80 | 7 << 76 | random.getrandbits(12) << 64 | 2 << 62 | random.getrandbits(62)
    return str(uuid.UUID(int=value))


def file_of(name, text):
    path = os.path.join(SCRATCH, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def skip(reason):
    print(f"SKIPPED: {reason}", file=sys.stderr)
    raise SystemExit(77)
