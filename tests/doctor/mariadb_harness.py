"""A real MariaDB server of a test's own: on loopback, a free port, gone with the test."""
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from free_port import free_port  # noqa: E402

START_S = 60
PR_SET_PDEATHSIG = 1
PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb")


def program(name):
    """Its path; ends the test as skipped when there is none."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/bin")
    if found is None:
        print(f"skipped: {name} is not installed", file=sys.stderr)
        raise SystemExit(77)
    return found


class Session:
    """The client that stays: its transactions go on from one call to the next."""

    def __init__(self, server):
        self.calls = 0
        self.process = subprocess.Popen(
            [*server.client, "--unbuffered", "--skip-column-names", "--batch", "--force", "app"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            bufsize=1)

    def send(self, sql):
        """Without waiting for the end of it, which may not come."""
        self.process.stdin.write(sql + ";\n")
        self.process.stdin.flush()

    def do(self, sql):
        """Waits, and returns what was said."""
        self.calls += 1
        mark = f"end of call {self.calls}"
        self.send(f"{sql};\nSELECT '{mark}'")
        lines = []
        for line in self.process.stdout:
            if line.strip() == mark:
                return "\n".join(lines)
            lines.append(line.rstrip("\n"))
        raise SystemExit(f"the session ended: {lines}")

    def close(self):
        self.process.kill()
        self.process.wait(START_S)
        self.process.stdin.close()
        self.process.stdout.close()


class Mariadb:
    """`with Mariadb(binlog_format="ROW") as server:` a fresh server with a database app; .sql()."""

    def __init__(self, **settings):
        self.programs = {name: program(name) for name in PROGRAMS}
        self.settings = settings  # of mariadbd, its defaults otherwise
        self.folder = tempfile.mkdtemp(prefix="mariadb-", dir="/tmp")  # a socket's path is short
        self.port = free_port()
        self.socket = f"{self.folder}/socket"
        self.client = [self.programs["mariadb"], "--no-defaults", "-S", self.socket, "-u", "root"]
        self.process = None

    def __enter__(self):
        user = ["--user=root"] if os.geteuid() == 0 else []
        subprocess.run([self.programs["mariadb-install-db"], "--no-defaults", *user,
                        f"--datadir={self.folder}/data", "--skip-test-db",
                        "--auth-root-authentication-method=normal"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=START_S)
        self.start()
        self.sql("CREATE DATABASE app", database=None)
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        words = [self.programs["mariadbd"], "--no-defaults", f"--datadir={self.folder}/data",
                 f"--socket={self.socket}", f"--port={self.port}", "--bind-address=127.0.0.1",
                 "--skip-name-resolve", "--innodb-buffer-pool-size=32M",
                 "--innodb-log-file-size=16M", f"--pid-file={self.folder}/pid"]
        if os.geteuid() == 0:
            words.append("--user=root")
        words += [f"--{name.replace('_', '-')}={value}" for name, value in self.settings.items()]
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        until = time.monotonic() + START_S
        while time.monotonic() < until and self.process.poll() is None:
            if self._sql("SELECT 1", None).returncode == 0:
                return
            time.sleep(0.05)
        with open(f"{self.folder}/log", encoding="utf-8", errors="replace") as log:
            print(log.read()[-4000:], file=sys.stderr)
        raise SystemExit("the MariaDB server did not come up")

    def stop(self, number=signal.SIGTERM):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(START_S)
        self.process = None

    def _sql(self, sql, database):
        words = [*self.client, "--batch", "--skip-column-names", "-e", sql]
        return subprocess.run(words + ([database] if database else []), capture_output=True,
                              text=True, check=False, timeout=120)

    def sql(self, sql, database="app"):
        """The rows as text, columns with tabs between; must succeed."""
        done = self._sql(sql, database)
        if done.returncode != 0:
            print(f"FAILED: {sql}\n{done.stderr}", file=sys.stderr)
            raise SystemExit(1)
        return done.stdout.strip()

    def session(self):
        return Session(self)
