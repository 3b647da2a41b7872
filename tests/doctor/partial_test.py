#!/usr/bin/env python3
"""Goal: who collects some payments of a ledger is not told that the others are missing.

Method: healthy wallets whose ledger is told for some of its transactions only, as `collect --payment`
tells it, beside everything that all other systems have; nothing is violated, and no cause is named. Told
as if it were whole, much is: so it is the coverage that says it.
"""
import json
import os
import random
import subprocess
import sys

TPWALLET = os.environ["TPWALLET"]
SCRATCH = os.environ["SCRATCH"]
SEEDS = 12
TAKEN = 15
LEDGER = ("ledger_tx", "posting", "account", "hold")


def lines_of(folder, path):
    with open(os.path.join(folder, path), encoding="utf-8") as source:
        return [json.loads(line) for line in source]


def taken_of(rows, chosen):
    """What chosen transactions touch: balances as they are, from what they were before what is told."""
    kept = [row for row in rows if row["kind"] in ("ledger_tx", "posting") and row["tx"] in chosen]
    moved = {}
    for row in kept:
        if row["kind"] == "posting":
            place = (row["account"], row["ccy"])
            moved[place] = moved.get(place, 0) + int(row["amount"])
    for row in rows:
        if row["kind"] == "account" and (row["account"], row["ccy"]) in moved:
            kept.append(dict(row, opening=str(int(row["amount"]) - moved[row["account"], row["ccy"]])))
    return kept


def narrowed(seed, loss):
    folder = os.path.join(SCRATCH, f"case{seed}-{loss}")
    subprocess.run([TPWALLET, "exam", "--case", str(seed), "--clean", "--out", folder], check=True,
                   capture_output=True)
    with open(f"{folder}/manifest.json", encoding="utf-8") as source:
        manifest = json.load(source)
    for source in manifest["sources"]:
        if "ledger_tx" not in source["kind"]:
            continue
        rows = lines_of(folder, source["path"])
        chosen = random.Random(seed).sample([row["tx"] for row in rows if row["kind"] == "ledger_tx"], TAKEN)
        kept = taken_of(rows, set(chosen))
        with open(os.path.join(folder, source["path"]), "w", encoding="utf-8") as out:
            out.writelines(json.dumps(row, separators=(",", ":")) + "\n" for row in kept)
        for name in ("sha256", "size", "rows"):
            source.pop(name, None)
        kinds = source["kind"] if isinstance(source["kind"], list) else [source["kind"]]
        source["coverage"] = [{"kind": kind, "loss": loss} for kind in kinds]
    with open(f"{folder}/manifest.json", "w", encoding="utf-8") as out:
        json.dump(manifest, out)
    return folder


def said(seed, loss):
    done = subprocess.run([TPWALLET, "doctor", "diagnose", narrowed(seed, loss), "--json"], capture_output=True,
                          text=True, check=False)
    found = json.loads(done.stdout)
    return [(seed, cause["fault"], cause["label"]) for cause in found["causes"]] + \
           [(seed, row["invariant"], row["key"]) for row in found["violations"]]


def main():
    wrong = [what for seed in range(SEEDS) for what in said(seed, "sampled")]
    if wrong:
        sys.exit(f"{len(wrong)} things are said of what was not collected: {wrong[:40]}")
    if len(said(0, "none")) < TAKEN:
        sys.exit("what is missing of a ledger that is told as whole is not missed")


if __name__ == "__main__":
    main()
