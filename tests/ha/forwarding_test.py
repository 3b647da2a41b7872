"""Goal: a follower answers what its owner would, whoever asks and however: API keys, idempotency
keys, large bodies, streams of events, commands on the local socket; peers are let in by certificate
and secret only, and nobody else can speak as one.

Method: three replicas with mTLS between them. The same requests through owner and followers, their
answers compared; a stream through a follower over a planned move and over the owner's death; calls
to the listener for peers without, and with a foreign, certificate; spans of one trace, seen by a
collector of the test's own, of both hops.
"""
import http.client
import http.server
import json
import os
import ssl
import subprocess
import threading
import time

from ha_harness import CALL_S, SCRATCH, Cluster, check, equal, new_id, peer_secret, wait_for


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=SCRATCH)


def authority(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "30", "-subj", f"/CN={name}")


def certificate(name, issuer):
    """Good for both sides of a connection, on loopback."""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    with open(os.path.join(SCRATCH, f"{name}.ext"), "w", encoding="ascii") as file:
        file.write("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{issuer}.pem", "-CAkey",
            f"{issuer}.key", "-CAcreateserial", "-out", f"{name}.pem", "-days", "30", "-extfile",
            f"{name}.ext")


def scratch(name):
    return os.path.join(SCRATCH, name)


def send(replica, method, path, body=None, headers=None):
    connection = replica.connection()
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read()
    finally:
        connection.close()


def roles(cluster):
    owner = cluster.by_name(cluster.wait_owner())
    return owner, [replica for replica in cluster.replicas if replica is not owner]


BANK, SHOP = new_id(), new_id()
JSON = {"Content-Type": "application/json"}


def accounts_are_made_through_a_follower(cluster):
    _, followers = roles(cluster)
    body = json.dumps([{"id": BANK, "asset": "EUR", "kind": "asset"},
                       {"id": SHOP, "asset": "EUR", "kind": "liability"}])
    status, _, answer = send(followers[0], "POST", "/v1/accounts", body, JSON)
    equal(status, 200, f"status of accounts through a follower: {answer[:300]!r}")


def transfer(**more):
    return {"debit": BANK, "credit": SHOP, "asset": "EUR", "amount": "1.00", **more}


def idempotency_keys_are_kept(cluster):
    owner, followers = roles(cluster)
    key = {**JSON, "Idempotency-Key": new_id()}
    body = json.dumps(transfer())
    status, headers, first = send(followers[0], "POST", "/v1/transfers", body, key)
    equal(status, 201, f"status of the first: {first[:300]!r}")
    check("idempotent-replayed" not in headers, "the first is no replay")
    for replica in (owner, *followers):
        status, headers, again = send(replica, "POST", "/v1/transfers", body, key)
        equal((status, headers.get("idempotent-replayed")), (200, "true"), "status of a repeat")
        equal(json.loads(again)["id"], json.loads(first)["id"], "id of a repeat")
    status, _, answer = send(followers[1], "POST", "/v1/transfers",
                             json.dumps(transfer(amount="2.00")), key)
    equal(status, 422, f"status of another request with the key: {answer[:300]!r}")


def answers_are_the_owners(cluster):
    owner, followers = roles(cluster)
    asked = [("GET", f"/v1/accounts/{SHOP}"), ("GET", "/v1/trial-balance"),
             ("GET", f"/v1/accounts/{SHOP}/entries"), ("GET", f"/v1/accounts/{new_id()}"),
             ("GET", "/v1/accounts?limit=frog"), ("PUT", "/v1/accounts"), ("GET", "/v1/nothing"),
             ("GET", "/v1/events?limit=3")]
    for method, path in asked:
        told = [send(replica, method, path) for replica in (owner, *followers)]
        wanted = told[0]
        for status, headers, body in told[1:]:
            equal(status, wanted[0], f"status of {method} {path} through a follower")
            equal(headers.get("content-type"), wanted[1].get("content-type"), f"type of {path}")
            equal(headers.get("allow"), wanted[1].get("allow"), f"Allow of {path}")
            ours, theirs = json.loads(body), json.loads(wanted[2])
            for document in (ours, theirs):
                document.pop("trace_id", None)
                document.pop("instance", None)
            equal(ours, theirs, f"answer to {method} {path} through a follower")


def large_bodies_pass(cluster):
    _, followers = roles(cluster)
    items = [transfer(id=new_id()) for _ in range(8190)]
    status, _, body = send(followers[0], "POST", "/v1/transfers", json.dumps(items), JSON)
    equal(status, 200, f"status of 8,190 transfers: {body[:300]!r}")
    outcomes = [result["outcome"] for result in json.loads(body)["results"]]
    equal(outcomes, ["ok"] * 8190, "outcomes of 8,190 transfers")


def commands_reach_the_owner(cluster):
    _, followers = roles(cluster)
    made = followers[0].wallet.json("key", "create", "a-key", "--scopes", "accounts:read")
    acts = followers[1].wallet.run("audit", "list").out
    uid = os.getuid()
    check(f"{uid}" in acts, f"the act of user {uid} is not in the audit log: {acts[-600:]}")
    for replica in cluster.replicas:
        headers = {"Authorization": f"Bearer {made['secret']}"}
        equal(send(replica, "GET", f"/v1/accounts/{SHOP}", None, headers)[0], 200, "with the key")
        equal(send(replica, "POST", "/v1/transfers", json.dumps(transfer(id=new_id())),
                   {**JSON, **headers})[0], 403, "status without the scope")
        headers = {"Authorization": "Bearer tpw_" + "0" * 64}
        equal(send(replica, "GET", f"/v1/accounts/{SHOP}", None, headers)[0], 401, "a wrong key")


def nobody_else_is_a_peer(cluster):
    _, followers = roles(cluster)
    # a client cannot pass for a local user of a peer's
    headers = {**JSON, "TPW-Local-User": "0", "Authorization": "Bearer tpw_" + "0" * 64}
    equal(send(followers[0], "GET", f"/v1/accounts/{SHOP}", None, headers)[0], 401, "a claim")
    row = next(row for row in cluster.lanes() if row["role"] == "owner")
    host, port = row["url"].split("//")[1].rsplit(":", 1)
    for name, secret in ((None, True), ("foreign", True), ("a", False), ("a", True)):
        context = ssl.create_default_context(cafile=scratch("cluster.pem"))
        if name is not None:
            context.load_cert_chain(scratch(f"{name}.pem"), scratch(f"{name}.key"))
        connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=CALL_S)
        try:
            headers = {"TPW-Local-User": "0"}
            if secret:
                with open(peer_secret(), encoding="ascii") as file:
                    headers["TPW-Peer-Secret"] = file.read().strip()
            connection.request("GET", f"/v1/accounts/{SHOP}", None, headers)
            let_in = connection.getresponse().status in (200, 503)  # of an owner, or one that was
        except (OSError, http.client.HTTPException):
            let_in = False
        connection.close()
        equal(let_in, name == "a" and secret,
              f"whether a peer with certificate {name} and {'the' if secret else 'no'} secret is")


class Events(threading.Thread):
    """Reads the stream through one replica, coming back with the last id when it ends."""

    def __init__(self, replica):
        super().__init__(daemon=True)
        self.replica = replica
        self.ids = []
        self.running = True
        self.connects = 0

    def run(self):
        while self.running:
            try:
                self.read_one()
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)

    def read_one(self):
        connection = self.replica.connection(timeout_s=5)
        headers = {"Accept": "text/event-stream"}
        if self.ids:
            headers["Last-Event-ID"] = self.ids[-1]
        connection.request("GET", "/v1/events", headers=headers)
        answer = connection.getresponse()
        if answer.status != 200:
            connection.close()
            return
        equal(answer.getheader("content-type"), "text/event-stream", "type of a stream")
        self.connects += 1
        while self.running:
            line = answer.readline()
            if not line:
                break
            if line.startswith(b"id: "):
                self.ids.append(line[4:].decode().strip())
        connection.close()


def all_event_ids(replica):
    ids, query = [], "limit=1000"
    while True:
        status, _, body = send(replica, "GET", f"/v1/events?{query}")
        equal(status, 200, f"status of a page of events: {body[:300]!r}")
        page = json.loads(body)
        ids += [event["id"] for event in page["items"]]
        if not page["items"]:
            return ids
        query = f"limit=1000&after={page['next']}"


def payments(replica, count):
    """Each until it is done: nothing of it comes later."""
    for _ in range(count):
        body = json.dumps(transfer(id=new_id()))
        wait_for("a transfer", lambda body=body: send(replica, "POST", "/v1/transfers", body, JSON)[0]
                 in (200, 201))


def streams_go_on_over_moves(cluster):
    owner, followers = roles(cluster)
    reader = Events(followers[0])
    reader.start()
    wait_for("the stream to begin", lambda: reader.connects > 0)
    payments(followers[1], 20)
    wait_for("events", lambda: len(reader.ids) >= 20)
    cluster.wait_warm()
    owner.wallet.json("lane", "move", "0", "--to", followers[1].name)
    payments(followers[0], 20)
    wait_for("the stream to come back after a move", lambda: reader.connects >= 2)
    cluster.wait_warm()
    followers[1].kill()
    payments(followers[0], 20)
    ids = all_event_ids(followers[0])
    wait_for("all events", lambda: len(reader.ids) >= len(ids))
    reader.running = False
    reader.join(CALL_S)
    equal(reader.ids, ids, "what the stream brought, over a move and a death")
    followers[1].start()
    cluster.wait_warm()


class Collector(http.server.BaseHTTPRequestHandler):
    spans = []

    def do_POST(self):  # the name is http.server's
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in body.get("resourceSpans", []):
            for scope in resource["scopeSpans"]:
                Collector.spans += scope["spans"]
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format, *args):  # the names are http.server's
        del format, args


def one_trace_has_both_hops(cluster):
    _, followers = roles(cluster)
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {**JSON, "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    status, told, _ = send(followers[0], "POST", "/v1/transfers",
                           json.dumps(transfer(id=new_id())), headers)
    equal(status, 201, "status of a traced transfer")
    equal(told["traceparent"].split("-")[1], trace, "trace of the answer")

    def of_trace():
        return [span for span in Collector.spans if span["traceId"] == trace and
                span["kind"] == 2]
    wait_for("spans of both hops", lambda: len(of_trace()) >= 2)
    parents = {span["spanId"]: span.get("parentSpanId") for span in of_trace()}
    first = [span for span, parent in parents.items() if parent == "b7ad6b7169203331"]
    equal(len(first), 1, f"spans whose parent is the client's: {parents}")
    check(first[0] in parents.values(), f"the owner's span is not below the follower's: {parents}")


def main():
    authority("cluster")
    authority("stranger")
    certificate("a", "cluster")
    certificate("foreign", "stranger")
    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    options = ("--peer-ca", scratch("cluster.pem"), "--peer-cert", scratch("a.pem"), "--peer-key",
               scratch("a.key"), "--peer-secret", peer_secret(), "--heartbeat-s", "1", "--otlp",
               f"http://127.0.0.1:{collector.server_port}/v1/traces")
    with Cluster(3, *options) as cluster:
        accounts_are_made_through_a_follower(cluster)
        idempotency_keys_are_kept(cluster)
        answers_are_the_owners(cluster)
        large_bodies_pass(cluster)
        commands_reach_the_owner(cluster)
        nobody_else_is_a_peer(cluster)
        one_trace_has_both_hops(cluster)
        streams_go_on_over_moves(cluster)
        for replica in cluster.replicas:
            replica.stop()
    collector.shutdown()
    print("forwarding: answers through followers are the owner's")


main()
