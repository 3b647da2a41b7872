"""Goal: a backup made while money moves is a whole ledger of one moment, and becomes one again.

Method: backups beside a server under load, brought up to date, checked, restored, accepted;
archived batches are read as before; what must be refused is.
"""
import json
import os
import shutil
import threading

from cli_harness import (CONFLICT, DENIED, NOT_FOUND, SCRATCH, USAGE, Wallet, check, equal, new_id,
                         serving)


def load_run(server, accounts, stop, acknowledged):
    connection = server.connection()
    while not stop.is_set():
        items = [{"id": new_id(), "debit": accounts[0], "credit": accounts[1], "asset": "EUR",
                  "amount": "0.01"} for _ in range(50)]
        connection.request("POST", "/v1/transfers", json.dumps(items),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        equal(answer.status, 200, f"the load's answer: {body}")
        acknowledged.append(len(items))
    connection.close()


def cents(wallet, account):
    return int(wallet.json("balance", account)["balance"]["net"].replace(".", ""))


def backups_beside_a_server(wallet, copy, accounts):
    stop, acknowledged = threading.Event(), []
    with serving(wallet, "--plain", "--anonymous") as server:
        load = threading.Thread(target=load_run, args=(server, accounts, stop, acknowledged))
        load.start()
        try:
            while len(acknowledged) < 20:
                check(load.is_alive(), "the load goes on")
            before = sum(acknowledged)
            first = wallet.json("backup", copy.folder)
            check(first["batches"] > 0, f"batches were copied: {first}")
            check(set(first["left_out"]) >= {"log.key", "log.head"}, f"what was not: {first}")
            while sum(acknowledged) < before + 500:
                check(load.is_alive(), "the load goes on")
            middle = sum(acknowledged)
            second = wallet.json("backup", copy.folder)
            check(second["head"] > first["head"], "the second one is newer")
            check(second["batches"] <= second["head"] - first["head"], "and copied only the rest")
        finally:
            stop.set()
            load.join()
    whole = sum(acknowledged)
    copied = cents(copy, accounts[1])
    check(middle <= copied <= whole, f"{middle} <= {copied} <= {whole}: what was acknowledged "
                                     "when it began is in the backup")
    copy.run("check")
    copy.check_totals()
    equal(cents(wallet, accounts[1]), whole, "the source has everything")
    return copied


def a_backup_is_not_written(copy, accounts):
    copy.run("transfer", "create", "--debit", accounts[0], "--credit", accounts[1], "--amount", "1",
             code=DENIED)
    copy.run("serve", "--plain", "--anonymous", "--listen", "127.0.0.1:0", code=DENIED)


def a_restored_ledger_goes_on(copy, restored, accounts, copied):
    made = restored.json("restore", copy.folder)
    check(made["head"] > 0 and made["left_out"] == [], f"restored: {made}")
    restored.run("restore", copy.folder, code=CONFLICT)
    equal(cents(restored, accounts[1]), copied, "the balance of the backup")
    a_backup_is_not_written(restored, accounts)
    restored.run("restore", "accept")
    restored.run("transfer", "create", "--debit", accounts[0], "--credit", accounts[1], "--amount",
                 "1.00")
    equal(cents(restored, accounts[1]), copied + 100, "it is written from here on")
    restored.run("check")
    restored.run("backup", copy.folder)  # the same past, and more


def archived_batches_are_read_as_before(wallet, accounts):
    before = wallet.json("transfer", "list", "--limit", 5)["items"]
    with serving(wallet, "--plain", "--anonymous"):
        wallet.run("archive", code=CONFLICT)
    moved = wallet.json("archive", "--keep-batches", 1)
    segments = os.listdir(os.path.join(wallet.folder, "archive"))
    equal(len(segments), moved["segments"], "segments in the folder")
    check(moved["batches"] > 0, f"batches were moved: {moved}")
    equal(wallet.json("transfer", "list", "--limit", 5)["items"], before, "the oldest transfers")
    wallet.run("check")
    again = Wallet("of-archived")
    wallet.run("backup", again.folder)
    again.run("check")
    equal(cents(again, accounts[1]), cents(wallet, accounts[1]), "a backup of an archived ledger")
    shutil.move(os.path.join(wallet.folder, "archive", segments[0]), SCRATCH)
    missing = wallet.run("transfer", "show", before[0]["id"], code=None)
    check(missing.code != 0, f"without its segment a transfer is not shown: {missing!r}")
    shutil.move(os.path.join(SCRATCH, segments[0]), os.path.join(wallet.folder, "archive"))
    wallet.run("transfer", "show", before[0]["id"])


def what_is_no_backup(wallet, copy):
    other = Wallet("stranger")
    other.run("init")
    other.run("account", "create")
    wallet.run("backup", other.folder, code=CONFLICT)
    wallet.run("backup", copy.folder, code=CONFLICT)  # it went on with the restored one
    other.run("backup", copy.folder, code=CONFLICT)
    nowhere = Wallet("nowhere")
    nowhere.run("backup", os.path.join(SCRATCH, "x"), code=NOT_FOUND)
    nowhere.run("restore", os.path.join(SCRATCH, "y"), code=NOT_FOUND)
    wallet.run("backup", code=USAGE)
    what_is_said_of_it(wallet, other, nowhere)


def what_is_said_of_it(wallet, other, nowhere):
    """What, the facts, and what to do: of each that a person can get wrong."""
    file = os.path.join(SCRATCH, "a-file")
    with open(file, "w", encoding="ascii") as made:
        made.write("x")
    again = os.path.join(SCRATCH, "by-another-name")
    os.symlink(wallet.folder, again)
    cases = [
        (wallet.run("backup", wallet.folder, code=CONFLICT), "is the ledger itself"),
        (wallet.run("backup", again, code=CONFLICT), "is the ledger itself"),
        (wallet.run("backup", other.folder, code=CONFLICT), "a journal of its own"),
        (wallet.run("backup", file, code=USAGE), "is a file"),
        (nowhere.run("backup", os.path.join(SCRATCH, "x"), code=NOT_FOUND), "there is no folder"),
        (nowhere.run("init", "--from", wallet.folder, code=USAGE), "wants --store"),
        (nowhere.run("init", "--psp", "sandbox", code=USAGE), "wants --asset"),
        (nowhere.run("init", "--store", "postgres://x@127.0.0.1:1/x", "--from", file + "-2",
                     code=NOT_FOUND), "there is no folder"),
    ]
    for told, what in cases:
        lines = told.err.splitlines()
        said = what in lines[0] and [line.split(":")[0].strip() for line in lines[1:]]
        equal(said, ["detail", "hint"], f"what is said: {told!r}")


ledger, backup, back = Wallet("ledger"), Wallet("backup"), Wallet("back")
ledger.run("init")
pair = [ledger.json("account", "create", "--kind", "equity")["id"] for _ in range(2)]
amount = backups_beside_a_server(ledger, backup, pair)
a_backup_is_not_written(backup, pair)
a_restored_ledger_goes_on(backup, back, pair, amount)
what_is_no_backup(ledger, backup)
archived_batches_are_read_as_before(ledger, pair)
