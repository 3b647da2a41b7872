#!/usr/bin/env python3
"""Goal: who asks for the same thing thousands of times in a day is judged as anybody else: what was paid
twice among it is named, and no more than that.

Method: bundles of 2,000 equal payments of one account: in one of them one was sent twice by one act of its
user, and another again after its answer was lost; in the other two came within seconds of each other. A
look-up that compares each with each, and with each again, meets its limit of steps: then nothing is named.
"""
import json
import os
import subprocess
import sys

TPWALLET = os.environ["TPWALLET"]
SCRATCH = os.environ["SCRATCH"]
COUNT = 2000
DAY = "2026-11-21"
WINDOW = {"from": "2026-11-20T00:00:00Z", "to": "2026-11-23T12:00:00Z"}
PRICE = 250
CLICKED, LOST = 700, 1400  # places of those that were sent again


def at(ms):
    seconds = ms // 1000
    return f"{DAY}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms % 1000:03}Z"


def paid(place, ms, **more):
    tx = f"t{place:05}"
    request = {"kind": "request", "ts": at(ms), "done_ts": at(ms + 100), "method": "POST", "path": "/v1/purchases",
               "client": "kiosk", "idem": f"k{place:05}", "body_hash": "same", "status": 200, "tx": tx,
               "account": "a1", "amount": str(-PRICE), "ccy": "EUR"}
    entry = {"kind": "ledger_tx", "tx": tx, "ts": at(ms + 50), "type": "payment", "state": "posted",
             "cause": "api", "account": "a1", "amount": str(-PRICE), "ccy": "EUR", "idem": f"k{place:05}"}
    legs = [{"kind": "posting", "ts": at(ms + 50), "tx": tx, "seq": seq, "account": account, "ccy": "EUR",
             "amount": str(amount)} for seq, (account, amount) in enumerate((("a1", -PRICE), ("m1", PRICE)))]
    return dict(request, **more), [entry] + legs


def accounts(count):
    return [{"kind": "account", "ts": WINDOW["to"], "account": account, "ccy": "EUR", "type": kind,
             "amount": str(opening + sign * PRICE * count), "opening": str(opening)}
            for account, kind, opening, sign in (("a1", "customer", 10 ** 7, -1), ("m1", "merchant", 0, 1))]


def busy_day():
    """One each 40 s; around the lost answer nothing else for a quarter of an hour. It is 10 s before a
    full ten minutes, and what was sent again 10 s after."""
    made, ms = [], 0
    for place in range(COUNT):
        more = {}
        if place in (CLICKED - 1, CLICKED):
            more = {"click": "c1"}
        elif place == LOST - 1:
            ms += 1_030_000
            more = {"status": 504}
        made.append(paid(place, ms, **more))
        ms += 940_000 if place == LOST else 20_000 if place == LOST - 1 else 40_000
    return made


def written(name, made):
    folder = os.path.join(SCRATCH, name)
    os.mkdir(folder)
    sources = []
    for kinds, system, rows in ((("request",), "gateway", [request for request, _ in made]),
                                (("ledger_tx", "posting"), "ledger-db", [row for _, rows in made for row in rows]),
                                (("account",), "balances-db", accounts(len(made)))):
        with open(os.path.join(folder, f"{kinds[0]}.ndjson"), "w", encoding="utf-8") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
        sources.append({"path": f"{kinds[0]}.ndjson", "kind": list(kinds), "system": system, "order": "none",
                        "coverage": [dict(WINDOW, kind=kind, loss="none") for kind in kinds]})
    with open(os.path.join(folder, "manifest.json"), "w", encoding="utf-8") as out:
        json.dump({"format": "tpwallet-bundle-1", "as_of": WINDOW["to"], "window": WINDOW, "sources": sources}, out)
    return folder


def diagnosed(folder):
    done = subprocess.run([TPWALLET, "doctor", "diagnose", folder, "--json"], capture_output=True, text=True,
                          check=False)
    if not done.stdout:
        sys.exit(f"no diagnosis: {done.stderr}")
    return json.loads(done.stdout)


def named(folder):
    """What is violated, and what the causes say was paid twice."""
    answer = diagnosed(folder)
    return {(row["invariant"], row["key"]) for row in answer["violations"]}, \
           {(cause["fault"], row["payment"]) for cause in answer["causes"] for row in cause["affected"]}


def expect(name, made, twice):
    places = [f"t{place:05}" for place in twice]
    violated, touched = named(written(name, made))
    if violated != {("I09", tx) for tx in places} or touched != {("P01", tx) for tx in places}:
        sys.exit(f"{name}: {len(violated)} violated: {sorted(violated)[:9]}, touched: {sorted(touched)[:9]}, not {places}")


def main():
    expect("day", busy_day(), (CLICKED, LOST))
    places = range(COUNT)  # the last two 1 s before and after a full ten minutes
    expect("seconds", [paid(place, 479_000 + 40_000 * place - (38_000 if place == COUNT - 1 else 0)) for place in places],
           (COUNT - 1,))


if __name__ == "__main__":
    main()
