#!/usr/bin/env python3
"""Goal: what somebody has repaired by hand is not repaired a second time: where the entry names what
it takes back it is set against it, and where it names nothing the account is left to people.

Method: payments that were made twice, by a consumer or by a client, and after them entries that give
the money back, each with another name in it; what is still to be posted, and what is left, is compared.
"""
import json
import os
import subprocess
import sys

TPWALLET = os.environ["TPWALLET"]
SOURCE = os.environ["TPWALLET_SOURCE"]
SCRATCH = os.environ["SCRATCH"]
KINDS = ("message", "group_offset", "applied", "ledger_tx", "posting", "account", "psp", "webhook",
         "request", "wal", "hold")
LATER = "2026-11-23T08:00:00Z"


def replayed():
    """42000 were given to w1 twice by a consumer, as t1 and t3."""
    with open(f"{SOURCE}/doctor/rules/faults/B03.fixtures", encoding="utf-8") as source:
        first = source.read().split("case lookalike")[0]
    return [json.loads(line) for line in first.splitlines() if line.startswith("{")]


def asked_twice():
    """9 were taken from w1 twice since its client had no answer, as t1 (charge ch1) and t2 (ch2)."""
    rows = []
    for n in (1, 2):
        at = f"2026-11-22T23:40:0{n}Z"
        rows += [{"kind": "request", "ts": at, "method": "POST", "path": "/pay", "client": "w1", "idem": f"k{n}",
                  "body_hash": "b", "status": 504 if n == 1 else 201, "tx": f"t{n}"},
                 {"kind": "ledger_tx", "ts": at, "tx": f"t{n}", "type": "payment", "state": "posted", "cause": "api",
                  "account": "w1", "amount": "9", "ccy": "EUR", "idem": f"k{n}", "psp_ref": f"ch{n}"},
                 {"kind": "psp", "ts": at, "psp_ref": f"ch{n}", "type": "charge", "amount": "9", "ccy": "EUR",
                  "line": f"l{n}", "state": "succeeded"},
                 {"kind": "posting", "ts": at, "tx": f"t{n}", "account": "w1", "amount": "9", "ccy": "EUR"},
                 {"kind": "posting", "ts": at, "tx": f"t{n}", "account": "clearing", "amount": "-9", "ccy": "EUR"}]
    return rows + [{"kind": "account", "account": "w1", "ccy": "EUR", "amount": "18", "type": "customer"},
                   {"kind": "account", "account": "clearing", "ccy": "EUR", "amount": "-18", "type": "clearing"}]


def with_entry(rows, amount, paid_out=None, **named):
    """The same, and afterwards an entry that takes so much from w1; or paid out by the PSP as well."""
    ccy = next(row["ccy"] for row in rows if row["kind"] == "account")
    rows = [dict(row) for row in rows]
    rows.append({"kind": "ledger_tx", "ts": LATER, "tx": "g1", "state": "posted", "cause": "manual", "approvers": 2,
                 "account": "w1", "amount": str(-amount), "ccy": ccy, **named})
    for account, part in (("w1", -amount), ("clearing", amount)):
        rows.append({"kind": "posting", "ts": LATER, "tx": "g1", "account": account, "amount": str(part), "ccy": ccy})
        balance = next(row for row in rows if row["kind"] == "account" and row["account"] == account)
        balance["amount"] = str(int(balance["amount"]) + part)
    if paid_out:
        rows.append({"kind": "psp", "ts": LATER, "psp_ref": paid_out, "type": "refund", "amount": str(-amount),
                     "ccy": ccy, "line": "g", "state": "succeeded"})
    return rows


def diagnosed(name, rows):
    folder = os.path.join(SCRATCH, name)
    os.makedirs(f"{folder}/evidence")
    for kind in KINDS:
        with open(f"{folder}/evidence/{kind}.ndjson", "w", encoding="utf-8") as out:
            out.writelines(json.dumps(row, separators=(",", ":")) + "\n" for row in rows if row["kind"] == kind)
    system = {"applied": "consumer", "message": "broker", "group_offset": "broker", "psp": "psp", "request": "api"}
    manifest = {"format": "tpwallet-bundle-1", "as_of": "2026-11-23T12:00:00Z",
                "window": {"from": "2026-11-20T00:00:00Z", "to": "2026-11-23T12:00:00Z"},
                "sources": [{"path": f"evidence/{kind}.ndjson", "kind": kind, "system": system.get(kind, "ledger")}
                            for kind in KINDS]}
    with open(f"{folder}/manifest.json", "w", encoding="utf-8") as out:
        json.dump(manifest, out)
    done = subprocess.run([TPWALLET, "doctor", "diagnose", folder, "--json"], capture_output=True, text=True,
                          check=False)
    return json.loads(done.stdout)


def expect(name, rows, fault, label, posted, left=()):
    """posted: what is too much on w1 and to be taken back; left: whether it is left to people."""
    found = diagnosed(name, rows)
    (cause,) = found["causes"]
    mine = [row for row in cause["affected"] if row["account"] == "w1"]
    got = (cause["fault"], cause["label"], [row["delta"] for row in mine if not row.get("left")],
           [row["delta"] for row in mine if row.get("left")])
    if got != (fault, label, list(posted), list(left)):
        sys.exit(f"{name}: {got}\n{json.dumps(found, indent=1)[:6000]}")
    return cause


def main():
    rows = replayed()
    expect("replayed", rows, "B03", "CONFIRMED", ["42000"])
    expect("reversal", with_entry(rows, 42000, type="reversal", reversal_of="t3"), "B03", "CONFIRMED", [])
    expect("transfer", with_entry(rows, 42000, type="transfer", reference="t3"), "B03", "CONFIRMED", [])
    expect("part", with_entry(rows, 41000, type="adjust", reference="t3"), "B03", "CONFIRMED", ["1000"])
    expect("fee", with_entry(rows, 42000, type="fee", reference="t3"), "B03", "CONFIRMED", ["42000"])
    for name, named in (("nameless", {}), ("other", {"reference": "TICKET-7"}), ("first", {"reference": "t1"})):
        cause = expect(name, with_entry(rows, 42000, type="transfer", **named), "B03", "PROBABLE", [], ["42000"])
        if "I48 (it may have been given back by hand)" not in cause["held_back"]:
            sys.exit(f"{name}: {cause['held_back']}")
    expect("less", with_entry(rows, 100, type="transfer"), "B03", "CONFIRMED", ["42000"])
    expect("in doubt", with_entry(rows, 42000, type="refund", psp_ref="ch1"), "B03", "PROBABLE", [], ["42000"])
    expect("returned", with_entry(rows, 42000, "ch1", type="refund", psp_ref="ch1"), "B03", "CONFIRMED", ["42000"])
    rows = asked_twice()
    expect("asked", rows, "P01", "CONFIRMED", ["9"])
    expect("refunded", with_entry(rows, 9, "ch2", type="refund", psp_ref="ch2"), "P01", "CONFIRMED", [])
    expect("other refunded", with_entry(rows, 9, "ch1", type="refund", psp_ref="ch1"), "P01", "CONFIRMED", ["9"])
    expect("by key", with_entry(rows, 9, type="transfer", reference="k2"), "P01", "CONFIRMED", [])


if __name__ == "__main__":
    main()
