"""Goal: every field that the log can have is in deploy/opensearch/index-template.json, in its type;
a real OpenSearch takes the lines of a real server with it, and finds a payment's by its id.

Method: the template is what deploy/opensearch/make.py makes of the sources, and a log is held
against it; then OpenSearch 2.19, its jars from Maven Central, is started with the template, whose
mapping is strict. That part is skipped without Maven, javac or the jars.
"""
import glob
import hashlib
import http.client
import json
import os
import re
import shutil
import subprocess
import sys

from otel_harness import SCRATCH, SOURCE, Program, check, equal, fcntl, free_port, skip, until
from paying_server import PayingServer
from sandbox_harness import Sandbox

HERE = os.path.join(SOURCE, "tests", "otel", "opensearch")


def template():
    with open(os.path.join(SOURCE, "deploy", "opensearch", "index-template.json"),
              encoding="ascii") as file:
        return json.load(file)


def template_is_made_of_the_sources():
    make = os.path.join(SOURCE, "deploy", "opensearch", "make.py")
    done = subprocess.run([sys.executable, make, "--check"], capture_output=True, text=True,
                          check=False)
    equal(done.returncode, 0, done.stderr)
    for path in glob.glob(os.path.join(SOURCE, "src", "**", "*.c"), recursive=True):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        aside = re.findall(r"(?<!return )\(struct log_field\)|struct log_field \w+;", text)
        check(not aside or path.endswith("_test.c"), f"{path} fills fields where make.py looks not: {aside}")


def log_of_a_server():
    """Its lines, and a payment that they tell of."""
    with Sandbox() as sandbox, PayingServer("logged", sandbox) as bench:
        sandbox.call("PUT", "/faults", {"seed": 1, "faults": [
            {"fault": "timeout_after", "ms": 100, "per_mille": 1000, "operation": "charge"}]})
        payment, _ = bench.pay_in()
        until(lambda: f'"payment":"{payment}"' in bench.server.tail(), "a line about the payment")
        sandbox.call("DELETE", "/faults")
        bench.until_state(payment, "succeeded", "failed", "manual")
    with open(bench.server.log, encoding="utf-8") as file:
        return [line for line in file if line.startswith("{")], payment


def jars():
    """The folder with lib/ and classes/, made once for each state of its sources."""
    for program in ("mvn", "javac", "java"):
        if shutil.which(program) is None:
            skip(f"no OpenSearch: {program} is not installed; the fields were checked")
    state = hashlib.sha256()
    for name in ("pom.xml", "OpenSearchNode.java"):
        with open(os.path.join(HERE, name), "rb") as file:
            state.update(file.read())
    base = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    folder = os.path.join(base, "tpwallet-otel", "opensearch-" + state.hexdigest()[:16])
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(folder, "done")):
            got = subprocess.run(
                ["mvn", "-q", "-B", "-f", os.path.join(HERE, "pom.xml"),
                 "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies",
                 f"-DoutputDirectory={folder}/lib"], capture_output=True, text=True, check=False)
            if got.returncode != 0:
                skip("no OpenSearch: its jars cannot be had; the fields were checked: "
                     + got.stdout[-300:])
            built = subprocess.run(
                ["javac", "-nowarn", "-cp", f"{folder}/lib/*", "-d", f"{folder}/classes",
                 os.path.join(HERE, "OpenSearchNode.java")], capture_output=True, text=True,
                check=False)
            equal(built.returncode, 0, f"the node compiles: {built.stderr}")
            with open(os.path.join(folder, "done"), "w", encoding="ascii"):
                pass
    return folder


class OpenSearch(Program):
    def __init__(self):
        folder = jars()
        self.port = free_port()
        data = os.path.join(SCRATCH, "opensearch")
        os.makedirs(os.path.join(data, "config"))
        super().__init__("opensearch", [
            "java", "-Xmx512m", "-Dlog4j2.disable.jmx=true", "-cp",
            f"{folder}/classes:{folder}/lib/*", "OpenSearchNode", data, str(self.port)])
        self.wait_ready(self.port, "/")

    def call(self, method, path, body, status=200, kind="application/json"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        connection.request(method, path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        equal(answer.status, status, f"{method} {path}: {text[:500]}")
        return json.loads(text)


def lines_are_found(search, lines, payment):
    search.call("PUT", "/_index_template/tpwallet-log", json.dumps(template()))
    bulk = "".join('{"create":{}}\n' + line for line in lines)
    done = search.call("POST", "/tpwallet-log-2026.11/_bulk?refresh=true", bulk,
                       kind="application/x-ndjson")
    equal(done["errors"], False, f"all lines are taken: {json.dumps(done)[:1000]}")
    found = search.call("POST", "/tpwallet-log-*/_search",
                        json.dumps({"query": {"term": {"payment": payment}}, "sort": ["seq"]}))
    hits = [hit["_source"] for hit in found["hits"]["hits"]]
    wanted = [json.loads(line) for line in lines if f'"payment":"{payment}"' in line]
    equal(hits, wanted, "what is found by the payment's id")
    check(hits and hits[0]["trace_id"], "and its trace")
    unknown = json.dumps({**json.loads(lines[0]), "surprise": 1})
    search.call("POST", "/tpwallet-log-2026.11/_doc", unknown, status=400)
    return len(lines)


def main():
    template_is_made_of_the_sources()
    lines, payment = log_of_a_server()
    known = set(template()["template"]["mappings"]["properties"])
    for line in lines:
        equal(set(json.loads(line)) - known, set(), f"fields of a line: {line}")
    with OpenSearch() as search:
        print(f"{lines_are_found(search, lines, payment)} lines taken by a real OpenSearch")


main()
