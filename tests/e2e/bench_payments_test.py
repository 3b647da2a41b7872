"""Goal: the bench of pay-ins measures what it says: every payment succeeds, and each is told once, in
order, at the endpoint that it opened, after it had succeeded.

Method: a small run of the real command, with webhooks in and out; no figure is judged.
"""
import json
import os
import subprocess

from cli_harness import DONE, SCRATCH, TPWALLET, check, equal


def main():
    words = [TPWALLET, "bench", "payments", "pay-in", "--rate", "40", "--duration-s", "2",
             "--connections", "4", "--webhooks", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300,
                          env={**os.environ, "TMPDIR": SCRATCH})
    equal(done.returncode, DONE, f"exit code; {done.stderr}")
    found = json.loads(done.stdout)
    check(found["succeeded"] >= 20, f"payments were made: {found}")
    equal((found["failed"], found["failures"]), (0, 0), f"none failed: {found}")
    equal(found["told"], found["succeeded"], "each was told by webhook")
    equal(found["told_gaps"], 0, "none was left out")
    check(found["told_max_ms"] >= found["ended_p50_ms"], f"told after it was done: {found}")
    check(found["told_per_second"] > 0, f"a rate: {found}")


main()
