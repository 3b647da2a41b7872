"""Entries of a custody as somebody would forge them who knows its form and has a key, signed by OpenSSL."""
import base64
import hashlib
import os
import subprocess

from cli_harness import SCRATCH

PKCS8 = bytes.fromhex("302e020100300506032b657004220420")  # before the seed of an Ed25519 key
KEYS, PUBLIC = {}, {}


def key_make(wallet, name):
    KEYS[name] = os.path.join(SCRATCH, f"{name}.key")
    PUBLIC[name] = wallet.json("doctor", "key", KEYS[name], "--name", name)["key"]


def read(*steps):
    with open(os.path.join(*steps), "rb") as file:
        return file.read()


def write(data, *steps):
    with open(os.path.join(*steps), "wb") as file:
        file.write(data)


def entries(case):
    log, out = read(case, "custody.log"), []
    while log:
        end = log.index(b"\n") + 1
        size = end + int(log[:end])
        out.append(log[:size])
        log = log[size:]
    return out


def signed(text, who):
    seed = base64.b64decode(read(KEYS[who]).decode().strip().split("+", 4)[4])[1:]
    key, message = os.path.join(SCRATCH, "der"), os.path.join(SCRATCH, "message")
    write(PKCS8 + seed, key)
    write(text, message)
    return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", key,
                           "-in", message], check=True, capture_output=True).stdout


def enter(case, who, subject, data):
    """What `who` says of a subject, which may be anything, is in the custody; no file is."""
    before = entries(case)
    text = (f"tpwallet-custody-1\nnumber {len(before) + 1}\nat 2026-11-30T09:00:00.000000000Z\n"
            f"act noted\nsubject {subject}\ndigest {hashlib.sha256(data).hexdigest()}\n"
            f"previous {hashlib.sha256(before[-1]).hexdigest()}\nkey {PUBLIC[who]}\n")
    name, key_id, _ = PUBLIC[who].split("+", 2)
    signature = base64.b64encode(bytes.fromhex(key_id) + signed(text.encode(), who)).decode()
    note = f"{text}\n\u2014 {name} {signature}\n".encode()
    write(read(case, "custody.log") + b"%d\n" % len(note) + note, case, "custody.log")


def unfinished(case, who, subject, data):
    """The same, and the file waits to take its place."""
    enter(case, who, subject, data)
    write(data, case, "unfinished")


def put(case, who, name, data):
    """A file of the bundle, under custody: `doctor verify` finds nothing."""
    enter(case, who, name, data)
    write(data, case, name)
