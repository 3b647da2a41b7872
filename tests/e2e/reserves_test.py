"""Goal: a customer's proof and an auditor's view of a snapshot of reserves verify offline, and nothing
else does: a balance left out, lowered, negative or past 128 bits, a share swapped, dropped or given
twice, another customer's proof, another snapshot, another key, any byte changed, a file cut. What
customers owe is in no total. A position of the past gives what was owed then, beside a server.

Method: a served ledger with two customers, one who owes, a bank and suspense; its snapshots, proofs
and private part, and copies of them changed one thing at a time. A lying maker who has the key is
played with a program's own snapshot of a doctored private part.
"""
import json
import os
import random
import shutil
import stat
import struct

from api_harness import Client, ledger
from cli_harness import (CONFLICT, DENIED, DONE, LIMIT, NOT_FOUND, REFUSED, SCRATCH, UNAVAILABLE,
                         USAGE, check, equal, file_of, new_id)
from log_harness import ORIGIN, Reader

random.seed(7)
OTHER_KEY = "ledger.example.com/0+132d55bf+AaSKmZR1Dh9ai7q/XLXoK2QCe1zC3hJLDGYWZdN/CuoV"


def path_of(*names):
    return os.path.join(SCRATCH, *names)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def books(wallet, client):
    """Two customers, one with a hold, a third who owes; money at the bank and at a PSP."""
    wallet.run("chart", "create", "--asset", "EUR", "--psp", "sandbox")
    chart = {(row["role"], row.get("psp", "")): row["id"] for row in wallet.json(
        "chart", "show", "--asset", "EUR", "--psp", "sandbox")["accounts"]}
    alice, bob, carol = (new_id() for _ in range(3))
    client.expect(200, "POST", "/v1/accounts", [
        {"id": id_, "asset": "EUR", "kind": "liability"} for id_ in (alice, bob, carol)])
    bank, clearing = chart["bank", ""], chart["clearing", "sandbox"]
    made = client.expect(200, "POST", "/v1/transfers", [
        {"id": new_id(), "debit": bank, "credit": alice, "asset": "EUR", "amount": "100.00"},
        {"id": new_id(), "debit": bank, "credit": bob, "asset": "EUR", "amount": "50.25"},
        {"id": new_id(), "debit": clearing, "credit": alice, "asset": "EUR", "amount": "5.00"},
        {"id": new_id(), "debit": carol, "credit": chart["fees", ""], "asset": "EUR",
         "amount": "7.77"}]).json()
    client.expect(200, "POST", "/v1/transfers", [
        {"id": new_id(), "kind": "hold", "debit": alice, "credit": bob, "asset": "EUR",
         "amount": "20.00"}])
    early = made["results"][1]["position"]
    return {"alice": alice, "bob": bob, "carol": carol}, early


class Case:
    def __init__(self, wallet, key):
        self.wallet = wallet
        self.key = key

    def verify(self, path, *words, code=DONE, key=None):
        return self.wallet.run("reserves", "verify", path, "--key", key or self.key, *words,
                               code=code)

    def refused(self, what, text, *words, says=None):
        told = self.verify(file_of("changed.json", text), *words, code=REFUSED)
        check("verified" not in told.out and told.err.startswith("tpwallet: "), f"{what}: {told!r}")
        check(says is None or says in told.err, f"{what} says why: {told!r}")


def proof_drills(case, alice, bob):
    """Each a change of Alice's proof that would serve somebody."""
    def changed(change):
        copy = json.loads(alice)
        change(copy)
        return compact(copy)

    equal(changed(lambda p: None), alice.strip(), "a proof is written as JSON is")
    shares = json.loads(bob)["shares"]
    drills = [
        ("a lowered balance", lambda p: p.update(balance="104.99"), "another balance"),
        ("a negative balance", lambda p: p.update(balance="-1.00"), "balance"),
        ("a negative share", lambda p: p["shares"][0].update(amount="-1.00"), "negative"),
        ("a negative sum", lambda p: p["shares"][0]["path"][3].update(sum="-9.00"), "negative"),
        ("a sum of 2^128 cents", lambda p: p["shares"][0]["path"][0].update(
            sum="3402823669209384634633746074317682114.56"), "128 bits"),
        ("sums that pass 128 bits together", lambda p: p["shares"][0]["path"][0].update(
            sum="3402823669209384634633746074317682114.55"), "128 bits"),
        ("a share left out", lambda p: p["shares"].pop(), "another balance"),
        ("a share twice", lambda p: p["shares"].append(p["shares"][0]), "given before"),
        ("no share", lambda p: p.update(shares=[]), "1 to 8 shares"),
        ("nine shares", lambda p: p.update(shares=[p["shares"][0]] * 9), "more shares"),
        ("a share of another", lambda p: p["shares"].__setitem__(0, shares[0]), "another root"),
        ("a raised share", lambda p: p["shares"][0].update(amount="9999.00"), "another root"),
        ("another's account", lambda p: p.update(account=json.loads(bob)["account"]),
         "another root"),
        ("another asset", lambda p: p.update(asset="USD"), "asset"),
        ("a place outside", lambda p: p["shares"][0].update(place=1 << 40), "outside"),
        ("a short path", lambda p: p["shares"][0]["path"].pop(), "shorter"),
        ("a long path", lambda p: p["shares"][0]["path"].append(p["shares"][0]["path"][0]),
         "longer"),
        ("another member", lambda p: p.update(more=1), None),
        ("a member less", lambda p: p.pop("shares"), "missing"),
        ("another format", lambda p: p.update(format="tpwallet-reserves-proof/2"), "format"),
        ("too deep", lambda p: p.update(shares=json.loads("[" * 15 + "]" * 15)), None),
    ]
    for what, change, says in drills:
        case.refused(what, changed(change), says=says)
    case.refused("white space", json.dumps(json.loads(alice)), says="not written")
    case.refused("a total in the statement", alice.replace("total 155.25", "total 100.25"))
    case.verify(file_of("large.json", alice.strip() + " " * (4 << 20)), code=LIMIT)


def bytes_drills(case, alice):
    """One byte changed, at places drawn at random, and cut at places too."""
    for _ in range(60):
        at = random.randrange(len(alice) - 1)
        other = chr(ord(alice[at]) ^ random.choice((1, 2, 4, 32)))
        case.refused(f"byte {at}", alice[:at] + other + alice[at + 1:])
    for at in (0, 1, 40, len(alice) // 2, len(alice) - 3):
        case.refused(f"cut at {at}", alice[:at])
    for text in ("{}", "[]", "null", "nothing", "{\"format\":\"tpwallet-reserves-proof/1\"}"):
        case.refused(text, text)


def book_of(folder):
    with open(os.path.join(folder, "private"), "rb") as file:
        data = file.read()
    count = struct.unpack_from("<Q", data, 16)[0]
    rows = [data[64 + 32 * i:96 + 32 * i] for i in range(count)]
    return data[:64], rows


def book_write(folder, head, rows):
    path = os.path.join(folder, "private")
    with open(path, "wb") as file:
        file.write(head[:16] + struct.pack("<Q", len(rows)) + head[24:] + b"".join(rows))
    os.chmod(path, 0o600)
    return path


def tree_drills(case, folder, people):
    """An auditor's view of the private part: as it is, and doctored."""
    head, rows = book_of(folder)
    equal(len(rows), 2, "balances in the private part")
    told = case.verify(folder, "--tree", os.path.join(folder, "private"), "--with-clearing")
    check("2 balances give this root" in told.out, repr(told))
    copy = path_of("copy")
    shutil.copytree(folder, copy)
    lowered = [rows[0], rows[1][:16] + struct.pack("<QQ", 1, 0)]
    huge = [rows[0], rows[1][:16] + b"\xff" * 16]
    drills = [("left out", rows[:1], "another total"), ("lowered", lowered, "another total"),
              ("past 128 bits", huge, "passes 128 bits"),
              ("twice", rows + rows[1:], "twice"), ("out of order", rows[::-1], "out of order"),
              ("one more of nothing", rows + [b"\xff" * 16 + bytes(16)], "another root"),
              ("none", [], "another total")]
    for what, changed, says in drills:
        path = book_write(copy, head, changed)
        told = case.verify(copy, "--tree", path, code=REFUSED)
        check(says in told.err and "verified" not in told.out, f"{what}: {told!r}")
        told = case.wallet.run("reserves", "prove", people["alice"], "--snapshot", copy, code=None)
        check(told.code != DONE and told.out == "", f"{what}: no proof is made of it: {told!r}")
    for what, data in (("another key", head[:24] + b"\1" + head[25:]), ("cut", head[:63]),
                       ("another version", head[:4] + b"\2" + head[5:])):
        path = book_write(copy, data, rows)
        case.verify(copy, "--tree", path, code=REFUSED)
        told = case.wallet.run("reserves", "prove", people["alice"], "--snapshot", copy, code=USAGE)
        check(told.out == "", f"{what}: no proof is made of it: {told!r}")
    path = book_write(copy, head, rows)
    case.wallet.run("reserves", "prove", people["alice"], "--snapshot", copy)
    os.chmod(path, 0o644)
    case.wallet.run("reserves", "prove", people["alice"], "--snapshot", copy, code=DENIED)


def snapshot_drills(case, folder):
    with open(os.path.join(folder, "snapshot.json"), encoding="utf-8") as file:
        text = file.read()
    case.verify(folder, "--with-clearing")
    told = case.verify(folder, "--json", code=REFUSED)  # 5.00 are at the PSP, not at the bank
    equal((told.json()["verified"], told.json()["covered"], told.json()["short_of"]),
          (True, False, "5.00"), "what is not covered")
    for _ in range(40):
        at = random.randrange(len(text) - 1)
        changed = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1:]
        case.refused(f"byte {at} of the snapshot", changed, "--with-clearing")
    copy = json.loads(text)
    note = copy["statement"]
    for old, new in (("bank", "clearing:bank"), ("/reserves\n", "\n"), ("total ", "total -"),
                     ("overdrawn 1 owe 7.77", "overdrawn 0 owe 0.00")):
        copy["statement"] = note.replace(old, new, 1)
        case.refused(f"{old!r} as {new!r}", compact(copy))
    copy["statement"] = copy["proof"].split("\n\n", 1)[1]  # the log's checkpoint, well signed
    case.refused("a checkpoint as a statement", compact(copy), says="no statement")


def main():
    with ledger("ledger", "--log-origin", ORIGIN) as (server, secret):
        wallet = server.wallet
        people, early = books(wallet, Client(server, secret))
        Reader(server).checkpoint(1 + 8 + 3 + 5)
        key = wallet.run("log", "key").out.strip()
        case = Case(wallet, key)
        folder = path_of("now")
        told = wallet.json("reserves", "snapshot", "--out", folder, "--psp", "sandbox")
        equal((told["total"], told["held"], told["clearing"], told["short_of"]),
              ("155.25", "150.25", "5.00", "5.00"), "what is owed and held")
        equal((told["customers"], told["overdrawn_count"], told["overdrawn"]), (2, 1, "7.77"),
              "who owes is not netted")
        wallet.run("reserves", "snapshot", "--out", folder, code=CONFLICT)
        equal(stat.S_IMODE(os.stat(os.path.join(folder, "private")).st_mode), 0o600, "mode")
        then = path_of("then")
        told = wallet.json("reserves", "snapshot", "--out", then, "--at", early)
        equal((told["total"], told["position"], told["overdrawn_count"]), ("150.25", early, 0),
              "what was owed then")
        case.verify(then)

    proofs = {}
    for name in ("alice", "bob"):
        proofs[name] = path_of(name + ".json")
        told = wallet.json("reserves", "prove", people[name], "--snapshot", folder, "--out",
                           proofs[name])
        equal((told["asset"], told["shares"]), ("EUR", 2), "a proof")
        told = case.verify(proofs[name], "--json").json()
        wanted = {"alice": "105.00", "bob": "50.25"}[name]
        equal((told["verified"], told["account"], told["balance"], told["total"]),
              (True, people[name], wanted, "155.25"), "a proof that verifies")
    told = case.verify(proofs["alice"])
    check("balance     105.00 EUR" in told.out and "not proven" in told.out, repr(told))
    texts = {}
    for name, path in proofs.items():
        with open(path, encoding="utf-8") as file:
            texts[name] = file.read()
    proof_drills(case, texts["alice"], texts["bob"])
    bytes_drills(case, texts["alice"])
    old = wallet.run("reserves", "prove", people["alice"], "--snapshot", then).out
    case.verify(file_of("old.json", old))
    mixed = json.loads(texts["alice"])
    mixed["snapshot"] = json.loads(old)["snapshot"]
    case.refused("another snapshot's statement", compact(mixed), says="another root")
    for name in ("alice", "carol"):
        code = DONE if name == "alice" else NOT_FOUND
        wallet.run("reserves", "prove", people[name], "--snapshot", folder, code=code)
    told = case.verify(proofs["alice"], code=REFUSED, key=OTHER_KEY)
    check("verified" not in told.out, repr(told))
    case.verify(proofs["alice"], code=USAGE, key="nothing")
    case.verify(path_of("none"), code=NOT_FOUND)
    case.verify(proofs["alice"], "--tree", os.path.join(folder, "private"), code=USAGE)
    snapshot_drills(case, folder)
    tree_drills(case, folder, people)

    for words, code in ((("--at", "999999"), UNAVAILABLE), (("--at", "1-7000"), NOT_FOUND),
                        (("--at", "x"), USAGE), (("--asset", "NONE1"), NOT_FOUND),
                        (("--bank", people["alice"]), USAGE), (("--shares", "9"), USAGE),
                        (("--psp", "No"), USAGE)):
        wallet.run("reserves", "snapshot", "--out", path_of("refused"), *words, code=code)
        check(not os.path.exists(path_of("refused")), f"{words}: nothing stays")
    told = wallet.json("reserves", "snapshot", "--out", path_of("usd"), "--asset", "USD")
    equal((told["total"], told["customers"], told["leaves"]), ("0.00", 0, 256), "nothing is owed")
    case.verify(path_of("usd"))
    os.remove(os.path.join(wallet.folder, "log", "checkpoint"))
    wallet.run("reserves", "snapshot", "--out", path_of("refused"), code=NOT_FOUND)


main()
