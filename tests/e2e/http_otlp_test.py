"""Goal: each request is a span at the collector, in the caller's trace; without a collector the
server serves all the same.

Method: a collector in this process keeps what it is sent; requests with and without traceparent.
"""
import http.server
import json
import threading

from cli_harness import Wallet, check, equal, serving

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(http.server.BaseHTTPRequestHandler):
    bodies = []

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        equal(self.path, "/v1/traces", "the path")
        equal(self.headers["Content-Type"], "application/json", "the type")
        self.bodies.append(json.loads(self.rfile.read(size)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format, *arguments):
        pass


def attributes(entries):
    return {entry["key"]: next(iter(entry["value"].values())) for entry in entries}


def call(server, target, headers=None):
    connection = server.connection()
    connection.request("GET", target, headers=headers or {})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def spans_arrive(wallet):
    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{collector.server_address[1]}/v1/traces"
    with serving(wallet, "--plain", "--anonymous", "--otlp", url) as server:
        call(server, "/v1/accounts", {"traceparent": f"00-{TRACE}-{PARENT}-01"})
        call(server, "/livez")
    collector.shutdown()
    spans = []
    for body in Collector.bodies:
        for resource in body["resourceSpans"]:
            about = attributes(resource["resource"]["attributes"])
            equal(about["service.name"], "tpwallet", "service.name")
            check(about["service.version"], "service.version")
            for scope in resource["scopeSpans"]:
                spans += scope["spans"]
    equal(len(spans), 2, f"a span a request: {spans}")
    first = next(span for span in spans if span["traceId"] == TRACE)
    equal(first["parentSpanId"], PARENT, "its parent is the caller")
    check(len(first["spanId"]) == 16 and first["spanId"] != PARENT, "its own id")
    equal(first["kind"], 2, "SPAN_KIND_SERVER")
    equal(first["name"], "GET /v1/accounts", "its name")
    check(int(first["startTimeUnixNano"]) <= int(first["endTimeUnixNano"]), "its times")
    said = attributes(first["attributes"])
    equal(said["http.request.method"], "GET", "http.request.method")
    equal(said["http.route"], "/v1/accounts", "http.route")
    equal(said["http.response.status_code"], "200", "http.response.status_code")
    second = next(span for span in spans if span["traceId"] != TRACE)
    check("parentSpanId" not in second, "a trace of its own")


def nobody_collects(wallet):
    with serving(wallet, "--plain", "--anonymous", "--otlp", "http://127.0.0.1:9/v1/traces") as it:
        for _ in range(100):
            equal(call(it, "/livez").status, 200, "served without a collector")


def main():
    wallet = Wallet("otlp")
    wallet.run("init")
    spans_arrive(wallet)
    nobody_collects(wallet)


main()
