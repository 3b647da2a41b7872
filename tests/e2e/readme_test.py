"""Goal: the first session of README.md does what it says, line by line, for somebody who has nothing else.

Method: its commands are given to a shell as they stand, with the test's own program, ports and folder
in place of the document's; a server that is started is waited for, and the id that a command shows is
written where the document has ID.
"""
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time

from cli_harness import SCRATCH, SOURCE, START_S, TPWALLET, check, equal

sys.path.insert(0, os.path.join(SOURCE, "tests"))
from free_port import free_ports  # noqa: E402

HEADING = "## A first session"


def session():
    """Its lines: those that go on in the next one are one."""
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
        text = file.read().split(HEADING)[1].split("\n## ")[0]
    block = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
    return block.replace("\\\n", " ").splitlines()


def as_here(line, ports):
    line = line.replace("/tmp/", SCRATCH + "/").replace("build/release/tpwallet", TPWALLET)
    for documented, own in ports.items():
        line = line.replace(f":{documented}", f":{own}")
    if "payment create" in line:  # who reads the document copies the id
        return f"shown=$({line}) && echo \"$shown\" && id=$(echo \"$shown\" | sed -n 's/^id *//p')"
    return re.sub(r"\bID\b", '"$id"', line)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def said(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def wait_for(what, condition, shell, path):
    until = time.monotonic() + START_S
    while not condition():
        check(shell.poll() is None, f"the session has ended before the {what}: {said(path)}")
        check(time.monotonic() < until, f"no {what}: {said(path)}")
        time.sleep(0.02)


def main():
    ports = dict(zip((8080, 8090), free_ports(2)))
    path = os.path.join(SCRATCH, "out")
    lines = session()
    check(len(lines) > 10, f"the session is there: {lines}")
    with open(path, "w", encoding="utf-8") as out:
        with subprocess.Popen(["bash", "-e"], stdin=subprocess.PIPE, stdout=out, stderr=out, text=True,
                              start_new_session=True) as shell:
            try:
                for number, line in enumerate(lines):
                    done = os.path.join(SCRATCH, f"line-{number}")
                    shell.stdin.write(f"{as_here(line, ports)}\n: > '{done}'\n")
                    shell.stdin.flush()
                    wait_for(f"end of '{line}'", lambda done=done: os.path.exists(done), shell, path)
                    started = re.search(r"--listen 127\.0\.0\.1:(\d+).* & ", line)
                    if started:
                        port = ports[int(started[1])]
                        wait_for(f"server on {port}", lambda port=port: listens(port), shell, path)
                shell.stdin.close()
                code = shell.wait(timeout=START_S)
            finally:
                with contextlib.suppress(ProcessLookupError):  # it has ended what it had started
                    os.killpg(shell.pid, signal.SIGKILL)
    text = said(path)
    equal(code, 0, f"the session's exit code: {text}")
    for words in ("name      shop", "state        pending", "listens on", "25.00 EUR"):
        check(words in text, f"'{words}' in {text}")


main()
