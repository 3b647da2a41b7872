"""When the machine itself stood still, as a thread of the test's own saw it.

    with Stalls() as stalls:
        begun = time.monotonic()
        ...
        stalls.sum_s(begun, time.monotonic())

Who promises to answer within a time cannot while nobody runs and no disk writes. The thread does
again and again what servers live by, a nap and a write that is synced: by what it is late the
machine is. So a measurement that is too long says whose time that was.
"""
import os
import sys
import threading
import time

NAP_S = 0.02
STALL_S = 0.25  # less is a busy machine, which gets on


class Stalls:
    def __init__(self):
        self.ticks = []  # (when it was due, when it came) of those that were late
        self.due = None  # of the one that is under way
        self.running = True
        self.failure = None  # of the disk: then nothing that was measured says anything
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.running = False
        self.thread.join()
        if self.failure is not None:
            print(f"FAILED: stalls cannot be measured: {self.failure}", file=sys.stderr)
            raise SystemExit(1)

    def _run(self):
        try:
            self._tick()
        except OSError as failure:
            self.failure = failure
        self.due = None

    def _tick(self):
        file = os.open(os.path.join(os.environ["SCRATCH"], "stalls"), os.O_WRONLY | os.O_CREAT, 0o600)
        while self.running:
            self.due = time.monotonic() + NAP_S
            time.sleep(NAP_S)
            os.pwrite(file, b"tick", 0)
            os.fdatasync(file)
            came = time.monotonic()
            if came - self.due > NAP_S:
                self.ticks.append((self.due, came))
        os.close(file)

    def _late_s(self, begun, ended):
        ticks = list(self.ticks)
        if self.due is not None:
            ticks.append((self.due, time.monotonic()))
        return [min(came, ended) - max(due, begun) for due, came in ticks
                if came > begun and due < ended]

    def longest_s(self, begun, ended):
        """By how much a tick was late between two moments of time.monotonic(), at most."""
        return max(self._late_s(begun, ended), default=0.0)

    def sum_s(self, begun, ended):
        """How much of the time between them the machine stood still."""
        return sum(late for late in self._late_s(begun, ended) if late >= STALL_S)

    def check_took(self, begun, limit_s, what, ended=None):
        """Ends the test when what has begun then took longer than it may, but for the machine."""
        ended = ended or time.monotonic()
        took_s, stood_s = ended - begun, self.sum_s(begun, ended)
        told = f"{what}: {took_s:.2f} s, of which the machine stood still for {stood_s:.2f} s"
        if took_s - stood_s >= limit_s:
            print(f"FAILED: {told}; {limit_s} s is the limit", file=sys.stderr)
            raise SystemExit(1)
        if took_s >= limit_s:
            print(told)
