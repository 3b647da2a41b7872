"""What the tests of observability share: a real OpenTelemetry Collector, Jaeger, and what they hold."""
import ctypes
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.parse

SOURCE = os.environ["TPWALLET_SOURCE"]
sys.path[:0] = [os.path.join(SOURCE, "tests"), os.path.join(SOURCE, "tests", "e2e")]

# pylint: disable=wrong-import-position
from cli_harness import SCRATCH, check, equal, skip  # noqa: E402
from free_port import free_port, free_ports  # noqa: E402
from sandbox_harness import until  # noqa: E402

HERE = os.path.join(SOURCE, "tests", "otel", "collector")
JAEGER = "github.com/jaegertracing/jaeger/cmd/all-in-one"
PR_SET_PDEATHSIG = 1
READY_S = 300  # a JVM, or a program of Go that is large, on a busy machine


def go(*words):
    path = os.environ["PATH"] + ":/usr/local/go/bin"
    settings = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off",
                "PATH": path}
    program = shutil.which("go", path=path)
    if program is None:
        skip("no collector: go is not installed")
    return subprocess.run([program, *words], cwd=HERE, env={**os.environ, **settings},
                          capture_output=True, text=True, check=False)


def go_is_new_enough():
    with open(os.path.join(HERE, "go.mod"), encoding="ascii") as file:
        wanted = next(line.split()[1] for line in file if line.startswith("go "))
    have = go("env", "GOVERSION").stdout.strip().removeprefix("go")
    numbers = [int("".join(c for c in part if c.isdigit()) or 0) for part in have.split(".")[:2]]
    if numbers < [int(part) for part in wanted.split(".")[:2]]:
        skip(f"no collector: go is {have or 'of no known version'}, not {wanted} or newer")


def programs():
    """The folder with `collector` and `all-in-one`, built once for each state of their sources."""
    go_is_new_enough()
    state = hashlib.sha256()
    for name in ("go.mod", "go.sum", "main.go"):
        with open(os.path.join(HERE, name), "rb") as file:
            state.update(file.read())
    base = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    folder = os.path.join(base, "tpwallet-otel", state.hexdigest()[:16])
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(folder, "done")):
            modules = go("mod", "download")
            have = modules.returncode == 0 or "403 Forbidden" in modules.stderr
            if not have:
                skip("no collector: its modules cannot be had: "
                     + modules.stderr.strip().split("\n")[-1])
            built = go("build", "-trimpath", "-ldflags=-s -w", "-o", folder + "/", ".", JAEGER)
            check(built.returncode == 0, "the collector and Jaeger build: " + built.stderr)
            with open(os.path.join(folder, "done"), "w", encoding="ascii"):
                pass
    return folder


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """A process that ends with this one, its output in a file of the scratch folder."""

    def __init__(self, name, words, **more):
        self.log = os.path.join(SCRATCH, name + ".log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, cwd=SCRATCH,
                                            preexec_fn=die_with_parent, **more)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()[-3000:]

    def wait_ready(self, port, path):
        def ready():
            check(self.process.poll() is None, f"it runs: {self.tail()}")
            try:
                return get(port, path)[0] in (200, 204)
            except (OSError, http.client.HTTPException):
                return False
        until(ready, f"{self.process.args[0]} answers", READY_S)


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


class Jaeger(Program):
    """Keeps traces in memory; takes OTLP and answers its query API."""

    def __init__(self):
        self.otlp, self.query, admin, *rest = free_ports(8)
        here = "127.0.0.1:"
        options = {"collector.otlp.http.host-port": self.otlp, "query.http-server.host-port": self.query,
                   "admin.http.host-port": admin, "collector.otlp.grpc.host-port": rest[0],
                   "collector.grpc-server.host-port": rest[1], "query.grpc-server.host-port": rest[2],
                   "collector.http-server.host-port": rest[3], "collector.zipkin.host-port": rest[4]}
        words = [os.path.join(programs(), "all-in-one")]
        words += [f"--{name}={here}{port}" for name, port in options.items()]
        words += ["--memory.max-traces=10000"]
        super().__init__("jaeger", words, env={**os.environ, "SPAN_STORAGE_TYPE": "memory"})
        self.url = f"http://{here}{self.otlp}/v1/traces"
        self.wait_ready(self.query, "/api/services")

    def trace(self, trace_id):
        """The spans of a trace by id, as Jaeger puts them together; {}: there are none."""
        status, body = get(self.query, "/api/traces/" + trace_id)
        if status != 200:
            return {}
        data = json.loads(body)["data"]
        equal(len(data), 1, "one trace")
        return {span["spanID"]: span for span in data[0]["spans"]}

    def find(self, **tags):
        """The traces of the service that have a span with these tags."""
        query = urllib.parse.urlencode({"service": "tpwallet", "tags": json.dumps(tags),
                                        "limit": "1000"})
        status, body = get(self.query, "/api/traces?" + query)
        equal(status, 200, f"Jaeger's search: {body[:300]}")
        return [trace["traceID"] for trace in json.loads(body)["data"]]


class Collector(Program):
    """Writes what it takes to files, and passes spans on to Jaeger."""

    def __init__(self, jaeger):
        port = free_port()
        self.spans_file = os.path.join(SCRATCH, "spans.json")
        self.logs_file = os.path.join(SCRATCH, "logs.json")
        config = {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
            "exporters": {"file/spans": {"path": self.spans_file, "flush_interval": "100ms"},
                          "file/logs": {"path": self.logs_file, "flush_interval": "100ms"},
                          "otlphttp": {"traces_endpoint": jaeger.url}},
            "service": {
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {
                    "traces": {"receivers": ["otlp"], "exporters": ["file/spans", "otlphttp"]},
                    "logs": {"receivers": ["otlp"], "exporters": ["file/logs"]}}}}
        path = os.path.join(SCRATCH, "collector.yaml")
        with open(path, "w", encoding="ascii") as file:
            json.dump(config, file)  # which is YAML too
        super().__init__("collector", [os.path.join(programs(), "collector"), "--config", path])
        self.traces_url = f"http://127.0.0.1:{port}/v1/traces"
        self.logs_url = f"http://127.0.0.1:{port}/v1/logs"

        def listens():
            check(self.process.poll() is None, f"the collector runs: {self.tail()}")
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0
        until(listens, "the collector listens", READY_S)

    def spans(self):
        return [span for line in lines(self.spans_file) for resource in line["resourceSpans"]
                for scope in resource["scopeSpans"] for span in scope["spans"]]

    def records(self):
        return [record for line in lines(self.logs_file) for resource in line["resourceLogs"]
                for scope in resource["scopeLogs"] for record in scope["logRecords"]]


def lines(path):
    """What is whole in a file of JSON lines."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def trace_at_both(jaeger, collector, trace, wanted, client):
    """
    (the spans of a trace at Jaeger, and in the collector's file), once both have the same. What was
    sent comes there in any order: so `wanted` says how many of which name there are at least, and
    each has its parent, or the client's.
    """
    def look():
        spans = jaeger.trace(trace)
        held = {span["spanId"]: span for span in collector.spans() if span["traceId"] == trace}
        names = [span["operationName"] for span in spans.values()]
        all_there = all(names.count(name) >= count for name, count in wanted.items())
        whole = all(parent(span) in spans or parent(span) == client for span in spans.values())
        return all_there and whole and set(held) == set(spans) and (spans, held)
    return until(look, f"all spans at Jaeger and the collector, which are {wanted}")


def attributes(entries):
    return {entry["key"]: next(iter(entry["value"].values())) for entry in entries}


def tags(span):
    """Of a span of Jaeger's."""
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def parent(span):
    found = [ref["spanID"] for ref in span["references"] if ref["refType"] == "CHILD_OF"]
    return found[0] if found else None
