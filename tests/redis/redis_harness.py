"""A redis-server for tests, on loopback and a port of its own."""
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from free_port import free_port  # noqa: E402

SKIPPED = 77
START_S = 120  # on a busy machine


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Redis:
    def __init__(self, password):
        if shutil.which("redis-server") is None or shutil.which("redis-cli") is None:
            print("SKIPPED: no redis-server (tools/setup.sh --for test)", file=sys.stderr)
            raise SystemExit(SKIPPED)
        self.password = password
        self.process = None
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/2"

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--requirepass", self.password, "--logfile", "redis.log",
             "--enable-debug-command", "local"],
            cwd=os.environ["SCRATCH"], stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
        until = time.monotonic() + START_S
        while self.cli("PING").strip() != "PONG":
            if time.monotonic() > until:
                raise RuntimeError("redis-server does not start")
            time.sleep(0.05)
        return self

    def cli(self, *words):
        done = subprocess.run(["redis-cli", "-p", str(self.port), "-n", "2", "--no-auth-warning",
                               *words], capture_output=True, text=True, check=False, timeout=START_S,
                              env={**os.environ, "REDISCLI_AUTH": self.password})
        return done.stdout

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
