"""Goal: nobody who opens a ledger in PostgreSQL takes it away from a server that lives, be it alone or
in a cluster; and a holder that crashed keeps nobody out.

Method: two folders for one ledger. Beside a server on the first, commands and a second server on the
other are tried, and the first must go on to commit. Then it is killed (kill -9), and paused until
another took over. The same commands beside the owner of a cluster.
"""
import contextlib
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "ha")]

from cli_harness import (CONFLICT, SCRATCH, START_S, TPWALLET, Server, Wallet, check,  # noqa: E402
                         equal, new_id)
from ha_harness import Replica, Stalls, equal_unless_stalled, wait_for  # noqa: E402
from postgres_harness import Postgres  # noqa: E402

QUICK_S = 10  # refused without long retries
PLAIN = ("--plain", "--anonymous")


def write(wallet):
    """Through the socket of the server on its folder, where there is one."""
    wallet.run("account", "create", new_id())


@contextlib.contextmanager
def quickly(what):
    begun = time.monotonic()
    with Stalls() as stalls:
        yield
        stalls.check_took(begun, QUICK_S, what)


def refused(wallet, owner):
    with quickly("refused at once"):
        said = wallet.run("account", "create", code=CONFLICT)
    check(owner in said.err and "--data" in said.err, f"who has it, and what to do: {said!r}")
    wallet.run("check")  # what reads goes on
    wallet.run("account", "list")


def second_server_is_refused(wallet):
    done = subprocess.run([TPWALLET, "serve", "--data", wallet.folder, "--listen", "127.0.0.1:0",
                           *PLAIN], capture_output=True, text=True, check=False, cwd=SCRATCH,
                          timeout=START_S)
    equal(done.returncode, CONFLICT, f"a second server: {done.stderr}")
    check("alone-" in done.stderr, f"who has it: {done.stderr}")


def beside_a_server(first, second):
    server = Server(first, *PLAIN).start()
    try:
        refused(second, "alone-")
        second_server_is_refused(second)
        write(first)
        server.kill()
        write(second)  # when the lease has ended
        server.start()
        write(first)
        server.process.send_signal(signal.SIGSTOP)
        write(second)
        server.process.send_signal(signal.SIGCONT)
        wait_for("the lease to be missed", lambda: "lease.lost" in server.tail())
        said = first.run("account", "create", code=None)
        check(said.code != 0, f"whoever lost the lane commits nothing: {said!r}")
        said = first.run("account", "list", code=None)
        check(said.code != 0, f"nor does it answer from memory that is old: {said!r}")
        server.kill()
        with quickly("what was given back is free"):
            server.start()
        write(first)
        server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()
    write(second)


def beside_a_cluster(url, other):
    replica = Replica("r0", url)
    since = time.monotonic()
    with Stalls() as stalls:
        beside_a_replica(replica, other, stalls, since)
    write(other)


def beside_a_replica(replica, other, stalls, since):
    try:
        replica.start()
        wait_for("an owner", lambda: replica.get("/readyz")[0] == 200)
        refused(other, "'r0' at http://")
        done = subprocess.run([TPWALLET, "serve", "--data", other.folder, "--listen", "127.0.0.1:0",
                               *PLAIN], capture_output=True, text=True, check=False, cwd=SCRATCH,
                              timeout=START_S)
        equal(done.returncode, CONFLICT, f"a server beside a cluster: {done.stderr}")
        write(replica.wallet)
        equal_unless_stalled(stalls, since, replica.counted("tpwallet_takeovers_total"), 1.0,
                             "takeovers: it never lost the lane")
        replica.stop()
    finally:
        replica.kill()


def main():
    with Postgres() as database:
        first = Wallet("first")
        second = Wallet("second")
        for wallet in (first, second):
            wallet.run("init", "--store", database.url)
        beside_a_server(first, second)
        beside_a_cluster(database.url, second)


if __name__ == "__main__":
    main()
