"""Goal: whoever can write a journal's file cannot make the commands that read it do more than refuse.

Method: the newest batch of a ledger is changed in its SQLite file, and every check and hash of it made
anew, as somebody would who knows the form: an asset with a number far away, and one whose code does not
end. Collecting its evidence and comparing it with a statement must call it damaged.
"""
import ctypes
import hashlib
import os
import shutil
import sqlite3
import struct
import sys

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "e2e"))
# pylint: disable=wrong-import-position
from cli_harness import DAMAGED, DONE, SCRATCH, Wallet, check, equal, file_of, new_id

XXH3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
XXH3.restype = ctypes.c_uint64
XXH3.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
MARK_LANE, MARK_BATCH = 2, 3
CODE_AT, ID_AT, CHECK_AT, ASSET_SIZE = 21, 16, 12, 48  # of a record about an asset
HEAD_SIZE = 120


def xxh3(data):
    return XXH3(data, len(data))


def mark(kind, numbers, digest):
    value = xxh3(struct.pack("<%dQ" % (len(numbers) + 1), kind, *numbers) + digest)
    return value - (1 << 64) if value >> 63 else value


def head_forge(folder, before, after):
    """The file beside the journal that has the newest batch's hash: blocks with a check at their end."""
    path = os.path.join(folder, "head")
    with open(path, "rb") as file:
        data = bytearray(file.read())
    for at in range(0, len(data), 4096):
        block = bytes(data[at:at + HEAD_SIZE])
        equal(struct.unpack("<Q", data[at + HEAD_SIZE:at + HEAD_SIZE + 8]), (xxh3(block),), "a check")
        block = block.replace(before, after)
        data[at:at + HEAD_SIZE + 8] = block + struct.pack("<Q", xxh3(block))
    check(before == after or after in data, "the head has the hash")
    with open(path, "wb") as file:
        file.write(data)


def forged(wallet, name, change):
    """A copy whose asset is as `change` makes it of the record's bytes."""
    copy = Wallet(name)
    shutil.copytree(wallet.folder, copy.folder, ignore=shutil.ignore_patterns("socket", "lock"))
    with sqlite3.connect(os.path.join(copy.folder, "journal.db")) as db:
        sequence, stamp, size, data, before = db.execute(
            "SELECT sequence, stamp, size, data, hash FROM batch ORDER BY sequence DESC LIMIT 1").fetchone()
        at = data.index(b"POINTS\0") - CODE_AT
        record = bytearray(change(data[at:at + ASSET_SIZE]))
        record[CHECK_AT:CHECK_AT + 4] = bytes(4)
        record[CHECK_AT:CHECK_AT + 4] = struct.pack("<Q", xxh3(bytes(record)))[:4]
        data = data[:at] + bytes(record) + data[at + ASSET_SIZE:]
        digest = hashlib.sha256(data).digest()
        db.execute("UPDATE batch SET data=?, hash=?, mark=? WHERE sequence=?",
                   (data, digest, mark(MARK_BATCH, (sequence, stamp, size), digest), sequence))
        epoch, = db.execute("SELECT epoch FROM lane").fetchone()
        db.execute("UPDATE lane SET hash=?, mark=?",
                   (digest, mark(MARK_LANE, (epoch, sequence, stamp), digest)))
    head_forge(copy.folder, before, digest)
    return copy


def collect(wallet, name, key, code):
    return wallet.run("doctor", "collect", os.path.join(SCRATCH, name), "--key", key, "--incident",
                      "7F3A", "--ours", code=code)


def main():
    wallet = Wallet("wallet")
    wallet.run("init")
    account = new_id()
    wallet.run("account", "create", account, "--kind", "equity")
    wallet.run("asset", "create", "POINTS", "2")
    key = os.path.join(SCRATCH, "anna.key")
    wallet.run("doctor", "key", key, "--name", "anna")
    statement = file_of("statement.csv", "id,amount,date\nx,1.00,2026-01-02\n")
    columns = file_of("columns.map", "key = id\namount = amount\ncurrency == EUR\ndate = date\n")
    compare = ("reconcile", "--statement", statement, "--mapping", columns, "--account", account)

    same = forged(wallet, "same", lambda record: record)
    collect(same, "sound", key, DONE)
    before = same.run(*compare, code=None)
    check(before.code != DAMAGED, f"{before!r}")
    far = [struct.pack("<I", number) for number in (0xF0000000, 9999, 0)]
    changes = [lambda record, id=id: record[:ID_AT] + id + record[ID_AT + 4:] for id in far]
    changes.append(lambda record: record[:CODE_AT] + b"A" * 13 + record[CODE_AT + 13:])
    for number, change in enumerate(changes):
        copy = forged(wallet, f"forged-{number}", change)
        collect(copy, f"case-{number}", key, DAMAGED)
        said = copy.run(*compare, code=DAMAGED)
        check("of the journal has an asset that cannot be" in said.err, f"{said!r}")


if __name__ == "__main__":
    main()
