"""Goal: what a machine stood still for is taken off a measurement, to the moment, and nothing else is:
who was only slow has broken the limit.

Method: ticks that are written down, against sums by hand; and a process that is stopped (SIGSTOP),
which tells for how long it stood still.
"""
import contextlib
import io
import signal
import subprocess
import sys
import time

from cli_harness import START_S, Stalls, check, equal, stands_still

STOPPED_S = 1.5
WATCHED = """
import sys, time
from cli_harness import Stalls
with Stalls() as stalls:
    begun = time.monotonic()
    print("ready", flush=True)
    sys.stdin.readline()
    print(stalls.sum_s(begun, time.monotonic()))
"""


def ends(stalls, begun, limit_s, ended):
    """Whether a test would end with that; and what it would say."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            stalls.check_took(begun, limit_s, "an answer", ended)
        except SystemExit:
            return True, said.getvalue()
    return False, said.getvalue()


def sums_are_right():
    stalls = Stalls()  # not begun: only what is written here
    stalls.ticks = [(10.0, 10.1), (11.0, 13.0), (15.0, 15.5)]
    equal(stalls.sum_s(9.0, 20.0), 2.5, "a tenth of a second is no standstill")
    equal(stalls.sum_s(12.0, 15.25), 1.25, "only what lies within")
    equal(stalls.sum_s(13.0, 15.0), 0, "nothing lies within")
    equal(stalls.longest_s(9.0, 20.0), 2.0, "the longest")
    equal(round(stalls.longest_s(9.0, 10.5), 6), 0.1, "which may be a short one")
    equal(ends(stalls, 10.0, 5.0, 16.0)[0], False, "6 s, of which 2.5 are the machine's")
    check("2.50 s" in ends(stalls, 10.0, 5.0, 16.0)[1], "which is told")
    equal(ends(stalls, 10.0, 5.0, 17.6)[0], True, "7.6 s, of which 2.5 are the machine's")
    equal(ends(stalls, 20.0, 5.0, 25.5), (True, "FAILED: an answer: 5.50 s, of which the machine stood"
                                          " still for 0.00 s; 5.0 s is the limit\n"), "a slow one")
    equal(ends(stalls, 20.0, 5.0, 24.5), (False, ""), "a quick one")


def a_standstill_is_seen():
    with subprocess.Popen([sys.executable, "-c", WATCHED], stdin=subprocess.PIPE, text=True,
                          stdout=subprocess.PIPE, cwd=sys.path[0]) as process:
        equal(process.stdout.readline(), "ready\n", "it begins")
        process.send_signal(signal.SIGSTOP)
        until = time.monotonic() + START_S
        while not stands_still(process):
            check(time.monotonic() < until, "it stands still")
        time.sleep(STOPPED_S)
        process.send_signal(signal.SIGCONT)
        stood_s = float(process.communicate("\n")[0])
    check(stood_s > STOPPED_S - 0.1, f"it stood still for {STOPPED_S} s, and says {stood_s:.2f} s")


sums_are_right()
a_standstill_is_seen()
