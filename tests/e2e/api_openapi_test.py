"""Goal: api/openapi.yaml is sound, and what it says is what the server does.

Method: the structure is checked by rule; then every example of it is sent to a running server, in
the order of x-examples, and each answer must have the documented status, media type, schema and
problem code. Examples of answers must fit their own schemas, and have the members real ones have.
"""
import json
import struct
import time

from api_harness import (Client, check, check_answer, check_fits, equal, ledger, load_document,
                         resolve, with_query)

DOCUMENT = load_document()
SENT = 0
LOG_WAIT_S = 120
LOGGED = ("log_checkpoint", "log_tile", "payments_receipt")  # signed a moment later


def operations():
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def check_structure():
    equal(DOCUMENT["openapi"], "3.1.0", "version of OpenAPI")
    for name in ("title", "version", "license"):
        check(name in DOCUMENT["info"], f"info has no {name}")
    ids = set()
    for path, method, operation in operations():
        what = f"{method} {path}"
        for name in ("operationId", "summary", "responses", "x-scope", "x-body-max", "x-route"):
            check(name in operation, f"{what} has no {name}")
        ids.add(operation["operationId"])
        for status, node in operation["responses"].items():
            response = resolve(DOCUMENT, node)
            check("description" in response, f"{what} {status} has no description")
            for media, content in response.get("content", {}).items():
                check("schema" in content, f"{what} {status} {media} has no schema")
                if "example" in content:
                    check_fits(DOCUMENT, content["schema"], content["example"],
                               f"example of {what} {status}")
        for node in operation.get("parameters", []):
            parameter = resolve(DOCUMENT, node)
            for name in ("name", "in", "schema"):
                check(name in parameter, f"a parameter of {what} has no {name}")
            if parameter["in"] == "path":
                check(parameter.get("required") is True, f"{what}: path parameters are required")
    equal(len(ids), len(list(operations())), "operationIds")
    for name, response in DOCUMENT["components"]["responses"].items():
        check("application/problem+json" in response["content"], f"{name} is no problem")
    used = json.dumps(DOCUMENT["paths"]) + json.dumps(DOCUMENT["components"])
    for kind in ("schemas", "parameters", "headers"):
        for name in DOCUMENT["components"][kind]:
            check(f"#/components/{kind}/{name}\"" in used, f"{kind}/{name} is not used")


def targets_of(path, operation, seen):
    """The path with its parameter filled in, once for each of x-queries."""
    for node in operation.get("parameters", []):
        parameter = resolve(DOCUMENT, node)
        if parameter["in"] == "path":
            value = parameter.get("example") or seen[parameter["x-example-from"]]["id"]
            path = path.replace("{" + parameter["name"] + "}", value)
    return [with_query(path, query) for query in operation.get("x-queries", [""])]


def body_of(example):
    if "x-hex" in example:
        return bytes.fromhex(example["x-hex"].replace(" ", ""))
    value = example["value"]
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def send(client, operation, method, target, body=None, headers=None):
    global SENT
    SENT += 1
    what = f"{operation['operationId']} {target} {body!r}"
    answer = client.send(method.upper(), target, body, headers)
    check_answer(DOCUMENT, operation, answer, what)
    return answer


def check_media_answer(media, body, answer, what):
    """The forms that are not JSON documents: as many outcomes as items."""
    if media == "application/x-ndjson":
        schema = DOCUMENT["components"]["schemas"]["TransferResult"]
        lines = answer.body.decode().splitlines()
        equal(len(lines), len(body.decode().splitlines()), f"lines of {what}")
        for line in lines:
            check_fits(DOCUMENT, schema, json.loads(line), what)
            equal(json.loads(line)["outcome"], "ok", what)
    if media == "application/vnd.tpwallet.transfers":
        equal(len(answer.body), 64 * (len(body) // 128), f"size of {what}")
        equal(answer.body[:16], body[:16], f"id of {what}")
        amount_low, amount_high, batch = struct.unpack_from("<QQQ", answer.body, 16)
        index, asset, outcome, repeated = struct.unpack_from("<IIBB", answer.body, 48)
        equal((amount_low, amount_high, asset, outcome, repeated), (300, 0, 978, 0, 0), what)
        check(batch > 0 and index >= 0, what)


def send_examples(client, path, method, operation, seen):
    target = targets_of(path, operation, seen)[0]
    for media, content in operation["requestBody"]["content"].items():
        check(content.get("examples"), f"{method} {path} has no example of {media}")
        for name, example in content["examples"].items():
            body = body_of(example)
            headers = {"Content-Type": media, **example.get("x-headers", {})}
            answer = send(client, operation, method, target, body, headers)
            what = f"example {name} of {operation['operationId']}"
            equal(str(answer.status), example["x-answer"], f"{what}: {answer!r}")
            if answer.status < 300:
                check_media_answer(media, body, answer, what)
            if answer.status == 201:
                seen[operation["operationId"]] = answer.json()
            if answer.status < 300 and example.get("summary", "").endswith("(replayed)"):
                check("idempotent-replayed" in answer.headers, what)


def check_example_members(operation, seen):
    """The example of a 201 has the members that the real answer had."""
    documented = operation["responses"].get("201", {}).get("content", {})
    example = documented.get("application/json", {}).get("example")
    if example is not None:
        equal(set(example), set(seen[operation["operationId"]]),
              f"members of the example of {operation['operationId']}")


def send_all(client):
    by_id = {operation["operationId"]: (path, method, operation)
             for path, method, operation in operations()}
    equal(set(DOCUMENT["x-examples"]), set(by_id), "x-examples")
    seen = {}
    for name in DOCUMENT["x-examples"]:
        path, method, operation = by_id[name]
        if "requestBody" in operation:
            send_examples(client, path, method, operation, seen)
            check_example_members(operation, seen)
            continue
        for target in targets_of(path, operation, seen):
            answer = send(client, operation, method, target)
            until = time.monotonic() + LOG_WAIT_S
            while answer.status in (404, 503) and name in LOGGED and time.monotonic() < until:
                time.sleep(0.05)
                answer = send(client, operation, method, target)
            equal(answer.status, 200, f"{name} {target}: {answer!r}")


def check_everybody_else(server, client):
    """Without a key, with a wrong one, and beside the document."""
    stranger = Client(server, None)
    liar = Client(server, "tpw_" + "0" * 64)
    for path, method, operation in operations():
        target = path.replace("{id}", "019ab000-0000-7000-8000-000000000001")
        body = b"{}" if "requestBody" in operation else None
        headers = {"Content-Type": "application/json"} if body else {}
        for other in (stranger, liar):
            answer = send(other, operation, method, target, body, headers)
            if operation["x-scope"] is not None:
                equal(answer.status, 401, f"{method} {target} without a key")
    equal(client.send("GET", "/v1/nowhere").json()["code"], "route_not_found", "other paths")
    answer = client.send("PUT", "/v1/accounts")
    equal((answer.status, answer.headers["allow"]), (405, "GET, POST, HEAD"), "other methods")
    stranger.close()
    liar.close()


def main():
    check_structure()
    chart = ("--asset", "EUR,USD", "--psp", "sandbox")
    with ledger("examples", "--otlp", "http://127.0.0.1:9/v1/traces", init=chart) as (server, key):
        client = Client(server, key)
        send_all(client)
        check_everybody_else(server, client)
        client.close()
        with open(f"{server.wallet.folder}/address", encoding="utf-8"):
            pass  # the server says where it listens
    check(SENT > 80, f"only {SENT} requests were sent")
    print(f"{SENT} requests were answered as documented")


if __name__ == "__main__":
    main()
