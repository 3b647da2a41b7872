"""Goal: a ledger that outgrew its folder goes on in PostgreSQL with all that it had, loses nothing
whenever the move ends early, and can be copied out again.

Method: a folder with accounts, transfers, holds, an asset of its own, an API key, a receiver of
webhooks that cannot be reached, and a verifiable log. It is moved; every answer must be as it was,
and new transfers follow. The old folder is read, and refuses to be written or served. Another move
is killed again and again, and given once more each time; one onto a longer ledger is refused and
changes nothing. Then a backup is taken out of the database, beside a server, and accepted: it has
the same books.
"""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

from cli_harness import (CONFLICT, DENIED, DONE, SCRATCH, TPWALLET, USAGE, Wallet, check,  # noqa: E402
                         equal, new_id, serving)
from postgres_harness import Postgres  # noqa: E402
from sandbox_harness import until  # noqa: E402
from webhooks_test import call  # noqa: E402

TRANSFERS = 30
KILLS = 4


def answers(wallet, ids):
    """All that a ledger says of itself, in a form that can be compared."""
    said = {"transfers": [wallet.json("transfer", "show", one) for one in ids]}
    for words in (("account", "list", "--limit", "1000"), ("asset", "list"), ("key", "list"),
                  ("trial-balance",)):
        found = wallet.json(*words)
        said[words[0]] = found.get("items", found.get("rows"))
    said["audit"] = [act for act in wallet.json("audit", "list")["items"]
                     if act["act"] != "server_start"]
    return said


def ledger_make(wallet):
    wallet.run("init")
    bank, shop = new_id(), new_id()
    ids = []
    wallet.run("asset", "create", "POINTS", "0")
    wallet.run("account", "create", bank, "--kind", "equity")
    wallet.run("account", "create", shop, "--kind", "liability")
    with serving(wallet, "--plain", "--anonymous"):
        wallet.run("key", "create", "reports", "--scopes", "accounts:read")
        wallet.run("webhook", "endpoint", "create", "https://receiver.test/hooks")
        for n in range(TRANSFERS):
            ids.append(new_id())
            verb = "hold" if n % 9 == 0 else "create"
            wallet.run("transfer", verb, "--id", ids[-1], "--debit", bank, "--credit", shop,
                       "--amount", f"{n + 1}.00")
    return bank, shop, ids


def moved(database, old, bank, shop, ids):
    before = answers(old, ids)
    new = Wallet("new")
    with serving(old, "--plain", "--anonymous"):
        new.run("init", "--store", database.url, "--from", old.folder, code=CONFLICT)
    check(not os.path.exists(new.folder), "nothing was made beside a server")
    said = new.json("init", "--store", database.url, "--from", old.folder)
    equal(said["batches"], old.head(), "all batches")
    equal(answers(new, ids), before, "what the ledger says")
    new.run("check")
    equal(answers(old, ids), before, "the old folder is read as before")
    found = old.run("transfer", "create", "--debit", bank, "--credit", shop, "--amount", "1.00",
                    code=DENIED)
    check("read-only" in found.err, f"{found!r}")
    with open(os.path.join(old.folder, "log.key"), "rb") as one:
        with open(os.path.join(new.folder, "log.key"), "rb") as other:
            check(one.read() == other.read(), "the verifiable log's key")
    with serving(new, "--plain", "--anonymous"):
        equal([row["url"] for row in new.json("webhook", "endpoint", "list")["items"]],
              ["https://receiver.test/hooks"], "receivers of webhooks")
        new.run("transfer", "create", "--debit", bank, "--credit", shop, "--amount", "1.00")
        new.run("transfer", "create", "--id", ids[1], "--debit", bank, "--credit", shop,
                "--amount", "2.00")  # a repeat
    new.run("log", "verify")
    new.run("check")
    new.check_totals()
    return new


def onto_another(database, old, new):
    """The ledger in the database has gone on: it is not overwritten, and the old one not moved."""
    head = new.head()
    again = Wallet("again")
    found = again.run("init", "--store", database.url, "--from", old.folder, code=CONFLICT)
    check("longer" in found.err and not os.path.exists(again.folder), f"{found!r}")
    equal(new.head(), head, "nothing was appended")
    for words in (("--from", old.folder), ("--store", database.url, "--from", old.folder,
                                           "--lanes", "2")):
        again.run("init", *words, code=USAGE)


def given_up(database, wallet, bank, shop):
    """A move that cannot end is given up on: the old folder goes on, once it is accepted."""
    words = ("init", "--store", database.url, "--from", wallet.folder)
    found = Wallet("no/way").run(*words, code=None)
    check("another --data" in found.err and "moved" not in os.listdir(wallet.folder), f"{found!r}")
    wallet.run("account", "create", new_id(), code=DENIED)
    wallet.run("restore", "accept")
    wallet.run("transfer", "create", "--debit", bank, "--credit", shop, "--amount", "1.00")


def killed_and_given_again(database, draw):
    """Whenever it ends, the same command goes on; and there is a way back."""
    wallet = Wallet("killed")
    bank, shop, ids = ledger_make(wallet)
    database.psql("DROP SCHEMA tpwallet CASCADE")
    given_up(database, wallet, bank, shop)
    before = answers(wallet, ids)
    database.psql("DROP SCHEMA tpwallet CASCADE")
    new = Wallet("killed-new")
    words = [TPWALLET, "--data", new.folder, "init", "--store", database.url, "--from",
             wallet.folder]
    for _ in range(KILLS):
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as move:
            time.sleep(draw.uniform(0.0, 0.25))
            move.send_signal(signal.SIGKILL)
        if not os.path.exists(os.path.join(new.folder, "FORMAT")):
            shutil.rmtree(new.folder, ignore_errors=True)  # half made, as of any init
    new.run("init", "--store", database.url, "--from", wallet.folder)
    check(os.path.exists(os.path.join(new.folder, "log.key")), "the verifiable log's key")
    equal(answers(new, ids), before, f"after {KILLS} kills")
    new.run("check")
    mark = os.path.join(wallet.folder, "moved")
    said = wallet.run("restore", "accept", code=CONFLICT).err
    check(database.url in said and mark in said, f"it goes on elsewhere: {said}")
    wallet.run("transfer", "create", "--debit", bank, "--credit", shop, "--amount", "1.00", code=DENIED)
    os.remove(mark)
    key = os.path.join(new.folder, "log.key")
    shutil.copy(key, key + ".kept")
    with open(key, "ab") as other:
        other.write(b"another")
    new.run("init", "--store", database.url, "--from", wallet.folder, code=CONFLICT)
    check(os.path.exists(mark), "the journal has moved, whatever comes of the keys")
    os.replace(key + ".kept", key)
    os.remove(mark)
    wallet.run("restore", "accept")  # the way back
    wallet.run("transfer", "create", "--debit", bank, "--credit", shop, "--amount", "1.00")


def receivers(server, endpoint):
    """As each of two lanes has the endpoint, once the second one has followed."""
    def look(lane):
        found = call(server, "GET", f"/v1/webhook-endpoints/{endpoint}", None,
                     {"TPW-Lane": str(lane)})
        return found[2] if found[0] == 200 else None
    until(lambda: look(1), "lane 1 follows")
    return [look(lane) for lane in range(2)]


def several_lanes(database):
    """All of them or none: another number of lanes is refused before anything is changed."""
    database.psql("DROP SCHEMA tpwallet CASCADE")
    old, new, one = Wallet("lanes"), Wallet("lanes-new"), Wallet("one")
    old.run("init", "--lanes", "2")
    with serving(old, "--plain", "--anonymous") as server:
        for _ in range(8):
            old.run("account", "create", new_id(), "--kind", "liability")
        receiver = old.json("webhook", "endpoint", "create", "https://receiver.test/hooks")["id"]
        before = receivers(server, receiver)
    new.run("init", "--store", database.url, "--from", os.path.join(old.folder, "lanes", "1"),
            code=USAGE)
    new.run("init", "--store", database.url, "--from", old.folder)
    for name in ("log.key", os.path.join("lanes", "1", "log.key")):
        with open(os.path.join(old.folder, name), "rb") as left:
            with open(os.path.join(new.folder, name), "rb") as right:
                check(left.read() == right.read(), f"{name} comes along")
    lane = Wallet(os.path.join("lanes", "lanes", "1"))
    lane.run("restore", "accept", code=USAGE)  # one of them alone
    old.run("restore", "accept", code=CONFLICT)
    new.run("check")
    equal(str(database.psql("SELECT string_agg(lane::text, ',' ORDER BY lane) FROM "
                            "tpwallet.endpoint")).strip(), "0,1", "each lane's receivers")
    with serving(new, "--plain", "--anonymous") as server:
        new.run("init", "--store", database.url, "--from", old.folder)  # was done: nothing
        equal(receivers(server, receiver), before, "where each lane's deliveries begin")
    one.run("init")
    again = Wallet("one-new")
    again.run("init", "--store", database.url, "--from", one.folder, code=USAGE)
    one.run("asset", "create", "MILES", "0")  # it is as it was
    new.run("check")


def copied_out(wallet):
    """A backup of what is in the database, beside its server; accepted, it is a ledger."""
    copy = os.path.join(SCRATCH, "copy")
    with serving(wallet, "--plain", "--anonymous"):
        wallet.run("backup", copy)
        wallet.run("backup", copy)
    equal(wallet.run("check", "--data", copy, code=None).code, DONE, "the copy checks")
    back = Wallet("copy")
    equal(back.json("trial-balance")["rows"], wallet.json("trial-balance")["rows"], "books")
    back.run("restore", "accept")
    back.run("asset", "create", "MILES", "0")


def main():
    draw = random.Random(int(os.environ.get("SEED", "1")))
    with Postgres() as database:
        old = Wallet("old")
        bank, shop, ids = ledger_make(old)
        new = moved(database, old, bank, shop, ids)
        onto_another(database, old, new)
        copied_out(new)
        killed_and_given_again(database, draw)
        several_lanes(database)


if __name__ == "__main__":
    main()
