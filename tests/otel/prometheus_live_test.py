"""Goal: every metric that a rule or a dashboard names is there, and every panel shows something.

Method: a real Prometheus with our rules scrapes real servers under load, one of them with two lanes;
each query of each dashboard is sent to it, and must be answered with samples, unless its panel says
that it needs what is not here. Names of what is not here must stand in the sources. Skipped without prometheus.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse

from otel_harness import (READY_S, SCRATCH, SOURCE, Program, check, equal, free_port, get, skip,
                          until)
from cli_harness import Server, Wallet
from paying_server import PayingServer, call
from sandbox_harness import Sandbox, receiving

DEPLOY = os.path.join(SOURCE, "deploy")
NOT_HERE = {"kafka", "kafka and --kafka-groups", "replicas", "postgres"}  # what panels may need that this test does not start
# Of servers with replicas, Kafka or PostgreSQL.
ELSEWHERE = re.compile("tpwallet_(replica|lease|takeovers|bus|projection|cache)_[a-z_]+")
LANES = 2
NAME = re.compile(r"\btpwallet_[a-z_]+")


def dashboards():
    for path in sorted(glob.glob(os.path.join(DEPLOY, "grafana", "*.json"))):
        with open(path, encoding="ascii") as file:
            yield os.path.basename(path), json.load(file)


def panels():
    for name, board in dashboards():
        for panel in board["panels"]:
            if panel["type"] != "row":
                yield name, panel


def structure_is_right():
    done = subprocess.run([sys.executable, os.path.join(DEPLOY, "grafana", "make.py"), "--check"],
                          capture_output=True, text=True, check=False)
    equal(done.returncode, 0, f"the dashboards are what make.py makes: {done.stderr}")
    uids = set()
    for name, board in dashboards():
        for key in ("uid", "title", "schemaVersion", "panels", "time", "__inputs"):
            check(key in board, f"{name} has {key}")
        check(board["uid"] not in uids, f"{name} has a uid of its own")
        uids.add(board["uid"])
        numbers = [panel["id"] for panel in board["panels"]]
        equal(len(numbers), len(set(numbers)), f"{name}: ids of panels")
        taken = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            check(0 <= place["x"] and place["x"] + place["w"] <= 24, f"{panel['title']} is on the grid")
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"])
                     for y in range(place["h"])}
            check(not cells & taken, f"{name}: {panel['title']} lies on another")
            taken |= cells
    for name, panel in panels():
        check(panel["targets"] and panel["title"] and panel["fieldConfig"]["defaults"]["unit"],
              f"{name}: {panel}")
        for target in panel["targets"]:
            check(target["expr"] and target["datasource"]["type"] == "prometheus", f"{target}")


def names_wanted():
    found = set()
    for path in glob.glob(os.path.join(DEPLOY, "prometheus", "*.yml")):
        with open(path, encoding="utf-8") as file:
            text = "".join(line for line in file if not re.match(r"\s*(#|summary|runbook)", line))
            found |= set(NAME.findall(text))
    for _, panel in panels():
        for target in panel["targets"]:
            found |= set(NAME.findall(target["expr"]))
    return {re.sub("_(bucket|count|sum)$", "", name) for name in found}


def names_are_there(pages):
    declared = set(re.findall(r"^# TYPE (\S+) ", "\n".join(pages), re.MULTILINE))
    wanted = names_wanted()
    missing = {name for name in wanted - declared if not ELSEWHERE.fullmatch(name)}
    equal(missing, set(), "metrics that nobody has")
    sources = []
    for path in glob.glob(os.path.join(SOURCE, "src", "**", "*.c"), recursive=True):
        with open(path, encoding="utf-8") as file:
            sources.append(file.read())
    text = "\n".join(sources)
    for name in wanted - declared:
        family = ELSEWHERE.fullmatch(name)[1]
        check(f'"{name}"' in text or f'"tpwallet_{family}_' not in text, f"{name} is in the sources")
    return len(wanted)


class Prometheus(Program):
    def __init__(self, plain, tls, key, lanes):
        self.port = free_port()
        config = {
            "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"},
            "rule_files": [os.path.join(DEPLOY, "prometheus", name)
                           for name in ("slo.yml", "states.yml")],
            "scrape_configs": [
                {"job_name": "tpwallet", "static_configs": [{"targets": [plain]}]},
                {"job_name": "lanes", "static_configs": [{"targets": [lanes]}]},
                {"job_name": "tls", "scheme": "https", "static_configs": [{"targets": [tls]}],
                 "authorization": {"credentials": key},
                 "tls_config": {"insecure_skip_verify": True}}]}
        path = os.path.join(SCRATCH, "prometheus.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump(config, file)  # which is YAML too
        super().__init__("prometheus", [
            "prometheus", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{self.port}",
            f"--storage.tsdb.path={os.path.join(SCRATCH, 'tsdb')}"])
        self.wait_ready(self.port, "/-/ready")

    def query(self, expr):
        status, body = get(self.port, "/api/v1/query?" + urllib.parse.urlencode({"query": expr}))
        equal(status, 200, f"{expr}: {body[:300]}")
        return json.loads(body)["data"]["result"]


def load(bench):
    """Payments, whose webhooks come and go, and one that is refused."""
    for _ in range(10):
        payment, _ = bench.pay_in()
        bench.until_state(payment, "succeeded")
    equal(call(bench.server, "GET", "/v1/payments/nonsense")[0], 400, "a refused request")


def every_panel_shows_something(prometheus, bench):
    kinds = ("payment", "request", "latency", "webhook")
    until(lambda: (load(bench), all(prometheus.query(f"tpwallet:{kind}_errors:ratio_rate{window}")
                                    for kind in kinds for window in ("5m", "1h")))[1],
          "the rules have been evaluated", READY_S)
    shown = 0
    for name, panel in panels():
        needs = panel.get("description", "").removeprefix("Empty without: ").rstrip(".")
        for target in panel["targets"]:
            expr = target["expr"]
            if needs in NOT_HERE:
                prometheus.query(expr)
                continue
            until(lambda expr=expr: prometheus.query(expr),
                  f"{name}: {panel['title']} is empty: {expr}")
            shown += 1
    return shown


def tls_server():
    wallet = Wallet("tls")
    wallet.run("init")
    secret = wallet.json("key", "create", "prometheus", "--scopes", "metrics:read")["secret"]
    pem, key = os.path.join(SCRATCH, "cert.pem"), os.path.join(SCRATCH, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", pem, "-days", "30",
                    "-subj", "/CN=localhost"], check=True, capture_output=True)
    os.chmod(key, 0o600)
    return Server(wallet, "--tls-cert", pem, "--tls-key", key).start(), secret


def lanes_server():
    wallet = Wallet("lanes")
    wallet.run("init", "--lanes", str(LANES))
    return Server(wallet, "--plain", "--anonymous").start()


def one_job_tells_of_all_lanes(prometheus, server):
    made = [{"id": f"019ab000-0000-8000-8000-0000{number:04x}{lane:04x}", "asset": "EUR",
             "kind": "liability"} for lane in range(LANES) for number in range(3 - lane)]
    for account in made:  # three in lane 0, two in lane 1
        equal(call(server, "POST", "/v1/accounts", account)[0], 201, f"{account}")

    def accounts():
        return {found["metric"]["lane"]: found["value"][1]
                for found in prometheus.query('max by (lane) (tpwallet_accounts{job="lanes"})')}
    until(lambda: accounts() == {"0": "3", "1": "2"}, "the accounts of each lane")
    until(lambda: [up["value"][1] for up in prometheus.query('up{job="lanes"}')] == ["1"],
          "the page is read")


def certificate_has_a_month(prometheus):
    (found,) = until(lambda: prometheus.query("tpwallet_certificate_end_timestamp_seconds - time()"),
                     "the certificate's end")
    check(29 * 86400 < float(found["value"][1]) < 31 * 86400, f"a month: {found}")


def main():
    if shutil.which("prometheus") is None:
        skip("no prometheus: tools/setup.sh --for test")
    structure_is_right()
    with Sandbox() as sandbox, receiving() as receiver:
        with PayingServer("watched", sandbox, "--otlp", "http://127.0.0.1:9/v1/traces") as bench:
            bench.send_events_to(receiver.url)
            tls, secret = tls_server()
            lanes = lanes_server()
            try:
                with Prometheus(bench.server.address, tls.address, secret,
                                lanes.address) as prometheus:
                    certificate_has_a_month(prometheus)
                    one_job_tells_of_all_lanes(prometheus, lanes)
                    shown = every_panel_shows_something(prometheus, bench)
                    certificate = "# TYPE tpwallet_certificate_end_timestamp_seconds gauge"
                    between = call(lanes, "GET", "/metrics")[1]
                    named = names_are_there([bench.page(), between, certificate])
                tls.stop()
                lanes.stop()
            finally:
                for server in (tls, lanes):
                    if server.process.poll() is None:
                        server.kill()
    print(f"{shown} queries of dashboards show something; {named} metrics are there")


main()
