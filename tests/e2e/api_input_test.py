"""Goal: what is wrong with a request is told by code, field and limit, and does nothing.

Method: one request of each class of bad input to a running server, by JSON, stream and records;
bodies cut and connections closed at many places; then the ledger must be as it was. A stream that
was cut is sent again, whole or from the last answered id on, and every item of it is done once.
promtool reads the metrics.
"""
import json
import shutil
import socket
import subprocess

from api_harness import Client, check, equal, ledger
from cli_harness import new_id

BANK, WALLET = new_id(), new_id()
NDJSON = {"Content-Type": "application/x-ndjson"}
RECORDS = {"Content-Type": "application/vnd.tpwallet.transfers"}


def transfer(**changes):
    body = {"id": new_id(), "debit": BANK, "credit": WALLET, "asset": "EUR", "amount": "1.00"}
    body.update(changes)
    return {name: value for name, value in body.items() if value is not None}


def text(**changes):
    return json.dumps(transfer(**changes))


def bad_bodies():
    """(body, code, field)"""
    whole = text()
    yield "", "malformed_json", None
    yield "{", "malformed_json", None
    yield whole[:-1], "malformed_json", None
    yield whole + "x", "malformed_json", None
    yield whole + whole, "malformed_json", None
    yield "\ufeff" + whole, "malformed_json", None
    yield whole.replace('"', "'"), "malformed_json", None
    yield "[" * 1000, "wrong_type", "/0"
    yield '{"flags":' + "[" * 1000, None, None
    yield '{"timeout_s":' + "9" * 4000 + "}", "invalid_value", "/timeout_s"
    yield text(timeout_s=-1), "wrong_type", "/timeout_s"
    yield text(timeout_s=1.5), "wrong_type", "/timeout_s"
    yield whole[:-1] + ',"amount":"2"}', "duplicate_field", "/amount"
    yield text(amuont="1"), "unknown_field", "/amuont"
    yield text(amount=1), "wrong_type", "/amount"
    yield text(amount="-1"), "invalid_value", "/amount"
    yield text(amount="0"), "invalid_value", "/amount"
    yield text(amount="1.001"), "wrong_exponent", "/amount"
    yield text(amount="9" * 60), "invalid_value", "/amount"
    yield text(amount="1e5"), "invalid_value", "/amount"
    yield text(amount=None), "missing_field", "/amount"
    yield text(asset="XYZ"), "unknown_asset", "/asset"
    yield text(debit="me"), "invalid_value", "/debit"
    yield text(credit=BANK), "invalid_value", "/credit"
    yield text(kind="gift"), "invalid_value", "/kind"
    yield text(flags=["linked"]), "linked_group_open", "/flags"
    yield text(id=None), "idempotency_key_required", "Idempotency-Key"
    yield json.dumps([transfer(), transfer(amount="0")]), "invalid_value", "/1/amount"
    yield json.dumps([transfer() for _ in range(8191)]), "too_many_items", None


def send_bad_bodies(client):
    for body, code, field in bad_bodies():
        problem = client.expect(400, "POST", "/v1/transfers", body).json()
        what = f"{body[:200]!r}: {problem}"
        equal(problem["status"], 400, what)
        if code is not None:
            equal(problem["code"], code, what)
        if field is not None:
            equal(problem.get("field"), field, what)
    problem = client.expect(400, "POST", "/v1/transfers", text(amount="1.001")).json()
    equal((problem["limit"], "hint" in problem), (2, True), "limit and hint of an exponent")


def send_bad_forms(client):
    for headers in ({"Content-Type": "text/plain"}, {"Content-Type": "application/xml"}):
        problem = client.expect(415, "POST", "/v1/transfers", text(), headers).json()
        equal(problem["code"], "unsupported_media_type", "other content types")
    lines = f"{text()}\n{text(amount='0')}\n"
    problem = client.expect(400, "POST", "/v1/transfers", lines, NDJSON).json()
    equal((problem["line"], problem["field"]), (2, "/amount"), "place in a stream")
    problem = client.expect(400, "POST", "/v1/transfers", text(id=None), NDJSON).json()
    equal((problem["code"], problem["field"]), ("missing_field", "/id"), "streams need ids")
    for size in (0, 1, 127, 129, 255):
        problem = client.expect(400, "POST", "/v1/transfers", b"\1" * size, RECORDS).json()
        equal(problem["code"], "malformed_body", f"{size} bytes are no records")
    problem = client.expect(400, "POST", "/v1/transfers", b"\1" * 128, RECORDS).json()
    equal(problem["code"], "invalid_value", "a wrong record")
    key = {"Idempotency-Key": "k" * 256}
    problem = client.expect(400, "POST", "/v1/transfers", text(), key).json()
    equal((problem["code"], problem["limit"]), ("invalid_idempotency_key", 255), "a long key")
    for target in ("/v1/accounts?limit=0", "/v1/accounts?limit=1001", "/v1/accounts?cursor=x",
                   "/v1/accounts?colour=red", "/v1/accounts?limit=1&limit=2",
                   f"/v1/accounts/{WALLET}?at=now", "/v1/accounts/me"):
        client.expect(400, "GET", target)
    client.expect(404, "GET", f"/v1/accounts/{new_id()}")


def cut_connections(server, key):
    """A request whose connection closes before its end is no request."""
    body = f"[{text()},{text()}]".encode()
    host, port = server.address.rsplit(":", 1)
    head = (f"POST /v1/transfers HTTP/1.1\r\nHost: {server.address}\r\n"
            f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    whole = head + body
    for cut in list(range(0, len(whole), 41)) + [len(head), len(whole) - 1]:
        with socket.create_connection((host, int(port)), timeout=30) as raw:
            raw.sendall(whole[:cut])


def resume_stream(client, server, key):
    """Half a stream arrives; the whole of it is sent again, twice."""
    lines = [text(amount="2.00") for _ in range(200)]
    whole = "\n".join(lines).encode()
    host, port = server.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as raw:
        raw.sendall((f"POST /v1/transfers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
                     "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
                     f"{len(whole) // 2:x}\r\n").encode() + whole[:len(whole) // 2])
    first = client.expect(200, "POST", "/v1/transfers", "\n".join(lines[:120]), NDJSON)
    equal(len(first.body.splitlines()), 120, "outcomes of the first part")
    again = client.expect(200, "POST", "/v1/transfers", whole, NDJSON)
    results = [json.loads(line) for line in again.body.splitlines()]
    equal([result["id"] for result in results], [json.loads(line)["id"] for line in lines],
          "ids of the whole, in order")
    equal([result["repeated"] for result in results], [True] * 120 + [False] * 80, "what was new")
    replayed = client.expect(200, "POST", "/v1/transfers", whole, NDJSON)
    equal(replayed.headers.get("idempotent-replayed"), "true", "all of it had been done")


def resume_cut_answer(client, server, key):
    """The answer is cut: the sender goes on after the last id that it has read whole."""
    lines = [text(amount="2.00") for _ in range(2000)]
    ids = [json.loads(line)["id"] for line in lines]
    body = "\n".join(lines).encode()
    host, port = server.address.rsplit(":", 1)
    got = b""
    with socket.create_connection((host, int(port)), timeout=30) as raw:
        raw.sendall((f"POST /v1/transfers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
                     "Content-Type: application/x-ndjson\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n").encode() + body)
        while len(got) < 50000:
            got += raw.recv(4096)
    read = [json.loads(line)["id"] for line in got.split(b"\r\n\r\n", 1)[1].split(b"\n")[:-1]]
    check(0 < len(read) < len(ids), f"{len(read)} outcomes were read before the cut")
    equal(read, ids[:len(read)], "ids in order, up to the cut")
    rest = client.expect(200, "POST", "/v1/transfers", "\n".join(lines[len(read):]), NDJSON)
    results = [json.loads(line) for line in rest.body.splitlines()]
    equal([result["id"] for result in results], ids[len(read):], "ids of the rest")
    check(all(result["outcome"] == "ok" and result["repeated"] for result in results),
          "the cut answer was to work that is done, and done once")


def stream_of_too_many_lines(client):
    """Refused whole, as it is read whole before anything is done: bytes: http_limits_test.py."""
    lines = [text(amount="2.00") for _ in range(8191)]
    many = client.expect(400, "POST", "/v1/transfers", "\n".join(lines), NDJSON).json()
    equal((many["code"], many["limit"]), ("too_many_items", 8190), "8,191 lines")
    client.expect(404, "GET", f"/v1/transfers/{json.loads(lines[0])['id']}")


def read_own_writes(client):
    made = client.expect(201, "POST", "/v1/transfers", transfer(amount="5.00")).json()
    headers = {"TPW-Min-Position": made["position"]}
    client.expect(200, "GET", f"/v1/accounts/{WALLET}", headers=headers)
    client.expect(200, "GET", f"/v1/accounts/{WALLET}?min_position={made['position']}")
    late = client.expect(503, "GET", f"/v1/accounts/{WALLET}?min_position=99999999")
    equal(late.json()["code"], "position_not_reached", "a position of the future")
    late = client.expect(503, "GET", f"/v1/accounts/{WALLET}",
                         headers={"TPW-Min-Position": "99999999"})
    equal(late.json()["code"], "position_not_reached", "the same in the header")
    check(late.headers["retry-after"].isdigit(), "Retry-After")


def check_metrics(client):
    page = client.expect(200, "GET", "/metrics")
    promtool = shutil.which("promtool")
    if promtool is None:
        print("promtool is not installed: the metrics were not linted")
        return
    done = subprocess.run([promtool, "check", "metrics"], input=page.body, capture_output=True,
                          check=False)
    equal((done.returncode, done.stderr.decode()), (0, ""), "promtool check metrics")


def balance(client):
    return client.expect(200, "GET", f"/v1/accounts/{WALLET}").json()["balance"]["net"]


def main():
    with ledger("input") as (server, key):
        client = Client(server, key)
        client.expect(200, "POST", "/v1/accounts", [
            {"id": BANK, "asset": "EUR", "kind": "equity"},
            {"id": WALLET, "asset": "EUR", "kind": "liability"}])
        send_bad_bodies(client)
        send_bad_forms(client)
        cut_connections(server, key)
        equal(balance(client), "0.00", "nothing was done by what was wrong")
        resume_stream(client, server, key)
        resume_cut_answer(client, server, key)
        stream_of_too_many_lines(client)
        equal(balance(client), "4400.00", "each item of both streams was done once")
        read_own_writes(client)
        check_metrics(client)
        client.close()
    print("bad input was refused as documented")


if __name__ == "__main__":
    main()
