#!/usr/bin/env python3
"""Sums the JUnit files that ctest wrote: test_summary.py [--failed-build PRESET]... PRESET...

Prints minutes per label and, last, `N passed, N failed, N skipped`. A cmocka program counts
with each of its cases, a script as one. Exits with 1 unless everything was run and passed.
The last lines of what failed are kept in build/test-failures.txt, which is empty else.

A test that failed and then passed alone (again.xml) is unsteady: it is named, its first failure is
kept, and more than UNSTEADY_MAX of them fail as what they are. So does what no stalled machine does
(FAULTS).
"""
import argparse
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

FAILURES = os.path.join("build", "test-failures.txt")
LINES_SHOWN, LINE_WIDTH = 15, 400
UNSTEADY_MAX = 2  # of over a thousand: a stalled machine; more are a fault
FAULTS = re.compile(r"Sanitizer|runtime error:|check failed:")


def cases_of(case):
    """(passed, failed, skipped) of one ctest entry."""
    status = case.get("status")
    output = case.findtext("system-out") or ""
    counts = []
    for word in ("PASSED", "FAILED", "SKIPPED"):
        counts.append(sum(int(n) for n in re.findall(r"\[  ?" + word + r" ? ?\] (\d+) test", output)))
    passed, failed, skipped = counts
    if status == "fail":
        return passed, max(failed, 1), skipped
    if status in ("notrun", "disabled") or case.find("skipped") is not None:
        return 0, 0, 1
    if passed + skipped == 0:
        return 1, 0, 0
    return passed, failed, skipped


def last_lines(case):
    lines = (case.findtext("system-out") or "").rstrip().split("\n")[-LINES_SHOWN:]
    return "\n".join(line[:LINE_WIDTH] for line in lines)


def labels_of(preset):
    """{test: label}: ctest 3.25 leaves the labels out of its JUnit file."""
    listing = subprocess.run(["ctest", "--test-dir", os.path.join("build", preset),
                              "--show-only=json-v1"], capture_output=True, text=True, check=True)
    labels = {}
    for test in json.loads(listing.stdout)["tests"]:
        for prop in test.get("properties", []):
            if prop["name"] == "LABELS":
                labels[test["name"]] = " ".join(prop["value"])
    return labels


def passed_again(preset):
    """Names of what ran once more, and passed."""
    path = os.path.join("build", preset, "again.xml")
    if not os.path.exists(path):
        return set()
    return {case.get("name") for case in ET.parse(path).getroot().iter("testcase")
            if case.get("status") == "run"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--failed-build", action="append", default=[])
    parser.add_argument("presets", nargs="+")
    arguments = parser.parse_args()
    totals, seconds, problems, failures, unsteady = [0, 0, 0], {}, [], [], 0
    for preset in arguments.presets:
        path = os.path.join("build", preset, "junit.xml")
        if preset in arguments.failed_build or not os.path.exists(path):
            why = "did not build" if preset in arguments.failed_build else "ran no tests"
            problems.append(f"{preset} {why}")
            totals[1] += 1
            continue
        try:
            with open(os.path.join("build", preset, "build_seconds"), encoding="ascii") as file:
                seconds[f"build {preset}"] = float(file.read())
        except OSError:
            pass
        labels, again, found = labels_of(preset), passed_again(preset), 0
        for case in ET.parse(path).getroot().iter("testcase"):
            found += 1
            counts = cases_of(case)
            said = "failed"
            stalled = case.get("name") in again and not FAULTS.search(case.findtext("system-out") or "")
            if counts[1] and stalled and unsteady < UNSTEADY_MAX:
                unsteady += 1
                said, counts = "UNSTEADY: failed, and passed when it ran alone", (1, 0, 0)
            totals = [total + count for total, count in zip(totals, counts)]
            label = labels.get(case.get("name"), "none")
            seconds[label] = seconds.get(label, 0.0) + float(case.get("time") or 0)
            if counts[1] or said != "failed":
                problems.append(f"{preset} {case.get('name')} {said}")
                failures.append(f"=== {problems[-1]}\n{last_lines(case)}\n")
        if found == 0:
            problems.append(f"{preset} ran no tests")
            totals[1] += 1
    with open(FAILURES, "w", encoding="utf-8") as file:
        file.writelines(failures)
    print("\nminutes per label, over " + " ".join(arguments.presets))
    for label in sorted(seconds):
        print(f"  {label:16} {seconds[label] / 60:6.2f}")
    for problem in problems:
        print(f"  {problem}")
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] or totals[0] == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
