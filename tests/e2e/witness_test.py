"""Goal: a ledger's checkpoints are cosigned by its witnesses and shown with the quorum; a receipt
verifies with it; a forked or rolled back ledger is refused by every witness that saw the other view,
and both sides say so; a witness that is killed or down cosigns no contradiction and comes back; a
witness answers what tlog-witness says to requests that are wrong.

Method: `tpwallet serve` with `tpwallet log witness` processes; the ledger's whole folder is copied
and served again with other entries, as somebody would who shows two views; witnesses are killed
with SIGKILL while checkpoints come; requests by hand.
"""
import base64
import os
import shutil

from api_harness import SCOPES, Client
from cli_harness import (CONFLICT, DAMAGED, DENIED, NOT_FOUND, REFUSED, USAGE, Wallet,
                         check, equal, file_of, new_id, sample, serving)
from log_harness import ORIGIN, Reader, make_payments, receipt
from witness_harness import Witness, cosigners, options_for, wait_for


def shown(server, size_min, names):
    """The checkpoint, once it has so many leaves and is cosigned by these."""
    def ready():
        size, checkpoint = Reader(server).checkpoint()
        good = size >= size_min and set(names) <= set(cosigners(checkpoint))
        return checkpoint if good else None
    return wait_for(f"a checkpoint of {size_min} leaves cosigned by {names}", ready)


def metric(client, name, witness):
    page = client.expect(200, "GET", "/metrics").body.decode()
    return sample(page, f'{name}{{witness="witness.example.com/{witness}"}}')


def events(server):
    with open(server.log, encoding="utf-8") as file:
        return [line for line in file if '"event":"log.witness' in line]


def cosigned_and_verified(wallet, options, key, witnesses):
    """The main way: a checkpoint, a receipt, and what does not verify."""
    keys = ",".join(witness.key for witness in witnesses)
    with serving(wallet, "--plain", "--anonymous", *options) as server:
        client = Client(server, None)
        payments, units = make_payments(client, 300)
        shown(server, units, ["witness.example.com/w1", "witness.example.com/w2"])
        with open(server.log, encoding="utf-8") as file:
            settings = [line for line in file if '"event":"serve.settings"' in line][-1]
        check("witness=" in settings and "http:" not in settings, "addresses may hold passwords")
        path = file_of("receipt.json", receipt(client, payments[1]).decode())
        told = wallet.json("receipt", "verify", path, "--key", key, "--witnesses", keys)
        equal(told["cosigned_by"], 2, "witnesses of a receipt")
        told = wallet.run("receipt", "verify", path, "--key", key, "--witnesses", keys,
                          "--quorum", 2)
        check("2 of 2 cosigned" in told.out, repr(told))
        stranger = Witness("stranger", key)
        wallet.run("receipt", "verify", path, "--key", key, "--quorum", 3, "--witnesses",
                   keys + "," + stranger.key, code=REFUSED)
        wallet.run("log", "verify")
        page = client.expect(200, "GET", "/metrics").body.decode()
        equal(sample(page, "tpwallet_log_quorum"), 2, "the quorum is a metric")
        wait_for("no witness is behind",
                 lambda: metric(client, "tpwallet_log_witness_behind", "w1") == 0)
    return units


def down_and_back(wallet, options, witness):
    """Without the quorum readers see what they saw; a witness killed at any time comes back."""
    with serving(wallet, "--plain", "--anonymous", *options) as server:
        client = Client(server, None)
        before = Reader(server).checkpoint()[0]
        witness.kill()
        _, units = make_payments(client, 50)
        wait_for("it is noticed", lambda: metric(client, "tpwallet_log_witness_state", "w2") == 2)
        wait_for("it is behind", lambda: metric(client, "tpwallet_log_witness_behind", "w2") > 0)
        size = Reader(server).checkpoint()[0]
        check(size < before + units, "of what came since, no more is seen than was cosigned before")
        payment = make_payments(client, 1)[0][0]
        equal(Reader(server).checkpoint()[0], size, "what readers see without the quorum")
        client.expect(503, "GET", f"/v1/payments/{payment}/receipt")
        check(any("log.witness_fails" in line for line in events(server)), "a line says so")
        for _ in range(8):  # killed while it is asked
            witness.start()
            size_shown, checkpoint = Reader(server).checkpoint()
            check(any("/w2" in name for name in cosigners(checkpoint)), "nothing is shown without")
            check(witness.size() >= size_shown, "it remembers what it cosigned")
            make_payments(client, 20)
            wait_for("it goes on", lambda before=witness.size(): witness.size() > before)
            witness.kill()
        witness.start()
        shown(server, size + 200, ["witness.example.com/w2"])
        receipt(client, payment)


def fork(wallet, options, witnesses):
    """A copy of the whole folder goes on otherwise: both views are signed, one is cosigned."""
    second = Wallet("second")
    shutil.copytree(wallet.folder, second.folder, ignore=shutil.ignore_patterns("socket"))
    with serving(wallet, "--plain", "--anonymous", *options) as server:
        _, units = make_payments(Client(server, None), 30)
        before = Reader(server).checkpoint()[0]
        shown(server, before + 1, ["witness.example.com/w1", "witness.example.com/w2"])
        wait_for("both have all", lambda: len({w.size() for w in witnesses}) == 1)
    seen = witnesses[0].size()
    for transfers, why in ((5, "a longer log"), (units + 100, "inconsistent")):
        with serving(second, "--plain", "--anonymous") as server:
            signed = Reader(server).checkpoint()[0]
            make_payments(Client(server, None), transfers)
            Reader(server).checkpoint(signed + transfers)
        with serving(second, "--plain", "--anonymous", *options) as server:
            client = Client(server, None)
            payment = make_payments(client, 1)[0][0]
            wait_for(f"both witnesses refuse: {why}", lambda: sum(
                "log.witness_contradicts" in line and why in line for line in events(server)) >= 2)
            wait_for("the metric to tell",
                     lambda: metric(client, "tpwallet_log_witness_state", "w1") == 4)
            client.expect(503, "GET", f"/v1/payments/{payment}/receipt")
            equal(cosigners(Reader(server).checkpoint()[1]), [], "nobody cosigned the second view")
    for witness in witnesses:
        equal(witness.size(), seen, "what the witness cosigned last")
        check(any(line["event"] == "witness.inconsistent" for line in witness.lines()),
              "the witness says so")


def by_hand(wallet, witness):
    """Requests that are wrong, and what the specification answers."""
    checkpoint = wallet.run("log", "checkpoint").out.encode()
    size = int(checkpoint.split(b"\n")[1])
    equal(witness.size(), size, "it has cosigned what is shown")
    status, kind, body = witness.post(b"old %d\n\n" % size + checkpoint)
    equal((status, kind), (200, "text/plain; charset=utf-8"), "the same checkpoint again")
    check(body.startswith("\u2014 witness.example.com/".encode()), repr(body))
    status, kind, body = witness.post(b"old 0\n\n" + checkpoint)
    equal((status, kind, body), (409, "text/x.tlog.size", b"%d\n" % size), "another size")
    equal(witness.post(b"old %d\n\n" % (size + 1) + checkpoint)[0], 400, "backwards")
    hash_line = base64.b64encode(bytes(32)) + b"\n"
    equal(witness.post(b"old %d\n" % size + hash_line + b"\n" + checkpoint)[0], 422, "a proof")
    equal(witness.post(b"old %d\n" % size + checkpoint)[0], 400, "no empty line")
    equal(witness.post(b"")[0], 400, "nothing")
    status, _, body = witness.post(b"old x\n\n" + checkpoint)
    equal((status, body), (400, b"this is not an add-checkpoint request: the old size is no "
                                b"number\n"), "the reason")
    equal(witness.post(b"old %d\n\n" % size + checkpoint.replace(b"ledger.", b"other."))[0], 404,
          "another origin")
    unsigned = checkpoint.split(b"\n\n")[0] + b"\n\n" + "\u2014 a AAAAAAAA\n".encode()
    equal(witness.post(b"old %d\n\n" % size + unsigned)[0], 403, "not signed")
    lines = checkpoint.split(b"\n")
    doctored = b"\n".join([lines[0], b"%d" % (size + 1), *lines[2:]])
    equal(witness.post(b"old %d\n\n" % size + doctored)[0], 403, "a signature that is wrong")
    equal(witness.post(b"x" * (70 << 10))[0], 413, "a body that is too large")
    equal(witness.post(None, method="GET")[0], 405, "not a POST")
    equal(witness.post(None, "/", "GET")[0], 404, "nothing there")
    equal(witness.post(None, "/livez", "GET")[2], b"ok\n", "the probe")
    equal(witness.size(), size, "nothing of it was taken")


def folders(wallet, witness, key):
    """What a folder must be."""
    folder = witness.wallet.folder
    equal(os.stat(os.path.join(folder, "witness.key")).st_mode & 0o777, 0o600, "mode of the key")
    equal(witness.wallet.json("log", "witness", "key")["key"], witness.key, "the key again")
    witness.wallet.run("log", "witness", "init", "other", code=CONFLICT)
    witness.wallet.run("log", "witness", "--plain", "--log", key, code=CONFLICT)  # it runs
    wallet.run("log", "witness", "--plain", "--log", key, code=USAGE)  # a ledger's folder
    none = Wallet("none")
    none.run("log", "witness", "--plain", "--log", key, code=NOT_FOUND)
    none.run("log", "witness", "--log", key, code=USAGE)
    none.run("log", "witness", "--plain", code=USAGE)
    none.run("log", "witness", "--plain", "--log", witness.key, code=USAGE)  # not a log's
    none.run("log", "witness", "init", "a name", code=USAGE)
    witness.stop()
    os.chmod(os.path.join(folder, "witness.key"), 0o640)
    witness.wallet.run("log", "witness", "--plain", "--log", key, code=DENIED)
    os.chmod(os.path.join(folder, "witness.key"), 0o600)
    logs = os.path.join(folder, "logs")
    path = os.path.join(logs, next(name for name in os.listdir(logs) if name != "new"))
    with open(path, "r+b") as file:
        text = file.read()
        check(text.startswith(ORIGIN.encode()), "what was cosigned is a note to read")
        file.seek(40)
        file.write(bytes([text[40] ^ 1]))
    witness.wallet.run("log", "witness", "--plain", "--log", key, code=DAMAGED)
    shutil.rmtree(logs)
    witness.wallet.run("log", "witness", "--plain", "--log", key, code=NOT_FOUND)


def wrong_options(wallet, witness, key):
    for words in (("--witness", "nothing"), ("--witness", f"{key}=http://127.0.0.1:1"),
                  ("--witness", f"{witness.key}=ftp://127.0.0.1"), ("--witness-quorum", 1),
                  ("--witness", f"{witness.key}=http://a,{witness.key}=http://b"),
                  ("--witness", f"{witness.key}=http://a", "--witness-quorum", 2),
                  ("--witness", f"{witness.key}=http://a", "--no-log"),
                  ("--witness-file", file_of("bad", "nothing\n"))):
        wallet.run("serve", "--plain", "--anonymous", *words, code=USAGE)


def main():
    wallet = Wallet("ledger")
    wallet.run("init")
    wallet.run("key", "create", "test", "--scopes", SCOPES)
    with serving(wallet, "--plain", "--anonymous", "--log-origin", ORIGIN) as server:
        Client(server, None).expect(200, "POST", "/v1/accounts", [
            {"id": new_id(), "asset": "EUR", "kind": "equity"}])
        older = Reader(server).checkpoint()[0]
    key = wallet.run("log", "key").out.strip()
    witnesses = [Witness(name, key).start() for name in ("w1", "w2")]
    options = options_for(witnesses, 2)
    wrong_options(wallet, witnesses[0], key)
    units = cosigned_and_verified(wallet, options, key, witnesses)
    check(units > older, "the log has grown")
    by_hand(wallet, witnesses[0])
    down_and_back(wallet, options, witnesses[1])
    fork(wallet, options, witnesses)
    listed = file_of("witnesses", "# two of ours\n" + "".join(
        f"{witness.key} {witness.url}/\n" for witness in witnesses))
    with serving(wallet, "--plain", "--anonymous", "--witness-file", listed,
                 "--witness-private") as server:
        make_payments(Client(server, None), 10)
        shown(server, Reader(server).checkpoint()[0] + 1,
              ["witness.example.com/w1", "witness.example.com/w2"])
    folders(wallet, witnesses[0], key)
    witnesses[1].stop()


main()
