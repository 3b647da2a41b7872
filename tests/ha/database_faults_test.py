"""Goal: a database that is there and cannot: its disk is full, it has no connection left, others
hold our rows or cancel and end our sessions, transactions fail to serialise, its standby lags. The
servers say so, acknowledge nothing that is not durable, and go on by themselves.

Method: two servers before one PostgreSQL whose folder is a small file system, a synchronous standby
that is pg_receivewal, and clients that know what their account must hold. Each fault is made from
outside, under load, and taken away; then books are compared with what clients were told. The small
disk needs root, and is left out, with a word, without.
"""
import contextlib
import ctypes
import os
import signal
import socket
import struct
import subprocess
import sys
import time

from ha_harness import Cluster, Load, check, check_books, doomed, equal, wait_for
from postgres_harness import START_S, Postgres

CLIENTS = 4
CLIENT_S = 12  # then a client asks another server
CONNECTIONS_MAX = 40
FAULT_S = 3
REWRITE_S_MAX = 240  # of 60 times 20 ms, and waits for rows
CLONE_NEWNS = 0x00020000
OURS = "FROM pg_stat_activity WHERE application_name LIKE 'tpwallet%'"


class SmallPostgres(Postgres):
    """Its folder is a file system of its own, in a mount namespace that ends with the test."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.is_small = os.geteuid() == 0 and self._mount()
        if not self.is_small:
            print("left out: a disk that fills up needs root and mounts", file=sys.stderr)
        self.standby = None

    def _mount(self):
        if ctypes.CDLL(None).unshare(CLONE_NEWNS) != 0:
            return False
        for words in (["--make-rprivate", "/"],
                      ["-t", "tmpfs", "-o", "size=320m", "none", self.folder]):
            if subprocess.run(["mount", *words], check=False, capture_output=True).returncode != 0:
                return False
        return True

    def __exit__(self, *words):
        self.standby_kill()
        self.kill(signal.SIGQUIT)
        if self.is_small:
            subprocess.run(["umount", "-l", self.folder], check=False)
        super().__exit__(*words)

    def standby_start(self):
        folder = f"{self.folder}/received"
        url = f"host=127.0.0.1 port={self.port} user=postgres application_name=standby"
        self._run("psql", "-X", "-q", "-d", url, "-c", "SELECT 1")
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
        if self.user is not None:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
        with open(f"{self.folder}/standby.log", "ab") as log:
            self.standby = subprocess.Popen(
                [f"{self.programs}/pg_receivewal", "-D", folder, "-d", url, "--synchronous"],
                preexec_fn=self._become, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        self.setting("synchronous_standby_names", "standby")
        wait_for("a synchronous standby", lambda: self.psql(
            "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1")

    def standby_kill(self):
        if self.standby is not None:
            self.standby.kill()
            self.standby.wait()
        self.standby = None

    def setting(self, name, value):
        self.psql(f"ALTER SYSTEM SET {name} = '{value}'")
        self.psql("SELECT pg_reload_conf()")


class FaultyCluster(Cluster):
    """As Cluster; while the database cannot be asked there is no list of lanes either."""

    def lanes(self):
        answer = self.replicas[0].wallet.run("lane", "list", "--json", code=None)
        return answer.json()["replicas"] if answer.code == 0 else []


@contextlib.contextmanager
def fault(cluster, name):
    """Load around a fault; prints the time from its end to the next answer, and judges."""
    with Load(cluster, CLIENTS, timeout_s=CLIENT_S) as load:
        load.work_for(0.5)
        yield load
        ended_at = time.monotonic()
        before = load.count()
        wait_for("a transfer to be acknowledged", lambda: load.count() > before)
        print(f"{name}: answers {time.monotonic() - ended_at:.2f} s after it was over")
        load.work_for(0.5)
    load.finish(name)
    cluster.wait_warm()


def said(server, words):
    """Whether the fault was one: the database's own log has it."""
    with open(f"{server.folder}/log", encoding="utf-8", errors="replace") as log:
        return words in log.read()


def for_a_while(act=None):
    """The fault lasts; `act` is done again and again meanwhile."""
    until = time.monotonic() + FAULT_S
    while time.monotonic() < until:
        if act is not None:
            act()
        time.sleep(0.05)


def nothing_is_acknowledged(server, load, why, waits, act=None):
    """While a fault lasts that leaves no commit to be had: sessions wait for `waits`."""
    wait_for(f"a session to wait for {waits}", lambda: server.psql(
        f"SELECT count(*) {OURS} AND wait_event_type || '/' || wait_event IN ({waits})") != "0")

    def is_quiet():
        before = load.count()
        time.sleep(1)
        return load.count() == before
    wait_for("what was on its way to be answered", is_quiet)
    before = load.count()
    for_a_while(act)
    equal(load.count(), before, f"transfers acknowledged {why}")


def standby_lags(cluster):
    server = cluster.server
    server.standby_start()
    with fault(cluster, "standby lags") as load:
        server.standby.send_signal(signal.SIGSTOP)
        # whose wait is cancelled has committed, and no standby has it
        nothing_is_acknowledged(
            server, load, "while the synchronous standby stood still", "'IPC/SyncRep'",
            lambda: server.psql(f"SELECT pg_cancel_backend(pid) {OURS}"))
        server.standby.send_signal(signal.SIGCONT)
    server.setting("synchronous_standby_names", "")
    check(said(server, "canceling wait for synchronous replication"), "no wait was cancelled")
    server.standby_kill()


def psql_open(server, database, words):
    """A psql that has begun with `words` and waits for more."""
    opened = subprocess.Popen(
        [f"{server.programs}/psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(server.port), "-U",
         "postgres", "-d", database], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        cwd="/", preexec_fn=doomed)
    opened.stdin.write(words)
    opened.stdin.flush()
    wait_for("psql to be there", lambda: server.psql(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'psql'"
        f" AND datname = '{database}' AND pid <> pg_backend_pid() AND state LIKE 'idle%'") == "1")
    return opened


class Session:
    """A session by hand: no library of PostgreSQL's is needed to take up a connection."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=START_S)
        words = b"user\0postgres\0database\0postgres\0application_name\0storm\0\0"
        self.socket.sendall(struct.pack("!ii", len(words) + 8, 196608) + words)
        self.is_open = self.socket.recv(1) == b"R"

    def close(self):
        self.socket.close()


def sessions_take_all(server):
    sessions = []
    while True:
        session = Session(server.port)
        if not session.is_open:
            session.close()
            return sessions
        sessions.append(session)


def connections_run_out(cluster):
    server = cluster.server
    with fault(cluster, "connection storm") as load:
        ender = psql_open(server, "postgres", "SELECT 1;\n")
        sessions = sessions_take_all(server)
        check(len(sessions) > CONNECTIONS_MAX // 2, f"a storm of {len(sessions)} sessions only")
        load.work_for(1)  # sessions that are there go on
        ender.stdin.write(f"SELECT pg_terminate_backend(pid) {OURS};\n")
        ender.stdin.flush()
        for_a_while(lambda: sessions.extend(sessions_take_all(server)))  # what gets free is taken
        for session in sessions:
            session.close()
        ender.communicate()
    check(said(server, "too many clients already"), "the database had a connection left")


def rows_are_held(cluster):
    server = cluster.server
    with fault(cluster, "rows held") as load:
        holder = psql_open(server, "tpwallet", "BEGIN; SELECT 1 FROM tpwallet.lane FOR UPDATE;\n")
        nothing_is_acknowledged(server, load, "while another held the lane's row",
                                "'Lock/transactionid', 'Lock/tuple'")
        wait_for("a session to have waited long enough",
                 lambda: said(server, "canceling statement due to lock timeout"))
        holder.communicate("ROLLBACK;\n")


def sessions_are_ended(cluster):
    server = cluster.server

    def end_some():
        server.psql(f"SELECT pg_cancel_backend(pid) {OURS}")
        server.psql(f"SELECT pg_terminate_backend(pid) {OURS} AND random() < 0.3")
    with fault(cluster, "sessions cancelled and ended"):
        for_a_while(end_some)
        wait_for("a session to be ended", lambda: end_some() or said(
            server, "terminating connection due to administrator command"))


def serialisation_fails(cluster):
    server = cluster.server
    server.setting("default_transaction_isolation", "serializable")
    rewrite = ("DO $$ BEGIN FOR i IN 1..60 LOOP"
               " UPDATE tpwallet.lease SET url = url; UPDATE tpwallet.lane SET writer = writer;"
               " PERFORM pg_sleep(0.02); COMMIT; END LOOP; END $$")
    with fault(cluster, "serialisation failures") as load:
        words = [f"{server.programs}/psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(server.port),
                 "-U", "postgres", "-d", "tpwallet", "-c",
                 "SET default_transaction_isolation = 'read committed'", "-c", rewrite]
        rewriters = [subprocess.Popen(words, cwd="/", stdout=subprocess.DEVNULL,
                                      preexec_fn=doomed) for _ in range(3)]
        load.work_for(FAULT_S)
        for rewriter in rewriters:
            equal(rewriter.wait(REWRITE_S_MAX), 0, "what rewrote the rows")
    server.setting("default_transaction_isolation", "read committed")
    check(said(server, "could not serialize access"), "no transaction failed to serialise")


def disk_is_full(cluster):
    server = cluster.server
    if not server.is_small:
        return
    filler = f"{server.folder}/filler"
    with fault(cluster, "disk full") as load:
        refused = len(load.failures())
        with open(filler, "wb", buffering=0) as file:
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(1 << 16))
        wait_for("writes to be refused", lambda: len(load.failures()) > refused + 5)
        for_a_while()  # what still finds room in a page is taken
        answers = sorted({failure[3] for failure in load.failures()[refused:]})
        os.unlink(filler)
        starts = []
        before = load.count()

        def goes_on():
            if server.process.poll() is not None:  # without room for its log it ends, now or soon
                starts.append(server.start())
            return load.count() > before
        wait_for("the database to take transfers", goes_on, 2 * START_S)
        check(said(server, "No space left on device"), "the disk was never full")
        print(f"disk full: told {answers}; the database {'ended' if starts else 'went on'}")


def main():
    server = SmallPostgres(max_connections=CONNECTIONS_MAX, max_wal_size="64MB",
                           superuser_reserved_connections=0)
    with FaultyCluster(2, server=server) as cluster:
        standby_lags(cluster)
        connections_run_out(cluster)
        rows_are_held(cluster)
        sessions_are_ended(cluster)
        serialisation_fails(cluster)
        disk_is_full(cluster)
        check_books(cluster)


main()
