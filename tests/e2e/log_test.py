"""Goal: the log is served as tlog-tiles has it, to anybody; a receipt and a proof of a unit or of
growth verify offline and nothing changed in them does; a restart goes on; a lost log/ comes back byte for byte; a journal doctored in a
copy is caught, with the place and the payments; an old backup is caught by a kept checkpoint.

Method: `tpwallet serve` with payments; its log downloaded; the folder copied, and a byte of the
journal changed in the copy.
"""
import json
import os
import shutil
import sqlite3

from api_harness import Client
from cli_harness import (CONFLICT, DAMAGED, DENIED, NOT_FOUND, REFUSED, SCRATCH, USAGE, Wallet,
                         check, equal, file_of, serving)
from log_harness import ORIGIN, Reader, download, logged_ledger, make_payments, receipt

TRANSFERS = 700


def content(folder):
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            full = os.path.join(path, name)
            with open(full, "rb") as file:
                found[os.path.relpath(full, folder)] = file.read()
    return found


def served_files(reader, folder, units):
    size = download(reader, folder, units)
    check(size >= units, "all that was answered is in the log")
    answer = reader.get("/log/checkpoint")
    equal(answer.headers["cache-control"], "no-cache", "a checkpoint may change")
    check(answer.headers["content-type"].startswith("text/plain"), "a checkpoint is text")
    check(answer.body.startswith(ORIGIN.encode() + b"\n"), "the origin comes first")
    answer = reader.get("/log/tile/0/000")
    check("immutable" in answer.headers["cache-control"], "a tile never changes")
    equal(len(answer.body), 256 * 32, "a whole tile")
    equal(reader.get("/log/tile/0/001.p/7").body, reader.get("/log/tile/0/001").body[:7 * 32],
          "a partial tile is the beginning of what it grew into")
    for bad in ("0/0", "0/000.p/256", "0/000.p/0", "9/000", "0/x000/000", "entries/999",
                "0/000/", "../log.key", "%2e%2e/%2e%2e/log.key"):
        reader.get("/log/tile/" + bad, status=404)
    return size


def receipts(wallet, client, payments, key):
    body = receipt(client, payments[0])
    path = file_of("receipt.json", body.decode())
    told = wallet.run("receipt", "verify", path, "--key", key)
    check(payments[0] in told.out and "not proven" in told.out, repr(told))
    told = wallet.json("receipt", "verify", path, "--key", key)
    equal((told["payment"], told["amount_minor"], told["state"]),
          (payments[0], "250", "succeeded"), "what is proven")
    other = "ledger.example.com/0+5c9d9f2c+AaSKmZR1Dh9ai7q/XLXoK2QCe1zC3hJLDGYWZdN/CuoV"
    wallet.run("receipt", "verify", path, "--key", other, code=USAGE)  # its id is not its own
    wallet.run("receipt", "verify", path, code=USAGE)
    doctored = json.loads(body)
    doctored["payment"]["amount_minor"] = "25000"
    path = file_of("doctored.json", json.dumps(doctored, separators=(",", ":")))
    wallet.run("receipt", "verify", path, "--key", key, code=REFUSED)
    wallet.run("receipt", "verify", os.path.join(SCRATCH, "none"), "--key", key, code=NOT_FOUND)
    return body


def proofs(wallet, key, payment, kept, units):
    """Of a unit by its place in a story, of a leaf by its index, and of growth from what was kept."""
    rested = int(wallet.run("log", "checkpoint").out.split("\n")[1])
    with serving(wallet, "--plain", "--anonymous") as server:
        Reader(server).checkpoint(rested + 1)  # this start is a unit, too, and the last one
        position = wallet.json("story", payment)["units"][0]["position"]
        size = int(wallet.run("log", "checkpoint").out.split("\n")[1])
        path = file_of("proof", wallet.run("log", "prove", "--at", position).out)
        told = wallet.json("log", "prove", "verify", path, "--key", key)
        equal(f"{told['batch']}-{told['unit']}", position, "the place of a unit")
        equal(wallet.json("log", "prove", "--leaf", told["index"])["proof"],
              wallet.run("log", "prove", "--at", position).out, "by index and by place")
        old = int(open(kept, encoding="utf-8").read().split("\n")[1])
        growth = file_of("growth", wallet.run("log", "prove", "--from-size", old).out)
        wallet.run("log", "prove", "--leaf", size, code=NOT_FOUND)
        wallet.run("log", "prove", "--at", "999999-0", code=NOT_FOUND)
        wallet.run("log", "prove", "--at", "7", code=USAGE)
        wallet.run("log", "prove", code=USAGE)
        wallet.run("log", "prove", "--leaf", 0, "--from-size", 1, code=USAGE)
    check(size > old > units - 10, "the log has grown since")
    told = wallet.run("log", "prove", "verify", growth, "--key", key, "--checkpoint", kept)
    check(f"the first {old} leaves are as they were" in told.out, repr(told))
    wallet.run("log", "prove", "verify", growth, "--key", key, code=REFUSED)
    wallet.run("log", "prove", "verify", growth, "--key", key, "--checkpoint", growth,
               code=REFUSED)
    for path in (path, growth):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        doctored = file_of("doctored.proof", text.replace(f"\n{size}\n", f"\n{size + 1}\n"))
        wallet.run("log", "prove", "verify", doctored, "--key", key, "--checkpoint", kept,
                   code=REFUSED)


def copy_of(wallet, name):
    copy = Wallet(name)
    shutil.copytree(wallet.folder, copy.folder, ignore=shutil.ignore_patterns("socket"))
    return copy


def journal_doctored(wallet, payments):
    """A byte of the batch that holds the first payment, with the stored hash put right."""
    copy = copy_of(wallet, "doctored")
    path = os.path.join(copy.folder, "journal.db")
    database = sqlite3.connect(path)
    table = [row[0] for row in database.execute(
        "SELECT name FROM sqlite_master WHERE type='table'") if "batch" in row[0]][0]
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    blob = next(name for name in columns if name in ("data", "blob", "body"))
    rows = database.execute(f"SELECT rowid, {blob} FROM {table} ORDER BY rowid").fetchall()
    wanted = bytes.fromhex(payments[0].replace("-", ""))[::-1]
    number, data = next((number, data) for number, data in rows if wanted in data)
    at = data.index(wanted) + 20
    changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
    database.execute(f"UPDATE {table} SET {blob}=? WHERE rowid=?", (changed, number))
    database.commit()
    database.close()
    copy.run("check", code=DAMAGED)
    told = copy.json("log", "verify", code=DAMAGED)
    equal(told["verdict"], "journal_damaged", "the verdict")
    check(told["exact"] and told["trusted_leaves"] > 0, f"from where on: {told}")
    equal(told["from"], f"{number}-0", "the place")


def main():
    folder = os.path.join(SCRATCH, "served")
    kept = os.path.join(SCRATCH, "kept")
    with logged_ledger("ledger", TRANSFERS) as (server, client, payments, units):
        wallet = server.wallet
        wallet.run("log", "verify")
        key = wallet.run("log", "key").out.strip()
        check(key.startswith(ORIGIN + "+"), key)
        equal(wallet.json("log", "key")["key"], key, "the key as JSON")
        served_files(Reader(server), folder, units)
        body = receipts(wallet, client, payments, key)
        older = wallet.run("log", "checkpoint").out
    equal(os.stat(os.path.join(wallet.folder, "log.key")).st_mode & 0o777, 0o600, "mode of the key")
    told = wallet.json("log", "verify")
    equal((told["verdict"], told["files_missing"], told["files_wrong"]), ("sound", 0, 0), "verify")
    wallet.run("check")
    old = copy_of(wallet, "old")

    before = content(os.path.join(wallet.folder, "log"))
    shutil.rmtree(os.path.join(wallet.folder, "log"))
    with serving(wallet, "--plain", "--anonymous") as server:
        Reader(server).checkpoint(units + 1)  # this start is a unit, too
    again = content(os.path.join(wallet.folder, "log"))
    for name in ("hashes-0", "hashes-1", "entries", "entries-places"):  # whole tiles, end to end
        check(name == "hashes-1" or before[name], f"{name} has whole tiles")
        check(again[name].startswith(before[name]), f"{name} of a log made again")
    wallet.run("log", "verify", "--checkpoint", file_of("older", older))
    with serving(wallet, "--plain", "--anonymous") as server:
        make_payments(Client(server, None), 300)
        Reader(server).checkpoint(units + 307)
    newer = file_of("newer", wallet.run("log", "checkpoint").out)
    kept = file_of("kept", older)
    for checkpoint in (kept, newer):
        wallet.run("log", "verify", "--checkpoint", checkpoint)
    wallet.run("receipt", "verify", file_of("old.json", body.decode()), "--key", key)
    proofs(wallet, key, payments[0], kept, units)

    old.run("log", "verify", "--checkpoint", kept)
    told = old.json("log", "verify", "--checkpoint", newer, code=DAMAGED)
    equal(told["verdict"], "contradicted", "an old backup, and a newer checkpoint")
    old.run("log", "verify", "--checkpoint", file_of("none", "nothing\n"), code=USAGE)
    journal_doctored(old, payments)
    wallet.run("serve", "--plain", "--log-origin", "another.example.com", code=CONFLICT)
    os.chmod(os.path.join(wallet.folder, "log.key"), 0o644)
    wallet.run("log", "key", code=DENIED)
    os.remove(os.path.join(wallet.folder, "log.key"))
    wallet.run("serve", "--plain", code=CONFLICT)  # it has signed: no new key in silence
    with serving(wallet, "--plain", "--anonymous", "--no-log") as server:
        Reader(server).get("/log/checkpoint", status=404)


main()
