"""Goal: a bundle holds what the wallet, its PSP, its logs and its certificates say, under a custody
that tells of every change; no card number and no secret is in it; outsiders get a derivative.

Method: a served wallet takes real payments; its ledger, the sandbox's statement, logs with planted
secrets, a certificate and a TLS endpoint of our own are collected. Every file is then changed,
added, taken away in turn, the custody cut, mixed and signed by others: `doctor verify` must name it.
"""
import fcntl
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "e2e"))
# pylint: disable=wrong-import-position
from cli_harness import (CONFLICT, DAMAGED, DENIED, DONE, NOT_FOUND, REFUSED, SCRATCH, TPWALLET, USAGE,
                         Server, Wallet, check, equal, file_of)
from payments_harness import account, all_rest, pay_in, paying, rested, settle

OBJECT_MAP = file_of("object.map", """id = id
key = object
kind = kind
currency = asset
amount = gross
fee = fee
date = at
negative_kinds = refund, pay_out, chargeback
""")
WHOLE = ("--from", "1970-01-01T00:00:01Z", "--to", "2100-01-01T00:00:00Z")
NANOS = ".000000000Z"
PAN = "4111111111111111"
SECRETS = ("hunter2", "tpw_" + "0123456789abcdef" * 4, "MIIEvQIBADAN", "sk_live_abcdefghijklmn")
LOG = (f'{{"ts":"2026-11-23T00:00:00Z","level":"info","msg":"charged {PAN}","n":1}}\n'
       f'ts=2026-11-23T00:00:01Z level=warn msg="key {SECRETS[1]}" password={SECRETS[0]} n=2\n'
       '10.0.0.1 - - [23/Nov/2026:00:00:02 +0000] "POST /v1/transfers HTTP/1.1" 201 5 "-" "x"\n'
       f'{{"ts":"2026-11-23T00:00:03Z","msg":"-----BEGIN PRIVATE KEY-----\\n{SECRETS[2]}"}}\n'
       f'ts=2026-11-23T00:00:04Z msg="{SECRETS[3]}"\n'
       'panic: no time and no form\n' + "x" * 100000 + "\n")


def folder_bytes(folder):
    out = b""
    for where, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), "rb") as file:
                out += file.read()
    return out


def records(case, number):
    name = next(n for n in sorted(os.listdir(os.path.join(case, "evidence")))
                if n.startswith(f"{number:02d}-"))
    with open(os.path.join(case, "evidence", name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def collected(wallet, case, key):
    with paying(wallet) as (sandbox, _):
        customer = account(wallet)
        payments = [pay_in(wallet, customer, f"{10 + n}.50", "pm_card_visa") for n in range(5)]
        for payment in payments:
            equal(rested(wallet, payment), "succeeded", "a pay-in")
        all_rest(wallet)
        _, day = settle(wallet, sandbox)
        text = sandbox.raw("GET", f"/statements/{day}?from=0&limit=1000")[2].decode()
        statement = file_of("statement.csv", text)
        wallet.run("doctor", "collect", case, "--ours", code=USAGE)
        wallet.run("doctor", "collect", case, "--key", key, "--incident", "7F3A", "--title",
                   "paid twice?", "--owner", "anna", "--ours")
        wallet.run("doctor", "collect", case, "--key", key, "--statement", statement, "--mapping",
                   OBJECT_MAP, "--system", "sandbox", *WHOLE)
    ledger = records(case, 1)
    total = sum(int(row["amount"]) for row in ledger if row["kind"] == "posting")
    equal(total, 0, "the sum of all postings")
    paid = {row["psp_ref"]: int(row["amount"]) for row in ledger
            if row["kind"] == "ledger_tx" and "psp_ref" in row}
    stated = {row["psp_ref"]: int(row["amount"]) for row in records(case, 3)}
    equal(paid, stated, "what the ledger and the PSP say of each payment")
    balances = {row["account"]: int(row["amount"]) for row in records(case, 2)}
    sums = {}
    for row in ledger:
        if row["kind"] == "posting":
            sums[row["account"]] = sums.get(row["account"], 0) + int(row["amount"])
    equal({k: v for k, v in balances.items() if v}, {k: v for k, v in sums.items() if v},
          "balances and the sums of their postings")
    check([row for row in ledger if row["kind"] == "psp_call"], "calls to the PSP")
    check([row for row in ledger if row["kind"] == "audit"], "administrative acts")


def certificate():
    key, cert = os.path.join(SCRATCH, "tls.key"), os.path.join(SCRATCH, "tls.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days", "3",
                    "-subj", "/CN=localhost"], check=True, capture_output=True)
    os.chmod(key, 0o600)
    return key, cert


def logs_and_certificates(wallet, case, key):
    said = wallet.run("doctor", "collect", case, "--key", key, "--log", file_of("app.log", LOG),
                      "--system", "app").out
    check("04-log.ndjson: 2 lines could not be read; the first is line 6: neither JSON" in said,
          f"what could not be read: {said}")
    rows = records(case, 4)
    equal([row["kind"] for row in rows], ["log", "log", "request", "log", "log"], "kinds of lines")
    equal((rows[2]["method"], rows[2]["path"], rows[2]["status"]), ("POST", "/v1/transfers", 201),
          "a request")
    tls_key, cert = certificate()
    wallet.run("doctor", "collect", case, "--key", key, "--certificates", cert)
    leaf = records(case, 5)[0]
    equal((leaf["kind"], leaf["subject"]), ("cert", "CN=localhost"), "a certificate")
    other = Wallet("tls")
    other.run("init")
    other.run("key", "create", "admin")
    server = Server(other, "--tls-cert", cert, "--tls-key", tls_key).start()
    try:
        wallet.run("doctor", "collect", case, "--key", key, "--endpoint",
                   server.address.replace("127.0.0.1", "localhost"))
    finally:
        server.stop()
    rows = records(case, 6)
    equal([row["kind"] for row in rows], ["cert", "handshake"], "what an endpoint presents")
    equal(rows[1]["result"], "unknown_issuer", "how a handshake with it ends")
    wallet.run("doctor", "collect", case, "--key", key, "--endpoint", server.address)
    equal([row.get("result") for row in records(case, 7)], ["refused"], "an endpoint that is gone")


def nothing_secret(case):
    everything = folder_bytes(case)
    for secret in (PAN, *SECRETS):
        check(secret.encode() not in everything, f"{secret} is not in the bundle")
    with open(os.path.join(case, "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    log = manifest["sources"][3]
    equal((log["masked_cards"], log["masked_secrets"], log["rows"], log["rejected"]),
          (1, 3, 5, 2), "what was masked and rejected, in the manifest")
    equal(log["coverage"][0]["n_lost"], 2, "the loss, in the coverage")
    equal((log["coverage"][0]["from"], log["coverage"][0]["to"]),
          ("2026-11-23T00:00:00.000000000Z", "2026-11-23T00:00:04.000000000Z"), "from the first line to the last")
    equal([manifest["sources"][2]["coverage"][0][name] for name in ("from", "to", "loss")],
          [WHOLE[1].replace("Z", NANOS), WHOLE[3].replace("Z", NANOS), "none"], "or as the operator says")


def diagnosed(wallet, case):
    """What was collected is evidence that the doctor takes, of a wallet whose books are right."""
    answer = wallet.run("doctor", "diagnose", case, "--json", code=None).json()
    equal([row["rejected"] for row in answer["sources"]], [0, 0, 0, 2, 0, 0, 0], "rejected lines")
    equal({row["invariant"] for row in answer["violations"]}, {"I25"},
          "what is wrong: handshakes with our own certificate, and nothing else")
    holds = {row["id"]: row["holds"] for row in answer["invariants"]}
    equal([holds[name] for name in ("I01", "I02", "I04", "I18")], ["yes"] * 4,
          "books, balances, bounds, and the PSP's statement")


def changed(case, change):
    """What verify says of a copy after a change."""
    copy = case + "-copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(case, copy)
    change(copy)
    return copy


def tampered(wallet, case, public):
    answer = wallet.json("doctor", "verify", case, "--keys", public)
    equal((answer["verified"], answer["findings"], answer["signers"]), (True, [], [public]),
          "a bundle that nobody touched")
    files = [os.path.relpath(os.path.join(where, name), case)
             for where, _, names in os.walk(case) for name in names]
    for name in files:
        def flip(copy, name=name):
            with open(os.path.join(copy, name), "r+b") as file:
                data = bytearray(file.read())
                data[len(data) // 2] ^= 1
                file.seek(0)
                file.write(data)
        found = wallet.json("doctor", "verify", changed(case, flip), code=REFUSED)["findings"]
        check(any(item["file"] == name for item in found), f"a flipped bit in {name}: {found}")
        def drop(copy, name=name):
            os.unlink(os.path.join(copy, name))
        code = NOT_FOUND if name == "custody.log" else REFUSED
        wallet.run("doctor", "verify", changed(case, drop), code=code)

    def add(copy):
        file_of(os.path.join(copy, "evidence", "99-more.ndjson"), "{}\n")
    wallet.run("doctor", "verify", changed(case, add), code=REFUSED)

    def cut(copy):
        path = os.path.join(copy, "custody.log")
        with open(path, "rb") as file:
            data = file.read()
        with open(path, "wb") as file:
            file.write(data[:data.rindex(b"tpwallet-custody-1") - 4])
    wallet.run("doctor", "verify", changed(case, cut), code=REFUSED)
    stranger = os.path.join(SCRATCH, "stranger.key")
    wallet.run("doctor", "key", stranger, "--name", "mallory")

    def forge(copy):
        wallet.run("doctor", "incident", copy, "--key", stranger, "--note", "all is well")
    copy = changed(case, forge)
    wallet.run("doctor", "verify", copy)
    found = wallet.json("doctor", "verify", copy, "--keys", public, code=REFUSED)["findings"]
    check("not among --keys" in found[0]["problem"], f"a stranger's entry: {found}")

    def garble(copy):
        with open(os.path.join(copy, "custody.log"), "r+b") as file:
            file.seek(300)
            file.write(b"#")
    wallet.run("doctor", "incident", changed(case, garble), "--key", stranger, "--note", "x",
               code=DAMAGED)


def tickets(wallet, case, key):
    ticket = wallet.json("doctor", "incident", case)
    equal((ticket["id"], ticket["state"], ticket["owner"]), ("7F3A", "open", "anna"), "the ticket")
    wallet.run("doctor", "incident", case, "--key", key, "--state", "contained", "--note",
               "producer | paused")
    text = wallet.run("doctor", "incident", case).out
    check("| state | contained |" in text and "producer \\| paused" in text, text)
    wallet.run("doctor", "incident", case, "--key", key, "--state", "lost", code=USAGE)
    wallet.run("doctor", "incident", case, "--note", "nobody", code=USAGE)


def coverages(case):
    with open(os.path.join(case, "manifest.json"), encoding="utf-8") as file:
        return [row["coverage"] for row in json.load(file)["sources"]]


def derivative(wallet, case, key):
    new = case + "-redacted"
    wallet.run("doctor", "redact", case, new, "--key", key)
    wallet.run("doctor", "verify", new)
    equal(coverages(new), coverages(case), "what a derivative covers")
    customer = next(row["account"] for row in records(case, 2) if row["type"] == "customer")
    check(customer.encode() not in folder_bytes(new), "the customer is not in the derivative")
    equal([row["amount"] for row in records(new, 1) if row["kind"] == "posting"],
          [row["amount"] for row in records(case, 1) if row["kind"] == "posting"], "amounts stay")
    one = {row["account"] for row in records(new, 1) if row["kind"] == "posting"}
    two = {row["account"] for row in records(new, 2)}
    check(one <= two, "hidden accounts still join")
    check(b"original_manifest_sha256" in folder_bytes(new), "the pointer to the original")
    wallet.run("doctor", "redact", case, new, "--key", key, code=CONFLICT)


def findings(wallet, case, key):
    """An expert who saw the derivative only; and whose findings are not taken."""
    seen = case + "-redacted"
    experts = {}
    for name in ("eve", "mallory"):
        path = os.path.join(SCRATCH, f"{name}.key")
        experts[name] = (path, wallet.json("doctor", "key", path, "--name", name)["key"])
    text = file_of("found.txt", "The consumer was replayed.\nSee the offsets.\n")
    before = folder_bytes(seen)
    note = os.path.join(SCRATCH, "finding.note")
    wallet.run("doctor", "finding", "write", seen, "--text", text, code=USAGE)
    wallet.run("doctor", "finding", "write", seen, "--key", experts["eve"][0], "--text", text,
               "--out", note)
    equal(folder_bytes(seen), before, "the derivative stays as it was given")
    add = ("doctor", "finding", "add", case, "--key", key, "--note", note)
    wallet.run(*add, code=USAGE)
    wallet.run(*add, "--experts", experts["mallory"][1], code=DENIED)
    other = os.path.join(SCRATCH, "other.note")
    wallet.run("doctor", "collect", case + "-2", "--key", key, "--incident", "7F3A", "--ours")
    wallet.run("doctor", "finding", "write", case + "-2", "--key", experts["eve"][0], "--text",
               text, "--out", other)
    wallet.run(*add[:-1], other, "--experts", experts["eve"][1], code=DENIED)
    wallet.run(*add, "--experts", experts["eve"][1])
    check("finding of eve: The consumer was replayed." in
          wallet.run("doctor", "incident", case).out, "the ticket has it")
    wallet.run("doctor", "verify", case)


def nothing_is_refused(wallet, case, key):
    """No source and no ticket to open: neither a new bundle nor one that is there."""
    for folder in (case, case + "-none"):
        err = wallet.run("doctor", "collect", folder, "--key", key, code=USAGE).err
        check("no source is named" in err and "--ours" in err, err)
    check(not os.path.exists(case + "-none"), "no bundle was made")
    wallet.run("doctor", "collect", case + "-ticket", "--key", key, "--incident", "7F3B")
    equal(os.listdir(os.path.join(case + "-ticket", "evidence")), [], "a ticket alone")


def before_one_that_fails(wallet, case, key, statement):
    """What was taken stays, and the manifest tells of it."""
    words = ("--key", key, "--statement", statement, "--mapping", OBJECT_MAP, "--log", case + ".log")
    for count in (1, 2):
        said = wallet.run("doctor", "collect", case, *words, *(("--incident", "7F3C") if count == 1 else ()),
                          code=NOT_FOUND)
        check("1 sources before it are in the bundle" in said.err, f"{said!r}")
        wallet.run("doctor", "verify", case)
        with open(os.path.join(case, "manifest.json"), encoding="utf-8") as file:
            told = [source["path"] for source in json.load(file)["sources"]]
        equal(told, [f"evidence/{n:02}-statement.ndjson" for n in range(1, count + 1)], "sources")


def no_more_than_there_is(wallet, case, key):
    """What a file does not reach is not covered; what fails leaves nothing; what is secret stays out."""
    folder = case + "-files"

    def collect(*words):
        return wallet.json("doctor", "collect", folder, "--key", key, *words)["sources"][-1]

    def covered(source):
        return [source["coverage"][0][name] for name in ("from", "to", "loss")]

    equal(covered(collect("--log", os.devnull, *WHOLE))[2], "unknown", "a log without a line")
    head = "id,object,kind,asset,gross,fee,at\n"
    words = ("--mapping", OBJECT_MAP, "--statement")
    equal(covered(collect(*words, file_of("none.csv", head)))[2], "unknown", "and a statement")
    rows = head + "1,a,charge,EUR,1.00,,2026-11-24\n2,b,charge,EUR,1.00,,2026-11-23\n"
    equal(covered(collect(*words, file_of("days.csv", rows))),
          ["2026-11-23T00:00:00.000000000Z", "2026-11-24T23:59:59.999999999Z", "none"], "whole days")
    equal(covered(collect(*words, file_of("days.csv", rows), "--to", "2026-11-26T00:00:00Z")),
          ["2026-11-23T00:00:00.000000000Z", "2026-11-26T00:00:00.000000000Z", "none"], "as is said of its end")
    answer = wallet.json("doctor", "collect", folder, "--key", key, *words,
                         file_of("bad.csv", rows + "3,c,charge,EUR,1.000,,2026-11-23\n"))
    equal(len(answer["unread"]), 1, "one source with lines that could not be read")
    check("1 lines could not be read; the first is line 4: an amount" in answer["unread"][0],
          answer["unread"][0])
    tomorrow = (datetime.now(timezone.utc) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = "".join(json.dumps({"ts": at, "msg": "x"}) + "\n" for at in ("2026-11-23T00:00:00Z", tomorrow))
    answer = wallet.json("doctor", "collect", folder, "--key", key, "--log", file_of("zone.log", lines), *WHOLE)
    equal(covered(answer["sources"][-1])[2], "unknown", "a log of a clock that is ahead")
    check(f"lines are of up to {tomorrow[:-1]}" in answer["unread"][0], answer["unread"][0])
    failed = case + "-failed"
    for words in (("--tables", file_of("dump.sql", "no dump"), "--tables-mapping", "nosuch"),
                  ("--statement", file_of("days.csv", rows)), ("--log", failed + ".log")):
        wallet.run("doctor", "collect", failed, "--key", key, *words, code=None)
        check(not os.path.exists(failed), f"{words} leave nothing")
    before_one_that_fails(wallet, failed + "-later", key, file_of("days.csv", rows))
    for option in ("--title", "--owner", "--incident"):
        for text in (PAN, "4111-1111-1111-1111"):
            words = ("--log", os.devnull, option, text)
            err = wallet.run("doctor", "collect", failed, "--key", key, *words, code=USAGE).err
            check("a card number" in err and PAN not in err, err)
    check(not os.path.exists(failed), "and so does a card number")
    for option in ("--owner", "--note"):
        wallet.run("doctor", "incident", folder, "--key", key, option, "4111.1111.1111.1111",
                   code=USAGE)
    found = folder_bytes(folder)  # whose digests may well have a "4111" somewhere
    for number in (PAN, "4111-1111-1111-1111", "4111.1111.1111.1111"):
        check(number.encode() not in found, "none is in the bundle")


def one_writer(wallet, case, key):
    """While somebody writes a bundle nobody else does; reading goes on."""
    copy = changed(case, lambda _: None)
    held = os.open(copy, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(held, fcntl.LOCK_EX)
    log = file_of("more.log", LOG)
    for words in (("collect", copy, "--log", log), ("incident", copy, "--note", "me too")):
        err = wallet.run("doctor", *words, "--key", key, code=CONFLICT).err
        check("another process writes" in err, err)
    wallet.run("doctor", "incident", copy)
    wallet.run("doctor", "verify", copy)
    os.close(held)
    wallet.run("doctor", "collect", copy, "--log", log, "--key", key)
    racers = [subprocess.Popen([TPWALLET, "doctor", "collect", copy, "--log", log, "--key", key],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
              for _ in range(8)]
    codes = [racer.wait() for racer in racers]
    check(0 in codes and set(codes) <= {0, CONFLICT}, f"one after the other, or not at all: {codes}")
    wallet.run("doctor", "verify", copy)


def main():
    wallet = Wallet("wallet")
    case = os.path.join(SCRATCH, "case")
    key = os.path.join(SCRATCH, "anna.key")
    public = wallet.json("doctor", "key", key, "--name", "anna")["key"]
    wallet.run("doctor", "key", key, "--name", "anna", code=CONFLICT)
    collected(wallet, case, key)
    logs_and_certificates(wallet, case, key)
    nothing_secret(case)
    diagnosed(wallet, case)
    tampered(wallet, case, public)
    nothing_is_refused(wallet, case, key)
    no_more_than_there_is(wallet, case, key)
    one_writer(wallet, case, key)
    tickets(wallet, case, key)
    derivative(wallet, case, key)
    findings(wallet, case, key)
    equal(wallet.run("check", code=None).code, DONE, "the ledger was only read")


if __name__ == "__main__":
    main()
