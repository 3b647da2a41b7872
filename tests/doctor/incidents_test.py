"""Goal: the worked incidents of docs/incidents are what really happens, word for word.

Method: a real PostgreSQL makes each ledger anew, and its records must be those of the dump that the page
begins with; then the page's commands are given in order, and their output must be the page's. Digests and
ids that follow from the rules are compared as such. Written anew by `incidents_test.py --write` under the
same environment.
"""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "doctor"))
# pylint: disable=wrong-import-position
from foreign_harness import EXAMPLES, LEDGERS, dumped, environment, made, program
from cli_harness import SCRATCH, SOURCE, TPWALLET, check, equal
from postgres_harness import Postgres

PATTERNS = ((r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
            (r"by rules [0-9a-f]{8}", "by rules DIGEST"), (r"R-[0-9a-f]{16}", "R-DIGEST"))
WINDOW = ("--from", "2026-11-16T00:00:00Z", "--to", "2026-11-22T00:00:00Z")


def page_of(ledger):
    return os.path.join(SOURCE, "docs", "incidents", f"{ledger}.md")


def plain(text):
    for pattern, word in PATTERNS:
        text = re.sub(pattern, word, text)
    return text


def steps_of(lines):
    """[command, first line of its output, line behind it] for each command of the page's consoles."""
    steps = []
    inside = False
    place = 0
    while place < len(lines):
        line = lines[place]
        place += 1
        if line.startswith("```"):
            if inside and steps:
                steps[-1][2] = place - 1
            inside = line == "```console" and not inside
        elif inside and line.startswith("$ "):
            if steps and steps[-1][2] is None:
                steps[-1][2] = place - 1
            command = line[2:]
            while command.endswith("\\"):
                command += "\n" + lines[place]
                place += 1
            steps.append([command, place, None])
    return steps


def workplace(server, ledger):
    """A folder with the examples, and what its commands need to find."""
    folder = os.path.join(SCRATCH, f"page-{ledger}")
    shutil.copytree(EXAMPLES, folder)
    variables = environment(server)
    variables["PATH"] = f"{os.path.dirname(TPWALLET)}:{variables['PATH']}"
    return {"cwd": folder, "env": variables}


def walked(server, ledger, write):
    """The page's commands, one after the other; how many there were."""
    with open(page_of(ledger), encoding="utf-8") as file:
        lines = file.read().split("\n")
    steps = steps_of(lines)
    where = workplace(server, ledger)
    for step in steps:
        done = subprocess.run(["bash", "-c", step[0]], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, timeout=120, **where)
        step.append(done.stdout.splitlines())
    for command, first, behind, found in steps:
        equal(write or plain("\n".join(found)), write or plain("\n".join(lines[first:behind])),
              f"{ledger}: $ {command}\n")
    for _, first, behind, found in reversed(steps):
        lines[first:behind] = found
    if write:
        with open(page_of(ledger), "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
    return len(steps)


def records(dump, ledger, name):
    case = os.path.join(SCRATCH, name)
    key = os.path.join(SCRATCH, f"{name}.key")
    subprocess.run([TPWALLET, "doctor", "key", key, "--name", "anna"], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run([TPWALLET, "doctor", "collect", case, "--key", key, "--incident", "7F3A", *WINDOW,
                    "--tables", dump, "--tables-mapping", ledger], check=True,
                   stdout=subprocess.DEVNULL)
    with open(os.path.join(case, "evidence", "01-tables.ndjson"), encoding="utf-8") as file:
        return sorted(file)


def main():
    write = sys.argv[1:] == ["--write"]
    count = 0
    with Postgres() as server:
        for ledger in LEDGERS:
            made(server, ledger)
            fresh = dumped(server, ledger, f"{ledger}.fresh.sql")
            kept = os.path.join(EXAMPLES, f"{ledger}.dump.sql")
            equal(records(fresh, ledger, f"{ledger}-fresh"), records(kept, ledger, f"{ledger}-kept"),
                  f"{ledger}: what was made anew, and what is kept")
            count += walked(server, ledger, write)
            for database in ("rehearsal", "spent"):  # which the pages make
                program(server, "dropdb", "--if-exists", database)
    check(count > 30, "pages of commands")
    print(f"incidents: {count} commands of {len(LEDGERS)} pages are as written")


if __name__ == "__main__":
    main()
