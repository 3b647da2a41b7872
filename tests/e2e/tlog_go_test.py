"""Goal: what our log writes, the Go reference accepts, and what it writes, we accept; and a byte
changed on the way is refused by both. It reads the log of a running server, and a receipt's proof,
without and with the cosignature of a witness.

Method: tests/e2e/tlog_peer.c and tests/e2e/tlog_go/main.go each make a log on disk that grows
through sizes at which tiles fill (keys, tiles, bundles, cosigned checkpoints, proofs) and check
the other's: golang.org/x/mod/sumdb/note and tlog, transparency-dev/formats and merkle, all
pinned in go.mod and go.sum. Then one byte of each kind of file is changed, one at a time.
Skipped without a Go that is new enough, or where its modules cannot be had.
"""
import os
import random
import shutil
import subprocess
import sys

from api_harness import Client
from cli_harness import SCRATCH, SOURCE, check, serving
from log_harness import Reader, download, logged_ledger, make_payments, proof_of, receipt
from witness_harness import Witness, cosigners, options_for, wait_for

HERE = os.path.join(SOURCE, "tests", "e2e", "tlog_go")
PEER = os.path.join(os.environ["TPWALLET_BUILD"], "tests", "tests_e2e_tlog_peer")
GO_PEER = os.path.join(SCRATCH, "tlog_go")
BYTES_EACH = 3
SIZES = ["1", "2", "255", "256", "257", "70000"]


def skip(why):
    print(f"SKIPPED: no comparison with the Go reference: {why}")
    sys.exit(77)


def go(*words):
    settings = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
    return subprocess.run(["go", *words], cwd=HERE, env={**os.environ, **settings},
                          capture_output=True, text=True, check=False)


def build():
    if shutil.which("go") is None:
        skip("go is not installed")
    with open(os.path.join(HERE, "go.mod"), encoding="ascii") as file:
        wanted = next(line.split()[1] for line in file if line.startswith("go "))
    have = go("env", "GOVERSION").stdout.strip().removeprefix("go")
    numbers = [int("".join(c for c in part if c.isdigit()) or 0) for part in have.split(".")[:2]]
    if numbers < [int(part) for part in wanted.split(".")[:2]]:
        skip(f"go is {have or 'of no known version'}, not {wanted} or newer")
    modules = go("mod", "download")
    if modules.returncode != 0:
        skip("its modules cannot be had: " + modules.stderr.strip().split("\n")[-1])
    done = go("build", "-o", GO_PEER, ".")
    check(done.returncode == 0, "the Go side builds: " + done.stderr)


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False)


def passes(program, folder):
    return run(program, "check", folder).returncode == 0


def kinds(folder):
    """One file of each kind that a byte can be changed in: the newest, by its largest size."""
    names = os.listdir(folder)
    yield from (f"{kind}.vkey" for kind in ("log", "witness"))
    yield "checkpoint.70000"
    yield next(name for name in names if name.startswith("proof.") and name.endswith(".70000"))
    yield "consistency.257.70000"
    yield "tile/0/000"
    yield "tile/0/273.p/112"
    yield "tile/1/000"
    yield "tile/2/000.p/1"
    yield "tile/entries/000"
    yield "tile/entries/273.p/112"


def places(name, data):
    """Bytes that both sides must look at: Go takes base64 with other spare bits."""
    extra_begin = data.find(b"\nextra ")
    extra_end = data.find(b"\n", extra_begin + 1) if extra_begin >= 0 else -1
    for at in range(len(data)):
        spare = not name.startswith("tile") and (data[at:at + 1] == b"=" or
                                                 data[at + 1:at + 2] == b"=")
        signed_by_nobody = extra_begin <= at <= extra_end
        if not spare and not signed_by_nobody:
            yield at


def changed_bytes_are_refused(folder, chance):
    for name in kinds(folder):
        path = os.path.join(folder, name)
        with open(path, "rb") as file:
            data = file.read()
        for at in chance.sample(list(places(name, data)), BYTES_EACH):
            doctored = bytearray(data)
            doctored[at] ^= 1
            with open(path, "wb") as file:
                file.write(doctored)
            # Of a cosigner's key Go makes the id anew and does not compare it.
            for program in (PEER,) if name == "witness.vkey" else (PEER, GO_PEER):
                check(not passes(program, folder),
                      f"{os.path.basename(program)} refuses byte {at} of {name}")
        with open(path, "wb") as file:
            file.write(data)


def files_write(folder, **files):
    for name, data in files.items():
        with open(os.path.join(folder, name.replace("_", ".")), "wb") as file:
            file.write(data)


def served_is_accepted_and_changed_is_not(folder, names):
    """Names of files and the byte of each that is changed."""
    done = run(GO_PEER, "served", folder)
    check(done.returncode == 0, f"the Go reference reads a served log: {done.stderr}")
    print(done.stdout.strip())
    for name, at in names:
        path = os.path.join(folder, name)
        with open(path, "r+b") as file:
            data = bytearray(file.read())
            data[at] ^= 1
            file.seek(0)
            file.write(data)
        check(run(GO_PEER, "served", folder).returncode != 0, f"it refuses a changed {name}")
        with open(path, "wb") as file:
            data[at] ^= 1
            file.write(data)


def served_log_is_read():
    """Its own reader, over what `tpwallet serve` gives out; then with a byte changed."""
    folder = os.path.join(SCRATCH, "served")
    with logged_ledger("ledger", 700) as (server, client, payments, units):
        proof = proof_of(receipt(client, payments[0]))
        download(Reader(server), folder, units)
        key = server.wallet.run("log", "key").out.strip()
    files_write(folder, log_vkey=key.encode(), proof=proof)
    served_is_accepted_and_changed_is_not(folder, [
        ("checkpoint", 30), ("proof", 30), ("tile/0/000", 30), ("tile/entries/000", 30)])
    return server.wallet, key


def cosigned_log_is_read(wallet, key):
    """The same, cosigned: the last 30 bytes of checkpoint and proof are the cosignature's."""
    folder = os.path.join(SCRATCH, "cosigned")
    witness = Witness("w1", key).start()
    with serving(wallet, "--plain", "--anonymous", *options_for([witness], 1)) as server:
        before = Reader(server).checkpoint()[0]
        payment = make_payments(Client(server, None), 300)[0][1]
        proof = proof_of(receipt(Client(server, None), payment))
        wait_for("a cosigned checkpoint", lambda: cosigners(Reader(server).checkpoint(before + 1)[1]))
        download(Reader(server), folder, before + 1)
    witness.stop()
    files_write(folder, log_vkey=key.encode(), witness_vkey=witness.key.encode(), proof=proof)
    served_is_accepted_and_changed_is_not(folder, [("checkpoint", -30), ("proof", -30)])


def main():
    build()
    cosigned_log_is_read(*served_log_is_read())
    for maker in (PEER, GO_PEER):
        folder = os.path.join(SCRATCH, os.path.basename(maker) + ".log")
        made = run(maker, "make", folder, *SIZES)
        check(made.returncode == 0, f"{maker} makes a log: {made.stderr}")
        for program in (PEER, GO_PEER):
            done = run(program, "check", folder)
            check(done.returncode == 0, f"{program} accepts the log of {maker}: {done.stderr}")
            print(done.stdout.strip())
        changed_bytes_are_refused(folder, random.Random(4))
        for program in (PEER, GO_PEER):
            check(passes(program, folder), "unchanged again, it is accepted again")


main()
