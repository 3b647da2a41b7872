#!/usr/bin/env python3
"""Goal: a large bundle, whose records stay in its files, is diagnosed as a small one is, and what is
planted in it is found; a large ledger is collected whole.

Method: `bench collect` makes a ledger and collects it. `bench doctor` makes the bundle, with all that it says is wrong. Then its manifest is made to
lack the sizes, so that it counts as large: the diagnosis must be the same bytes; also with broken,
blank and overlong lines in it, and when a record is taken out. A file that was changed is refused.
"""
import hashlib
import json
import os
import re
import subprocess
import sys

TPWALLET = os.environ["TPWALLET"]
SCRATCH = os.environ["SCRATCH"]
PLANTED = {("I01", "1"), ("I02", "1"), ("I02", "100"), ("I05", "500"), ("I10", None), ("I18", "-7")}


def run(*words, code=None):
    done = subprocess.run([TPWALLET, *words], capture_output=True, text=True, check=False)
    if code is not None and done.returncode not in code:
        sys.exit(f"{words}: exit code {done.returncode}\n{done.stdout[:2000]}{done.stderr}")
    return done


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: {got}, and not {wanted}")


def diagnose(bundle, *options):
    return run("doctor", "diagnose", bundle, "--json", *options, code=range(8)).stdout


def change_manifest(bundle, change):
    path = f"{bundle}/manifest.json"
    with open(path, encoding="utf-8") as source:
        manifest = json.load(source)
    for source in manifest["sources"]:
        change(source)
    with open(path, "w", encoding="utf-8") as out:
        json.dump(manifest, out)


def forget_sizes(bundle):
    change_manifest(bundle, lambda source: source.pop("size"))


def write_again(bundle, name, lines):
    """A file of the bundle anew, and its size and digest in the manifest."""
    data = b"".join(lines)
    with open(f"{bundle}/{name}.ndjson", "wb") as out:
        out.write(data)

    def describe(source):
        if source["path"] == f"{name}.ndjson":
            source.update(size=len(data), sha256=hashlib.sha256(data).hexdigest())
    change_manifest(bundle, describe)


def made():
    told = run("bench", "doctor", "--transactions", "20k", "--keep", "--json", code=[0])
    figures = json.loads(told.stdout)
    expect("records", figures["records"], 20000 * 6 + 1000 + 8 + 20 + 2)
    if figures["resident_bytes"] <= 0 or "examine_ms" not in figures:
        sys.exit(f"figures: {figures}")
    return re.search("kept: (.*)", told.stderr).group(1)


def same_from_files(bundle):
    small = diagnose(bundle)
    found = {(v["invariant"], v.get("delta")) for v in json.loads(small)["violations"]}
    kinds = {(i, d if i != "I02" else d.lstrip("-")) for i, d in found if i not in ("I13",)}
    missing = PLANTED - kinds
    expect("what is planted", missing, set())
    expect("a message twice", sum(i == "I13" for i, d in found), 1)
    forget_sizes(bundle)
    expect("the diagnosis from files", diagnose(bundle), small)
    return small


def same_with_wrong_lines(bundle):
    with open(f"{bundle}/ledger.ndjson", "rb") as source:
        lines = source.readlines()
    lines[100:100] = [b"\n", b"no json\n", b"x" * 70000 + b"\n", b'{"kind":"psp"}\n', b"\n"]
    lines[40000:40000] = [b'{"kind":"posting","tx":"t1"}\n', b"y" * (9 << 20) + b"\n"]
    lines[-1] = lines[-1][:-1]  # the last line has no end
    write_again(bundle, "ledger", lines)
    small = diagnose(bundle)
    source = [s for s in json.loads(small)["sources"] if s["path"] == "ledger.ndjson"][0]
    expect("rejects", (source["rejected"], source["first_reject_line"]), (6, 102))
    forget_sizes(bundle)
    expect("the diagnosis with wrong lines", diagnose(bundle), small)


def same_without_a_record(bundle, small):
    record = [w for c in json.loads(small)["causes"] for p in c["predicates"]
              for w in p["witnesses"] if p["value"] == "true"][0]["record"]
    change_manifest(bundle, lambda s: s.update(size=os.path.getsize(f"{bundle}/{s['path']}")))
    without = diagnose(bundle, "--what-if", f"drop={record}")
    if without == small:
        sys.exit("a record less changes nothing")
    forget_sizes(bundle)
    expect("a record less", diagnose(bundle, "--what-if", f"drop={record}"), without)


def changed_is_refused(bundle):
    with open(f"{bundle}/psp.ndjson", "r+b") as source:
        source.seek(3000000)
        source.write(b"7")
    run("doctor", "diagnose", bundle, code=[8])


def large_ledger_is_collected():
    """Many lumps of lines: all of them are there, as the manifest says, and their books are right."""
    told = run("bench", "collect", "--transactions", "20k", "--keep", "--json", code=[0])
    figures = json.loads(told.stdout)
    expect("records", figures["records"], 20000 * 6 + 1000)
    bundle = re.search("kept: (.*)", told.stderr).group(1)
    run("doctor", "verify", bundle, code=[0])
    with open(f"{bundle}/manifest.json", encoding="utf-8") as source:
        sources = json.load(source)["sources"]
    expect("bytes", figures["bytes"], sum(os.path.getsize(f"{bundle}/{s['path']}") for s in sources))
    if min(figures[name] for name in ("collect_ms", "processor_ms", "resident_bytes")) <= 0:
        sys.exit(f"figures: {figures}")
    holds = {row["id"]: row["holds"] for row in json.loads(diagnose(bundle))["invariants"]}
    expect("the books", [holds[name] for name in ("I01", "I02", "I03")], ["yes"] * 3)


def main():
    os.environ["TMPDIR"] = SCRATCH
    large_ledger_is_collected()
    bundle = made()
    small = same_from_files(bundle)
    same_without_a_record(bundle, small)
    changed_is_refused(bundle)
    same_with_wrong_lines(made())


if __name__ == "__main__":
    main()
