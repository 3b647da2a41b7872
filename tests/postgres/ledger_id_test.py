"""Goal: a ledger has one id for good; a folder, a database or a copy of another ledger is refused
before anything is answered or written, whichever way it came there.

Method: folders before a PostgreSQL with two databases, and embedded ones. The URL of a folder is
changed to the other database, and commands, a server and a replica are tried; two folders' journals
are exchanged. Ids are taken away, as in ledgers from before there were any, and must come back as
one. A backup, what is restored of it, and a move into a database have the id of their source.
"""
import os
import shutil
import stat
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

from cli_harness import (CONFLICT, DONE, SCRATCH, START_S, TPWALLET, USAGE, Wallet, check,  # noqa: E402
                         equal, file_of, new_id, serving)
from postgres_harness import Postgres  # noqa: E402

ALONE = ("--plain", "--anonymous", "--listen", "127.0.0.1:0")


def id_file(wallet):
    return os.path.join(wallet.folder, "ledger")


def id_of(wallet):
    """As the folder has it."""
    with open(id_file(wallet), encoding="ascii") as file:
        return file.read().rstrip("\n")


def journal_id(wallet):
    """As the journal has it."""
    return wallet.json("check")["ledger"]


def is_of(wallet, ledger, what):
    equal((id_of(wallet), journal_id(wallet)), (ledger, ledger), what)


def url_write(wallet, url):
    with open(os.path.join(wallet.folder, "store"), "w", encoding="utf-8") as file:
        file.write(url + "\n")


def database_make(server, name):
    server.psql(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0", database="postgres")
    return server.url.replace("/tpwallet", f"/{name}")


def serve(wallet, *options):
    """A server that must not come up."""
    return subprocess.run([TPWALLET, "serve", "--data", wallet.folder, *ALONE, *options],
                          capture_output=True, text=True, check=False, cwd=SCRATCH,
                          timeout=START_S)


def made_once(server):
    one, two = Wallet("one"), Wallet("two")
    made = one.json("init", "--store", server.url)
    second = two.json("init", "--store", server.url)
    equal(second["ledger"], made["ledger"], "a second folder's")
    equal((made["log_key"], second["log_key"]), (True, False), "who made the log's key")
    equal(server.psql("SELECT id FROM tpwallet.ledger"), made["ledger"], "the database's")
    equal(stat.S_IMODE(os.stat(id_file(one)).st_mode), 0o600, "mode of the file")
    for wallet in (one, two):
        is_of(wallet, made["ledger"], "both")
    one.run("account", "create", new_id(), "--kind", "liability")
    return one, two


def another_database(server, one):
    """The URL leads to another ledger, by a change of it or of what its host is."""
    url = database_make(server, "other")
    other = Wallet("other")
    other.run("init", "--store", url)
    other.run("account", "create", new_id())
    head = other.head()
    url_write(one, url)
    for said in (one.run("account", "list", code=USAGE), one.run("check", code=USAGE),
                 one.run("account", "create", new_id(), code=USAGE),
                 one.run("backup", os.path.join(SCRATCH, "none"), code=USAGE)):
        check("the database has another ledger" in said.err and id_of(one) in said.err
              and id_of(other) in said.err and "`store`" in said.err, f"{said!r}")
    secret = file_of("peer-secret", "a-secret-of-all-replicas\n")
    os.chmod(secret, 0o600)
    for options in ((), ("--cluster", "--replica-name", "r1", "--peer-secret", secret)):
        done = serve(one, *options)
        equal(done.returncode, USAGE, f"exit code of a server: {done.stderr}")
        check("another ledger" in done.stderr, f"what it says: {done.stderr}")
    equal(other.head(), head, "nothing was written there")
    url_write(one, server.url)
    one.run("account", "create", new_id())
    return other


def another_journal():
    """Files of two embedded ledgers are mixed."""
    left, right = Wallet("left"), Wallet("right")
    for wallet in (left, right):
        wallet.run("init")
    check(id_of(left) != id_of(right), "two ledgers have two ids")
    is_of(left, id_of(left), "embedded")
    for name in ("journal.db", "head"):
        shutil.copy(os.path.join(right.folder, name), os.path.join(left.folder, name))
    for said in (left.run("account", "list", code=USAGE), left.run("asset", "create", "MILES", "0",
                                                                   code=USAGE)):
        check("journal of another ledger" in said.err and id_of(left) in said.err, f"{said!r}")
    with open(id_file(right), "w", encoding="ascii") as file:
        file.write("nonsense\n")
    check("ledger is damaged" in right.run("check", code=5).err, "a damaged file is named")


def from_before(server, one, two):
    """The first that may write gives an id; who comes later takes it."""
    server.psql("DELETE FROM tpwallet.ledger")
    for wallet in (one, two):
        os.unlink(id_file(wallet))
    check("ledger" not in one.json("check"), "there is none")
    one.run("account", "create", new_id())
    drawn = id_of(one)
    two.run("account", "list")  # only reads
    check(not os.path.exists(id_file(two)), "who reads writes nothing")
    two.run("account", "create", new_id())
    for wallet in (one, two):
        is_of(wallet, drawn, "one id again")
    server.psql("DELETE FROM tpwallet.ledger")  # as after a dump from before
    two.run("account", "create", new_id())
    is_of(one, drawn, "the folder gave it back")


def in_lanes():
    """All lanes have one; a lane alone draws none."""
    lanes = Wallet("lanes")
    ledger = lanes.json("init", "--lanes", "3")["ledger"]
    copy = os.path.join(SCRATCH, "lanes-copy")
    with serving(lanes, "--plain", "--anonymous"):
        lanes.run("backup", copy)
    for folder in (lanes.folder, copy):
        said = lanes.run("check", "--json") if folder == lanes.folder else subprocess.run(
            [TPWALLET, "check", "--json", "--data", folder], capture_output=True, text=True,
            check=True, cwd=SCRATCH)
        lines = (said.out if folder == lanes.folder else said.stdout).splitlines()
        equal([f'"ledger":"{ledger}"' in line.replace(" ", "") for line in lines], [True] * 3,
              f"each lane of {folder}")
        equal(os.path.exists(os.path.join(folder, "lanes", "1", "ledger")), False, "one file")


def copies(server, one, other):
    """Backups and what is restored of them are the same ledger; a move takes the id along."""
    copy, back = Wallet("copy"), Wallet("back")
    one.run("backup", copy.folder)
    is_of(copy, id_of(one), "a backup")
    said = other.run("backup", copy.folder, code=CONFLICT)
    check("backup of another ledger" in said.err and id_of(other) in said.err, f"{said!r}")
    back.run("restore", copy.folder)
    back.run("restore", "accept")
    back.run("asset", "create", "MILES", "0")
    is_of(back, id_of(one), "restored")
    moved = Wallet("moved")
    said = moved.run("init", "--store", server.url.replace("/tpwallet", "/other"), "--from",
                     back.folder, code=USAGE)
    check("another ledger" in said.err and not os.path.exists(moved.folder), f"{said!r}")
    moved.run("init", "--store", database_make(server, "third"), "--from", back.folder)
    is_of(moved, id_of(one), "moved")
    equal(moved.run("account", "list").code, DONE, "it is read")


def main():
    with Postgres() as server:
        one, two = made_once(server)
        other = another_database(server, one)
        another_journal()
        from_before(server, one, two)
        in_lanes()
        copies(server, one, other)


if __name__ == "__main__":
    main()
