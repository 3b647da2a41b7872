"""PostgreSQL that fails over by itself: three nodes under Patroni, which decides by etcd.

    with Patroni(3) as server:  # server.url names all nodes; libpq finds the one that takes writes
        server.leader().crash()

A node is Patroni and its PostgreSQL; crash() ends all their processes at once, as a power cut does.
PostgreSQL leaves Patroni's session, so a guard of its own ends what is left when the test dies.
"""
import contextlib
import ctypes
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

from postgres_harness import PR_SET_PDEATHSIG, free_port, programs

TTL_S = 10
SETTINGS = {
    "ttl": TTL_S, "loop_wait": 1, "retry_timeout": 4,
    "synchronous_mode": True, "synchronous_mode_strict": True,
    "maximum_lag_on_failover": 1048576,
    "postgresql": {"use_pg_rewind": True, "parameters": {
        "max_connections": 60, "shared_buffers": "32MB", "wal_keep_size": "256MB"}},
}
HBA = ["local all all trust", "host all all 127.0.0.1/32 trust",
       "host replication all 127.0.0.1/32 trust"]
WAIT_S = 90
GUARD = """
import os, signal, sys
sys.stdin.read()  # its other end is the test's
for data in sys.argv[1:]:
    try:
        with open(data + "/postmaster.pid") as file:
            pid = int(file.readline())
        with open(f"/proc/{pid}/cmdline") as file:
            if data in file.read():
                os.kill(pid, signal.SIGQUIT)
    except (OSError, ValueError):
        pass
"""


def skip_without_tools():
    for tool in ("patroni", "etcd"):
        if shutil.which(tool) is None:
            print(f"skipped: {tool} is not installed", file=sys.stderr)
            raise SystemExit(77)


class Node:
    def __init__(self, cluster, number):
        self.cluster = cluster
        self.name = f"pg{number}"
        self.folder = os.path.join(cluster.folder, self.name)
        self.data = os.path.join(self.folder, "data")
        self.port = free_port()
        self.api = free_port()
        self.process = None

    def configure(self):
        os.mkdir(self.folder)
        authentication = {"superuser": {"username": "postgres"},
                          "replication": {"username": "replicator"}}
        config = {
            "scope": "tpwallet", "name": self.name,
            "restapi": {"listen": f"127.0.0.1:{self.api}",
                        "connect_address": f"127.0.0.1:{self.api}"},
            "etcd3": {"host": f"127.0.0.1:{self.cluster.etcd_port}"},
            "bootstrap": {"dcs": SETTINGS, "initdb": [
                {"encoding": "UTF8"}, {"locale": "C"}, "data-checksums", "no-sync"]},
            "watchdog": {"mode": "off"},
            "postgresql": {
                "listen": f"127.0.0.1:{self.port}", "connect_address": f"127.0.0.1:{self.port}",
                "data_dir": self.data, "bin_dir": self.cluster.programs,
                "pgpass": os.path.join(self.folder, "pgpass"), "pg_hba": HBA,
                "authentication": authentication, "basebackup": [{"checkpoint": "fast"}],
                "parameters": {"unix_socket_directories": self.folder}},
        }
        with open(os.path.join(self.folder, "patroni.yml"), "w", encoding="utf-8") as file:
            json.dump(config, file)  # JSON is YAML

    def start(self):
        self.process = self.cluster.spawn(self.name, "patroni",
                                          os.path.join(self.folder, "patroni.yml"))

    def postmaster(self):
        """The process that runs PostgreSQL, or None."""
        with contextlib.suppress(OSError, ValueError):
            with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
                pid = int(file.readline())
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                if self.data in file.read():
                    return pid
        return None

    def crash(self):
        """Everything of it ends at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None
        pid = self.postmaster()
        if pid is None:
            return
        for victim in [pid, *children(pid)]:
            with contextlib.suppress(OSError):
                os.kill(victim, signal.SIGKILL)
        until = time.monotonic() + WAIT_S
        while self.postmaster() is not None and time.monotonic() < until:
            time.sleep(0.01)

    def cluster_view(self):
        """{name: member} as this node sees it; None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.api}/cluster", timeout=5) as page:
                return {member["name"]: member for member in json.load(page)["members"]}
        except (OSError, ValueError, KeyError):
            return None


def children(parent):
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                if int(file.read().rsplit(")", 1)[1].split()[1]) == parent:
                    found.append(int(name))
    return found


class Patroni:
    """Nodes pg0, pg1, ... and their etcd; begins with a leader and a synchronous standby."""

    def __init__(self, count):
        skip_without_tools()
        self.programs = programs()
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        scratch = os.environ.get("SCRATCH")
        if scratch:
            os.chmod(scratch, 0o711)  # user postgres passes through
        self.folder = tempfile.mkdtemp(prefix="patroni-", dir=scratch or "/tmp")
        if self.user is not None:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self.etcd_port = free_port()
        self.etcd = None
        self.guard = None
        self.nodes = [Node(self, number) for number in range(count)]
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        self.url = f"postgresql://postgres@{hosts}/tpwallet"

    def _become(self):
        """Between fork and exec: another user than root, and never outliving the test."""
        if self.user is not None:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def spawn(self, name, *words):
        environment = {**os.environ, "HOME": self.folder, "TMPDIR": self.folder,
                       "ETCD_UNSUPPORTED_ARCH": os.uname().machine.replace("aarch64", "arm64")}
        with open(os.path.join(self.folder, f"{name}.log"), "ab") as log:
            return subprocess.Popen(words, preexec_fn=self._become, cwd=self.folder,
                                    env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=log)

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _start(self):
        self.guard = subprocess.Popen([sys.executable, "-c", GUARD,
                                       *(node.data for node in self.nodes)],
                                      stdin=subprocess.PIPE, start_new_session=True)
        client = f"http://127.0.0.1:{self.etcd_port}"
        peer = f"http://127.0.0.1:{free_port()}"
        self.etcd = self.spawn("etcd", "etcd", "--data-dir", f"{self.folder}/etcd",
                               "--listen-client-urls", client, "--advertise-client-urls", client,
                               "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                               "--initial-cluster", f"default={peer}")
        for node in self.nodes:
            os_umask = os.umask(0o022)
            node.configure()
            os.umask(os_umask)
            if self.user is not None:
                os.chown(node.folder, self.user.pw_uid, self.user.pw_gid)
            node.start()
        self.wait_whole()
        self.psql("CREATE DATABASE tpwallet ENCODING 'UTF8' TEMPLATE template0", "postgres")
        # a standby that does not know the database yet ends libpq's search for one that writes
        self.wait("the database on all nodes",
                  lambda: all(self._psql("SELECT 1", self._node_url(node)).returncode == 0
                              for node in self.nodes))

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.logs(), file=sys.stderr)
        for node in self.nodes:
            node.crash()
        if self.etcd is not None:
            self.etcd.kill()
            self.etcd.wait()
        if self.guard is not None:
            self.guard.stdin.close()
            self.guard.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def logs(self):
        text = ""
        for name in [node.name for node in self.nodes]:
            with contextlib.suppress(OSError):
                with open(os.path.join(self.folder, f"{name}.log"), encoding="utf-8",
                          errors="replace") as log:
                    text += f"--- {name}\n{log.read()[-2500:]}\n"
        return text

    def view(self):
        """{name: {role, state, ...}} of the nodes, as any that runs sees them."""
        for node in self.nodes:
            found = node.cluster_view() if node.process is not None else None
            if found is not None:
                return found
        return {}

    def _by_role(self, role):
        for name, member in self.view().items():
            node = next(node for node in self.nodes if node.name == name)
            if member["role"] == role and node.process is not None:
                return node
        return None

    def leader(self):
        """Waits for one: on a busy machine a leader may lose its key for a moment."""
        return self.wait("a leader", lambda: self._by_role("leader"))

    def synchronous(self):
        """Waits for one, as there is always but for moments."""
        return self.wait("a synchronous standby", lambda: self._by_role("sync_standby"))

    def _is_whole(self):
        view = self.view()
        states = sorted(member["role"] for member in view.values())
        well = all(member["state"] in ("running", "streaming") and member.get("lag", 0) == 0
                   for member in view.values())
        one = len({member.get("timeline") for member in view.values()}) == 1
        return well and one and states == sorted(
            ["leader", "sync_standby"] + ["replica"] * (len(self.nodes) - 2))

    def wait(self, what, condition, seconds=WAIT_S):
        """Returns what the condition said at last."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = condition()
            if found:
                return found
            time.sleep(0.1)
        print(f"FAILED: waited {seconds} s for {what}: {self.view()}\n{self.logs()}",
              file=sys.stderr)
        raise SystemExit(1)

    def wait_whole(self):
        """A leader, a synchronous standby, and the rest following."""
        self.wait("all nodes to run", self._is_whole)

    def _node_url(self, node):
        return f"postgresql://postgres@127.0.0.1:{node.port}/tpwallet"

    def _psql(self, sql, url):
        return subprocess.run([f"{self.programs}/psql", "-X", "-A", "-t", "-q", "-v",
                               "ON_ERROR_STOP=1", "-d", url, "-c", sql], capture_output=True,
                              text=True, check=False, cwd="/", timeout=120)

    def sessions_at_standbys(self):
        """How many sessions of ours are where nothing can be written."""
        counted = 0
        for node in self.nodes:
            if node is self.leader():
                continue
            done = self._psql("SELECT count(*) FROM pg_stat_activity"
                              " WHERE application_name LIKE 'tpwallet%'", self._node_url(node))
            counted += int(done.stdout or "0")
        return counted

    def psql(self, sql, database="tpwallet"):
        """At the leader; must succeed."""
        url = self.url.replace("/tpwallet", f"/{database}?target_session_attrs=read-write")
        done = self._psql(sql, url)
        if done.returncode != 0:
            print(f"FAILED: {sql}\n{done.stderr}", file=sys.stderr)
            raise SystemExit(1)
        return done.stdout.strip()
