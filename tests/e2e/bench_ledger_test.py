"""Goal: `bench ledger` makes as many transfers as it was asked for, whatever callers and calls there
are, and says so.

Method: small runs of the real command, with numbers that no call and no caller divides; no figure is
judged.
"""
import json
import os
import subprocess

from cli_harness import DONE, SCRATCH, TPWALLET, equal

RUNS = ((100_001, ("--clients", "3")),
        (5, ("--clients", "8")),
        (1, ()),
        (20_011, ("--batch", "100", "--clients", "4", "--threads", "2", "--two-phase", "50")),
        (7, ("--clients", "2", "--two-phase", "100")))


def main():
    for transfers, options in RUNS:
        words = [TPWALLET, "bench", "ledger", "--transfers", str(transfers), "--accounts", "100",
                 "--json", *options]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300,
                              env={**os.environ, "TMPDIR": SCRATCH})
        equal(done.returncode, DONE, f"exit code of {words}: {done.stderr}")
        found = json.loads(done.stdout)
        equal((found["transfers"], found["refused"]), (transfers, 0), f"transfers of {options}")


main()
