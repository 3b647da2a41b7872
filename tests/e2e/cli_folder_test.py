"""Goal: a data folder that cannot be used is refused with its reason, and nothing is lost of it.

Method: two servers on one folder, a newer version, a damaged file, a folder that cannot be
written, a disk that fills up (a small tmpfs; needs root), and what was there is there after.
"""
import contextlib
import json
import os
import shutil
import subprocess

from cli_harness import (CONFLICT, DAMAGED, DENIED, DONE, LIMIT, NOT_FOUND, REFUSED, SCRATCH,
                         UNAVAILABLE, USAGE, Wallet, check, equal, new_id, serving)


def ledger(name):
    wallet = Wallet(name)
    wallet.run("init")
    wallet.run("account", "create", "f:bank", "--kind", "equity")
    wallet.run("account", "create", "f:alice")
    wallet.run("transfer", "create", "--debit", "f:bank", "--credit", "f:alice", "--amount", "10")
    return wallet


def balance(wallet):
    return wallet.json("balance", "f:alice")["balance"]["net"]


def two_servers_on_one_folder():
    wallet = ledger("two")
    with serving(wallet, "--plain", "--anonymous") as server:
        second = wallet.run("serve", "--plain", "--anonymous", "--listen", "127.0.0.1:0",
                            code=CONFLICT)
        check("in use" in second.err and str(server.process.pid) in second.err,
              f"the second server says who has it: {second!r}")
        equal(balance(wallet), "10.00", "the first one serves on")


def a_server_that_was_killed_leaves_the_folder_usable():
    wallet = ledger("killed")
    with serving(wallet, "--plain", "--anonymous") as server:
        wallet.run("transfer", "create", "--debit", "f:bank", "--credit", "f:alice", "--amount", "5")
        server.kill()
        check(os.path.exists(os.path.join(wallet.folder, "socket")), "its socket is left behind")
        equal(balance(wallet), "15.00", "commands open the folder themselves")
        server.start()


def folders_that_are_none():
    wallet = Wallet("none")
    missing = wallet.run("account", "list", code=NOT_FOUND)
    check("init" in missing.err, f"what to do: {missing!r}")
    os.mkdir(wallet.folder)
    wallet.run("account", "list", code=USAGE)
    with open(os.path.join(wallet.folder, "letter"), "w", encoding="ascii") as file:
        file.write("mine\n")
    wallet.run("init", code=CONFLICT)
    equal(os.listdir(wallet.folder), ["letter"], "what was there is left alone")


def a_newer_version_is_refused():
    wallet = ledger("newer")
    path = os.path.join(wallet.folder, "FORMAT")
    with open(path, encoding="ascii") as file:
        old = file.read()
    check("1" in old, f"a version in FORMAT: {old!r}")
    os.chmod(path, 0o600)
    with open(path, "w", encoding="ascii") as file:
        file.write(old.replace("1", "9"))
    for words in (["account", "list"], ["serve", "--plain", "--anonymous"]):
        refused = wallet.run(*words, code=USAGE)
        check("newer" in refused.err, f"the reason: {refused!r}")
    with open(path, "w", encoding="ascii") as file:
        file.write(old)
    equal(balance(wallet), "10.00", "nothing was changed")


def a_damaged_journal_is_refused():
    wallet = ledger("damaged")
    path = os.path.join(wallet.folder, "journal.db")
    with open(path, "r+b") as file:
        data = file.read()
        at = data.rindex(b"TPWB") + 140  # inside the records of a batch
        file.seek(at)
        file.write(bytes([data[at] ^ 1]))
    check(wallet.run("account", "list", code=None).code in (DAMAGED, REFUSED),
          "a flipped bit in the newest batch is found at opening")


def as_nobody(wallet, *words):
    """root writes everywhere: these run as the user nobody."""
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", os.environ["TPWALLET"],
               *words, "--data", wallet.folder]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


def a_folder_that_cannot_be_written():
    wallet = ledger("denied")
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None or as_nobody(wallet, "version").returncode != DONE:
            print("no way to run as another user: left out")
            return
        done = as_nobody(wallet, "account", "list")
    else:
        os.chmod(wallet.folder, 0o500)
        done = wallet.run("transfer", "create", "--debit", "f:bank", "--credit", "f:alice",
                          "--amount", "1", code=None)
        os.chmod(wallet.folder, 0o700)
        check(done.code != DONE, "a write into a read-only folder")
        return
    equal(done.returncode, DENIED, f"a folder of somebody else: {done.stderr}")


@contextlib.contextmanager
def mounted(name, options):
    """A tmpfs of its own; None when that is not allowed here."""
    path = os.path.join(SCRATCH, name)
    os.mkdir(path)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", path],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        yield None
        return
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


def a_read_only_file_system():
    with mounted("frozen", "size=600m") as path:
        if path is None:
            print("LEFT OUT: a read-only file system needs root to mount one")
            return
        wallet = ledger(os.path.join("frozen", "data"))
        remount = ["mount", "-o", "remount,ro", path]
        subprocess.run(remount, check=True)
        refused = wallet.run("transfer", "create", "--debit", "f:bank", "--credit", "f:alice",
                             "--amount", "1", code=None)
        check(refused.code in (DENIED, UNAVAILABLE), f"a write is refused: {refused!r}")
        check("read-only" in refused.err.lower(), f"with the reason: {refused!r}")
        subprocess.run(["mount", "-o", "remount,rw", path], check=True)
        equal(balance(wallet), "10.00", "nothing was lost")


def fill(wallet, server):
    """Transfers until one is refused for want of disk; (acknowledged, the refusal's status)."""
    bank = wallet.run("account", "key", "f:bank").out.strip()
    alice = wallet.run("account", "key", "f:alice").out.strip()
    connection = server.connection()
    acknowledged = 0
    for _ in range(2000):
        batch = [{"id": new_id(), "debit": bank, "credit": alice, "asset": "EUR", "amount": "0.01"}
                 for _ in range(500)]
        connection.request("POST", "/v1/transfers", json.dumps(batch),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        if answer.status != 200:
            connection.close()
            return acknowledged, answer.status, body
        acknowledged += sum(r["outcome"] == "ok" for r in body["results"])
    check(False, "the disk never filled up")
    return None


def a_disk_that_fills_up():
    with mounted("small", "size=560m") as path:  # 512 MiB are kept in reserve
        if path is None:
            print("LEFT OUT: a full disk needs root to mount a small one")
            return
        wallet = ledger(os.path.join("small", "data"))
        with serving(wallet, "--plain", "--anonymous") as server:
            acknowledged, status, body = fill(wallet, server)
            equal((status, body["code"]), (507, "disk_full"), "the answer on a full disk")
            filler = os.path.join(path, "filler")  # checkpoints may have given some room back
            free = os.statvfs(path).f_bavail * os.statvfs(path).f_frsize
            with open(filler, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, free - (64 << 20))
            before = balance(wallet)
            refused = wallet.run("transfer", "create", "--debit", "f:bank", "--credit", "f:alice",
                                 "--amount", "1", code=LIMIT)
            check("disk" in refused.err, f"the reason: {refused!r}")
            equal(balance(wallet), before, "reads go on, and show what was acknowledged")
        cents = 1000 + acknowledged
        equal(balance(wallet), f"{cents // 100}.{cents % 100:02}", "all of it, and no more")
        wallet.check_totals()
        os.remove(filler)
        subprocess.run(["mount", "-o", "remount,size=800m", path], check=True)
        wallet.run("transfer", "create", "--debit", "f:bank", "--credit", "f:alice", "--amount", "1")


two_servers_on_one_folder()
a_server_that_was_killed_leaves_the_folder_usable()
folders_that_are_none()
a_newer_version_is_refused()
a_damaged_journal_is_refused()
a_folder_that_cannot_be_written()
a_read_only_file_system()
a_disk_that_fills_up()
