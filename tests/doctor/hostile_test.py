"""Goal: a hostile file costs no more than an honest one of its size: nothing is looked for by passing
all that came before.

Method: traces and dumps whose every line asks for what is furthest away are collected by a process
that is ended when it has used more processor time than twenty times what such files take.
"""
import json
import os
import resource
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "e2e"))
# pylint: disable=wrong-import-position
from cli_harness import DONE, SCRATCH, TPWALLET, USAGE, Wallet, check, equal, file_of

KEY = os.path.join(SCRATCH, "anna.key")
SECONDS_MAX = 40  # of processor: a debug build under a sanitizer takes a few
SIZE = 16 << 20


def collect(case, *words):
    """Exit code, errors, and the records of the one source."""
    folder = os.path.join(SCRATCH, case)
    done = subprocess.run(
        [TPWALLET, "doctor", "collect", folder, "--key", KEY, "--incident", "7F3A", *words],
        capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX)))
    check(done.returncode >= 0, f"{case}: ended by signal {-done.returncode}")
    rows = []
    for name in os.listdir(os.path.join(folder, "evidence")) if done.returncode == 0 else ():
        with open(os.path.join(folder, "evidence", name), encoding="utf-8") as file:
            rows += [json.loads(line) for line in file]
    return done.returncode, done.stderr, rows


def spans_of_as_many_processes():
    """Each span looks for its process behind all others; every tenth for one that is not there."""
    count = SIZE // 200
    processes = {f"p{n}": {"serviceName": f"s{n}"} for n in range(count)}
    spans = [{"traceID": "ab", "spanID": f"{n + 1:x}", "startTime": 1700000000000000 + n,
              "duration": 1, "processID": f"p{n}" if n % 10 else "none", "operationName": "o"}
             for n in reversed(range(count))]
    path = file_of("spans.json", json.dumps({"data": [{"processes": processes, "spans": spans}]}))
    code, _, rows = collect("spans", "--traces", path)
    equal((code, len(rows)), (DONE, count), "spans")
    equal([row.get("service") for row in rows[:10]],
          [f"s{n}" if n % 10 else None for n in range(count - 1, count - 11, -1)], "their services")


def spans_of_a_process_with_many_tags():
    count = SIZE // 200
    tags = [{"key": f"k{n}", "value": "x"} for n in range(count)]
    tags.append({"key": "hostname", "value": "h1"})
    spans = [{"traceID": "ab", "spanID": f"{n + 1:x}", "startTime": 1700000000000000 + n,
              "processID": "p"} for n in range(count)]
    path = file_of("tags.json", json.dumps(
        {"data": [{"processes": {"p": {"serviceName": "s", "tags": tags}}, "spans": spans}]}))
    code, _, rows = collect("tags", "--traces", path)
    equal((code, len(rows), {row["host"] for row in rows}), (DONE, count, {"h1"}), "spans")


def rows_of_one_of_many_tables():
    """Rows that name no columns, of the table that was made first of many."""
    tables = "".join(f"CREATE TABLE t{n} (a int);\n" for n in range(9000))
    row = "INSERT INTO t0 VALUES (1);\n"
    path = file_of("many.sql", tables + row * ((SIZE - len(tables)) // len(row)))
    code, err, rows = collect("many", "--tables", path, "--tables-mapping", "formance")
    equal((code, rows), (USAGE, []), "nothing of it is in the mapping")
    check("has no table" in err, err)


def main():
    Wallet("wallet").run("doctor", "key", KEY, "--name", "anna")
    spans_of_as_many_processes()
    spans_of_a_process_with_many_tags()
    rows_of_one_of_many_tables()


if __name__ == "__main__":
    main()
