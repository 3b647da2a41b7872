"""A real PostgreSQL server of a test's own: on loopback, a free port, gone with the test."""
import ctypes
import glob
import os
import pwd
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


def programs():
    """
    The folder of initdb, postgres and psql: TPWALLET_POSTGRES, or Debian's newest; ends the test as
    skipped when there is none.
    """
    chosen = os.environ.get("TPWALLET_POSTGRES")
    if chosen:
        return chosen
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
    if not found:
        print("skipped: PostgreSQL's server is not installed", file=sys.stderr)
        raise SystemExit(77)
    return os.path.dirname(found[-1])


class Postgres:
    """`with Postgres() as server:` a fresh cluster with a database tpwallet; server.url, .psql()."""

    def __init__(self, **settings):
        self.settings = settings  # of postgresql.conf, the server's defaults otherwise
        self.programs = programs()
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        scratch = os.environ.get("SCRATCH")
        if scratch:
            os.chmod(scratch, 0o711)  # user postgres passes through
        self.folder = tempfile.mkdtemp(prefix="postgres-", dir=scratch or "/tmp")
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/tpwallet"
        self.process = None

    def __enter__(self):
        if self.user is not None:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self._run("initdb", "-D", f"{self.folder}/data", "-U", "postgres", "--auth=trust",
                  "--encoding=UTF8", "--locale=C", "--no-sync")
        self.start()
        self.psql("CREATE DATABASE tpwallet ENCODING 'UTF8' TEMPLATE template0",
                  database="postgres")
        return self

    def __exit__(self, *_):
        self.kill(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _become(self):
        """Between fork and exec: another user than root, and never outliving the test."""
        if self.user is not None:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)

    def _run(self, program, *words):
        subprocess.run([f"{self.programs}/{program}", *words], preexec_fn=self._become, check=True,
                       cwd=self.folder, stdout=subprocess.DEVNULL, timeout=START_S)

    def start(self):
        words = [f"{self.programs}/postgres", "-D", f"{self.folder}/data", "-p", str(self.port),
                 "-c", "listen_addresses=127.0.0.1",
                 "-c", f"unix_socket_directories={self.folder}"]
        for name, value in self.settings.items():
            words += ["-c", f"{name}={value}"]
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen(words, preexec_fn=self._become, cwd=self.folder,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self._psql("SELECT 1", "postgres").returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        with open(f"{self.folder}/log", encoding="utf-8", errors="replace") as log:
            print(log.read()[-4000:], file=sys.stderr)
        raise SystemExit("the PostgreSQL server did not come up")

    def kill(self, number=signal.SIGKILL):
        """SIGINT is a fast shutdown, SIGQUIT a crash of all at once, SIGKILL of the parent."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(START_S)
        self.process = None

    def restart(self, number=signal.SIGINT):
        self.kill(number)
        self.start()

    def _psql(self, sql, database):
        return subprocess.run([f"{self.programs}/psql", "-X", "-A", "-t", "-q", "-v",
                               "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U",
                               "postgres", "-d", database, "-c", sql], capture_output=True,
                              text=True, check=False, cwd="/", timeout=120)

    def psql(self, sql, database="tpwallet"):
        """The rows as text, columns with | between; must succeed."""
        done = self._psql(sql, database)
        if done.returncode != 0:
            print(f"FAILED: {sql}\n{done.stderr}", file=sys.stderr)
            raise SystemExit(1)
        return done.stdout.strip()

    def session(self, user="postgres"):
        return Session(self, user)

    def standby(self):
        """`with server.standby() as copy:` a server that replays this one's log."""
        return Standby(self)


def folder_keep(server):
    """A copy of all its files, as a backup of the machine has them."""
    server.kill(signal.SIGINT)
    subprocess.run(["cp", "-a", f"{server.folder}/data", f"{server.folder}/kept"], check=True)
    server.start()


def folder_put_back(server):
    server.kill(signal.SIGINT)
    os.rename(f"{server.folder}/data", f"{server.folder}/gone-{time.monotonic_ns()}")
    subprocess.run(["cp", "-a", f"{server.folder}/kept", f"{server.folder}/data"], check=True)
    server.start()


class Standby(Postgres):
    """Made from a base backup of its primary, which keeps none of the log for it."""

    def __init__(self, primary):
        super().__init__(**primary.settings, cluster_name="standby")
        self.primary = primary

    def __enter__(self):
        if self.user is not None:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self._run("pg_basebackup", "-D", f"{self.folder}/data", "-h", "127.0.0.1", "-p",
                  str(self.primary.port), "-U", "postgres", "-R", "-X", "stream", "--no-sync",
                  "--checkpoint=fast")
        self.start()
        return self


class Session:
    """psql that stays: its transactions go on from one call to the next."""

    def __init__(self, server, user):
        self.calls = 0
        self.process = subprocess.Popen(
            [f"{server.programs}/psql", "-X", "-A", "-t", "-q", "-h", "127.0.0.1", "-p",
             str(server.port), "-U", user, "-d", "tpwallet"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", bufsize=1)

    def send(self, sql):
        """Without waiting for the end of it, which may not come."""
        self.process.stdin.write(sql + ";\n")
        self.process.stdin.flush()

    def do(self, sql):
        """Waits, and returns what was said."""
        self.calls += 1
        mark = f"end of call {self.calls}"
        self.process.stdin.write(f"{sql};\n\\echo {mark}\n")
        self.process.stdin.flush()
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
