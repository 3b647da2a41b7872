#!/usr/bin/env python3
"""Goal: a bundle is diagnosed the same whatever the order of its lines; what is wrong with it is
counted or refused with its place, lowers coverage, and never passes for evidence.

Method: the first case of a rule as a bundle; then lines shuffled, broken, too long, doubled, in
other time zones, tampered with, or left out, each with what must be said about it.
"""
import hashlib
import json
import os
import random
import subprocess
import sys

TPWALLET = os.environ["TPWALLET"]
SOURCE = os.environ["TPWALLET_SOURCE"]
SCRATCH = os.environ["SCRATCH"]
SYSTEMS = {"message": "broker", "group_offset": "broker", "applied": "consumer",
           "ledger_tx": "ledger", "posting": "ledger", "account": "ledger", "psp": "psp"}
QUIET = ("webhook", "request", "wal", "hold")


def case_lines():
    with open(f"{SOURCE}/doctor/rules/faults/B03.fixtures", encoding="utf-8") as source:
        first = source.read().split("case lookalike")[0]
    return [line for line in first.splitlines() if line.startswith("{")]


def bundle(name, lines, digests=True, **change):
    """Writes a bundle with one file for each kind; change: kind -> function over its lines."""
    folder = os.path.join(SCRATCH, name)
    os.makedirs(f"{folder}/evidence")
    sources = []
    for kind in list(SYSTEMS) + list(QUIET):
        own = [line for line in lines if line.startswith(f'{{"kind":"{kind}"')]
        own = change[kind](own) if kind in change else own
        data = "".join(line + "\n" for line in own).encode()
        with open(f"{folder}/evidence/{kind}.ndjson", "wb") as out:
            out.write(data)
        source = {"path": f"evidence/{kind}.ndjson", "kind": kind,
                  "system": SYSTEMS.get(kind, kind), "size": len(data)}
        if digests:
            source["sha256"] = hashlib.sha256(data).hexdigest()
        sources.append(source)
    manifest = {"format": "tpwallet-bundle-1", "incident": "7F3A", "as_of": "2026-11-23T12:00:00Z",
                "window": {"from": "2026-11-20T00:00:00Z", "to": "2026-11-23T12:00:00Z"},
                "sources": sources}
    with open(f"{folder}/manifest.json", "w", encoding="utf-8") as out:
        json.dump(manifest, out)
    return folder


def run(folder, *options, code=None):
    done = subprocess.run([TPWALLET, "doctor", "diagnose", folder, *options], capture_output=True,
                          text=True, check=False)
    if code is not None and done.returncode != code:
        sys.exit(f"{folder} {options}: exit code {done.returncode}, not {code}\n{done.stdout[:2000]}{done.stderr}")
    return done


def diagnosis(folder, *options):
    return json.loads(run(folder, "--json", *options).stdout)


def label(found):
    return [(cause["fault"], cause["label"]) for cause in found["causes"]]


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: {got}, and not {wanted}")


def without_digests(text):
    """The files' own digests are what differs between two orders of their lines."""
    found = json.loads(text)
    digests = [source.pop("sha256") for source in found["sources"]]
    return json.dumps(found), digests


def same_bytes_for_any_order(lines):
    first = run(bundle("first", lines), "--json").stdout
    for seed in range(3):
        shuffled = lines[:]
        random.Random(seed).shuffle(shuffled)
        second = run(bundle(f"shuffled{seed}", shuffled), "--json").stdout
        expect("shuffled", without_digests(second)[0], without_digests(first)[0])
        expect("other files", without_digests(second)[1] != without_digests(first)[1], True)
    found = json.loads(first)
    expect("the cause", label(found), [("B03", "CONFIRMED")])
    expect("the accounts", [(a["account"], a["delta"]) for a in found["accounts"]],
           [("w1", "42000"), ("w2", "500")])
    return found


def zones_are_one_time(lines):
    def east(own):
        moved = []
        for line in own:
            record = json.loads(line)
            hour = int(record["ts"][11:13])
            record["ts"] = record["ts"].replace("T%02d" % hour, "T%02d" % (hour - 5)).replace("Z", "-05:00")
            moved.append(json.dumps(record, separators=(",", ":")))
        return moved
    expect("zones", label(diagnosis(bundle("zones", lines, applied=east))), [("B03", "CONFIRMED")])


def rejects_are_counted_with_their_place(lines):
    def broken(own):
        return own[:2] + ['{"kind":"psp","psp_ref":"x","type":"charge","amount":"1.5","ccy":"CNY"}',
                          '{"kind":"applied"}', "not json", "x" * (1 << 20)] + own[2:]
    found = diagnosis(bundle("broken", lines, psp=broken))
    source = [s for s in found["sources"] if s["path"] == "evidence/psp.ndjson"][0]
    expect("rejects", (source["rejected"], source["first_reject_line"], source["rows"]), (4, 3, 3))
    expect("a source with rejects", label(found), [("B03", "PROBABLE")])


def unknown_fields_are_counted(lines):
    def more(own):
        return [line.replace('"kind":"psp"', '"kind":"psp","colour":"red"') for line in own]
    found = diagnosis(bundle("fields", lines, psp=more))
    source = [s for s in found["sources"] if s["path"] == "evidence/psp.ndjson"][0]
    expect("unknown fields", (source["unknown_fields"], source["rejected"]), (3, 0))
    expect("unknown fields spoil nothing", label(found), [("B03", "CONFIRMED")])


def what_is_tampered_with_is_refused(lines):
    folder = bundle("tampered", lines)
    with open(f"{folder}/evidence/psp.ndjson", "r+b") as out:
        out.seek(40)
        out.write(b"9")
    expect("tampering", "SHA-256" in run(folder, code=8).stderr, True)
    with open(f"{folder}/evidence/psp.ndjson", "ab") as out:
        out.write(b"\n")
    run(folder, code=8)
    os.remove(f"{folder}/evidence/psp.ndjson")
    run(folder, code=64)
    run(os.path.join(SCRATCH, "nowhere"), code=64)


def a_file_twice_is_refused(lines):
    folder = bundle("twice", lines)
    with open(f"{folder}/manifest.json", encoding="utf-8") as source:
        manifest = json.load(source)
    with open(f"{folder}/evidence/psp.ndjson", "rb") as source:
        data = source.read()
    with open(f"{folder}/evidence/copy.ndjson", "wb") as out:
        out.write(data)
    manifest["sources"].append({"path": "evidence/copy.ndjson", "kind": "psp", "system": "psp"})
    with open(f"{folder}/manifest.json", "w", encoding="utf-8") as out:
        json.dump(manifest, out)
    found = diagnosis(folder)
    expect("a file twice", label(found), [("B03", "CONFIRMED")])
    reasons = [s.get("first_reject") for s in found["sources"] if "first_reject" in s]
    expect("its reason", reasons, ["the same bytes as another source"])


def questions_about_a_diagnosis(lines, found):
    folder = bundle("asked", lines)
    witness = [w["record"] for c in found["causes"] for p in c["predicates"] for w in p["witnesses"]]
    dropped = diagnosis(folder, "--what-if", f"drop={witness[0]}")
    expect("a cited record dropped", ("B03", "CONFIRMED") in label(dropped), False)
    run(folder, "--what-if", "drop=R-0000000000000000", code=64)
    run(folder, "--what-if", "nonsense", code=64)
    expect("why not", "[P01]" in run(folder, "--explain-not", "B03").stdout, False)
    text = run(folder, "--what-if", f"drop={witness[0]}").stdout
    expect("what if", f"as if {witness[0]} had not been collected" in text, True)
    expect("what if", dropped["what_if"], witness[0])
    text = run(folder, "--next").stdout
    expect("next", "nothing that could be collected would decide more about the causes" in text, True)
    text = run(folder).stdout
    expect("accounts", "accounts: w1  CNY 420.00 too much\n          w2  CNY 5.00 too much\n" in text, True)
    expect("rows", text.count("CNY 420.00 too much  payment "), 1)


def what_was_not_seen_is_named(lines):
    """With a ledger alone there is no cause, and much that nobody looked at."""
    folder = bundle("blind", [line for line in lines if '"kind":"psp"' not in line])
    path = f"{folder}/manifest.json"
    with open(path, encoding="utf-8") as source:
        manifest = json.load(source)
    kept = ("ledger_tx", "posting", "account")
    manifest["sources"] = [s for s in manifest["sources"] if s["kind"] in kept]
    with open(path, "w", encoding="utf-8") as out:
        json.dump(manifest, out)
    found = diagnosis(folder)
    expect("causes", found["causes"], [])
    expect("absent", "psp" in found["not_collected"] and "posting" not in found["not_collected"], True)
    unknown = [row for row in found["invariants"] if row["holds"] == "unknown"]
    expect("why unknown", all(row.get("lacking") for row in unknown) and len(unknown) > 5, True)
    text = run(folder, "--next").stdout
    expect("ways", f"not checked: {len(unknown)} of {len(found['invariants'])} invariants" in text, True)
    expect("absent", "\nabsent altogether: request " in text, True)
    taken = subprocess.run([TPWALLET, "help", "doctor", "collect"], capture_output=True, text=True,
                           check=True).stdout
    for word in text.split():
        expect(f"collect {word}", not word.startswith("--") or f"{word} " in taken, True)


def wrong_words_end_with_the_commands_own_code():
    for words in ((), ("a", "b"), ("x", "--nonsense"), ("x", "--rules")):
        done = subprocess.run([TPWALLET, "doctor", "diagnose", *words, "--json"], capture_output=True,
                              text=True, check=False)
        expect(f"{words}", done.returncode, 64)
    expect("in JSON", json.loads(run("nowhere", "--json", code=64).stdout)["exit_code"], 64)


def any_json_is_read(lines):
    """Blanks and other orders of members, as other programs write them, are the same records."""
    def spaced(own):
        return [json.dumps(json.loads(line)) for line in own]

    def ordered(own):
        return [json.dumps(json.loads(line), sort_keys=True) for line in own]
    found = diagnosis(bundle("blanks", lines, psp=spaced, ledger_tx=ordered, applied=ordered))
    expect("rejected lines", [source["rejected"] for source in found["sources"]],
           [0] * len(found["sources"]))
    expect("the cause", label(found), [("B03", "CONFIRMED")])


def a_tenth_is_no_wrong_decimal():
    """A fee of a tenth of its charge is an amount of its own: the sums of the payment agree."""
    def booked(txn, kind, amount, other):
        row = {"kind": "ledger_tx", "ts": "2026-11-22T11:30:00Z", "tx": txn, "type": kind,
               "account": "w", "amount": str(abs(amount)), "ccy": "EUR", "state": "posted",
               "psp_ref": "c"}
        legs = [{"kind": "posting", "ts": row["ts"], "tx": txn, "seq": seq, "account": account,
                 "amount": str(value), "ccy": "EUR"}
                for seq, (account, value) in enumerate((("w", amount), (other, -amount)))]
        return [row, *legs]
    rows = booked("t1", "deposit", 990, "p") + booked("t2", "fee", -99, "f")
    rows.append({"kind": "psp", "ts": "2026-11-22T11:30:00Z", "psp_ref": "c", "type": "charge",
                 "amount": "990", "ccy": "EUR", "line": "x", "due_ts": "2026-11-22T12:00:00Z"})
    for account, amount in (("w", 891), ("p", -990), ("f", 99)):
        rows.append({"kind": "account", "account": account, "ccy": "EUR", "amount": str(amount),
                     "opening": "0", "unlimited": account != "w",
                     "type": {"w": "customer", "p": "psp", "f": "fee"}[account]})
    found = diagnosis(bundle("tenth", [json.dumps(row, separators=(",", ":")) for row in rows]))
    expect("a fee", [row["id"] for row in found["invariants"] if row["violations"]], [])


def a_reversal_counts_by_what_it_takes_back_in_the_end(lines):
    """t3 is reversed, that is reversed, and so on: every second time w1 has too much again."""
    own = lines[:]
    before = "t3"
    for level in range(1, 6):
        sign = "" if level % 2 == 0 else "-"
        other = "-" if level % 2 == 0 else ""
        now = f'"ts":"2026-11-23T01:00:0{level}Z","tx":"r{level}"'
        own += [f'{{"kind":"ledger_tx",{now},"type":"reversal","reversal_of":"{before}","account":"w1",'
                f'"amount":"{sign}42000","ccy":"CNY","state":"posted"}}',
                f'{{"kind":"posting",{now},"account":"w1","amount":"{sign}42000","ccy":"CNY"}}',
                f'{{"kind":"posting",{now},"account":"clearing","amount":"{other}42000","ccy":"CNY"}}']
        before = f"r{level}"
        found = diagnosis(bundle(f"reversed{level}", own))
        cause = [c for c in found["causes"] if c["fault"] == "B03"][0]
        rows = sorted(row["account"] for row in cause["affected"])
        expect(f"level {level}", (cause.get("settled", 0), rows),
               (0, ["w1", "w2"]) if level % 2 == 0 else (1, ["w2"]))


def a_gateways_clock_is_bounded():
    """A gateway knows no transaction: its request is joined by key or trace, unless that is another's too."""
    def wrong(name, asked, *more, **made):
        rows = [{"kind": "ledger_tx", "ts": "2026-11-22T11:30:00Z", "tx": "t1", "type": "transfer", "account": "a",
                 "amount": "-5", "ccy": "EUR", "state": "posted", "cause": "api", "lsn": 7, **made}]
        rows += [{"kind": "posting", "ts": rows[0]["ts"], "tx": "t1", "account": account, "amount": amount,
                  "ccy": "EUR"} for account, amount in (("a", "-5"), ("b", "5"))]
        rows += [{"kind": "account", "account": account, "ccy": "EUR", "amount": amount, "opening": "10",
                  "type": "customer"} for account, amount in (("a", "5"), ("b", "15"))]
        for fields in (asked, *more):
            rows.append({"kind": "request", "host": "gw-1", "method": "POST", "path": "/pay", "status": 200, **fields})
        found = diagnosis(bundle(name, [json.dumps(row, separators=(",", ":")) for row in rows]))
        return [row["key"] for row in found["violations"] if row["invariant"] == "I28"]
    ahead, right = "2026-11-22T12:30:00Z", "2026-11-22T11:29:59Z"
    expect("by trace", wrong("trace", {"ts": ahead, "trace": "x"}, trace="x"), ["gw-1"])
    expect("by key", wrong("key", {"ts": ahead, "idem": "k"}, idem="k"), ["gw-1"])
    own = {"ts": right, "host": "api-1", "tx": "t1", "trace": "x", "idem": "k", "done_ts": "2026-11-22T11:30:01Z"}
    behind = {"ts": "2026-11-22T10:30:00Z", "done_ts": "2026-11-22T10:30:02Z", "trace": "x"}
    expect("behind", wrong("behind", behind, own, trace="x", idem="k"), ["gw-1"])
    expect("beside ours", wrong("ours", {"ts": ahead, "trace": "x"}, own, trace="x"), ["gw-1"])
    expect("a clock that is right", wrong("right", {"ts": right, "trace": "x"}, trace="x"), [])
    expect("a retry", wrong("retry", {"ts": ahead, "trace": "x"}, {"ts": right, "trace": "x"}, trace="x"), [])
    expect("a refusal", wrong("refusal", {"ts": ahead, "trace": "x", "status": 409}, trace="x"), [])
    expect("another trace", wrong("traces", {"ts": ahead, "trace": "y"}, trace="x"), [])


def what_cannot_be_read_is_told(lines):
    empty = os.path.join(SCRATCH, "empty")
    os.mkdir(empty)
    for folder in (empty, os.path.join(SCRATCH, "nowhere")):
        expect("the hint", "a folder with manifest.json" in run(folder, code=64).stderr, True)
    folder = bundle("link", lines)
    path = os.path.join(folder, "evidence", "applied.ndjson")
    os.rename(path, f"{folder}/aside")
    said = run(folder, code=64).stderr
    for place in (SCRATCH, folder, f"{folder}/evidence"):
        os.chmod(place, 0o755)
    expect("the file", path in said and "No such file" in said and "hint: the manifest names it" in said, True)
    os.rename(f"{folder}/aside", path)
    if as_another("doctor", "diagnose", folder) not in range(8):
        print("no way to run as another user: left out")
        return
    key, aside = os.path.join(SCRATCH, "anna.key"), os.path.join(SCRATCH, "aside")
    subprocess.run([TPWALLET, "doctor", "key", key, "--name", "anna"], check=True, capture_output=True)
    os.mkdir(aside)
    for name, code, words in ((path, 69, ("doctor", "diagnose", folder)),
                              (f"{folder}/manifest.json", 69, ("doctor", "diagnose", folder)),
                              (folder, 6, ("doctor", "verify", folder)),
                              (key, 6, ("doctor", "collect", f"{folder}/new", "--key", key, "--incident", "1")),
                              (aside, 6, ("exam", "--case", "17", "--out", f"{aside}/new"))):
        mode = os.stat(name).st_mode
        os.chmod(name, 0)
        expect(f"{name} of another user", as_another(*words), code)
        os.chmod(name, mode)


def as_another(*words):
    """The exit code for the user nobody, where root would read everything."""
    if os.geteuid() == 0:
        words = ("--reuid=65534", "--regid=65534", "--clear-groups", TPWALLET, *words)
    program = "setpriv" if os.geteuid() == 0 else TPWALLET
    return subprocess.run([program, *words], capture_output=True, check=False, cwd="/").returncode


def a_check_list_of_no_ledger_is_refused():
    words = [TPWALLET, "doctor", "triage", "--data", os.path.join(SCRATCH, "nowhere")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    expect("no folder", (done.returncode, done.stdout, "--all" in done.stderr), (3, "", True))
    done = subprocess.run([*words, "--all"], capture_output=True, text=True, check=False)
    expect("every part", (done.returncode, "pg_basebackup" in done.stdout), (0, True))


def main():
    lines = case_lines()
    what_cannot_be_read_is_told(lines)
    a_check_list_of_no_ledger_is_refused()
    a_gateways_clock_is_bounded()
    found = same_bytes_for_any_order(lines)
    zones_are_one_time(lines)
    rejects_are_counted_with_their_place(lines)
    unknown_fields_are_counted(lines)
    what_is_tampered_with_is_refused(lines)
    a_file_twice_is_refused(lines)
    questions_about_a_diagnosis(lines, found)
    what_was_not_seen_is_named(lines)
    wrong_words_end_with_the_commands_own_code()
    any_json_is_read(lines)
    a_tenth_is_no_wrong_decimal()
    a_reversal_counts_by_what_it_takes_back_in_the_end(lines)


if __name__ == "__main__":
    main()
