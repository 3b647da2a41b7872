"""Goal: every administrative act is in the audit log, with who, when and why, whichever way it was
done; a reason that could be about a person is refused and kept nowhere; what lists it pages,
filters and agrees with the API's description.

Method: acts over HTTP with two keys, over the local socket, and by commands without a server; then
the log read by both ways, in pages and by each filter. An endpoint whose receiver is gone disables
itself: that is an act of the wallet and an event. Canary: an account's creation is no act.
"""
import hashlib
import json
import os

from api_harness import SCOPES, Client, load_document, violations
from cli_harness import DENIED, USAGE, Wallet, check, equal, new_id, serving
from erasure_test import occurrences
from sandbox_harness import receiving, until

NAME = "anna@mail.test"


def acts(wallet, *words):
    """The whole log, in pages of two."""
    found, after = [], "0"
    while True:
        page = wallet.json("audit", "list", "--after", after, "--limit", "2", *words)
        found += page["items"]
        check(len(page["items"]) <= 2, f"a page is not longer than asked for: {page}")
        if page["complete"]:
            return found
        check(page["next"] != after, f"a page leads on: {page}")
        after = page["next"]


def fits(document, page):
    wrong = violations(document, document["components"]["schemas"]["ActPage"], page)
    equal(wrong, [], "what does not fit the description")


def refused_reasons(client, wallet):
    for text in ("because", "x" * 47, "ops-1"):
        client.expect(201, "POST", f"/v1/assets?reason={text}",
                      {"code": f"T{len(text)}A", "exponent": 0})
    for text in (NAME, "asked%20by%20Anna", "x" * 48, ""):
        answer = client.expect(400, "POST", f"/v1/assets?reason={text}",
                               {"code": "NEVER", "exponent": 0})
        equal(answer.json()["code"], "invalid_parameter", "what is refused")
    wallet.run("asset", "create", "NEVER", "0", "--reason", NAME, code=USAGE)
    equal(occurrences(wallet.folder, NAME), [], "files that hold a person's address")
    check(occurrences(wallet.folder, "x" * 47), "the search finds a reason (canary)")


def keys_of_two(server, wallet, secret):
    admin = Client(server, secret)
    body = {"name": "till", "scopes": ["admin", "accounts:write"]}
    key = {"Idempotency-Key": "till"}
    made = admin.expect(201, "POST", "/v1/keys?reason=T-1", body, key).json()
    admin.expect(200, "POST", "/v1/keys?reason=T-1", body, key)
    again = admin.send("POST", "/v1/keys?reason=T-2", body, key)
    equal(again.json()["code"], "idempotency_conflict", "another reason is another request")
    till = Client(server, made["secret"])
    account = new_id()
    admin.expect(201, "POST", "/v1/accounts", {"id": account, "asset": "EUR", "kind": "liability"})
    till.expect(200, "PATCH", f"/v1/accounts/{account}?reason=case/7", {"frozen": True})
    till.expect(422, "POST", "/v1/periods/close?reason=early", {"through": "2999-01-01"},
                {"Idempotency-Key": "early"})
    admin.expect(200, "DELETE", f"/v1/keys/{made['id']}?reason=left")
    wallet.run("period", "close", "2026-01-31")
    return made["id"], account


def endpoints(server, secret, wallet):
    client = Client(server, secret)
    with receiving() as receiver:
        receiver.statuses = [410] * 50
        made = wallet.json("webhook", "endpoint", "create", receiver.url, "--reason", "W-1")
        client.expect(200, "POST", f"/v1/webhook-endpoints/{made['id']}/rotate-secret?reason=W-2", {})
        missing = client.send("DELETE", f"/v1/webhook-endpoints/{new_id()}")
        equal(missing.status, 404, "an endpoint that is not there")
        client.expect(201, "POST", "/v1/accounts",
                      {"id": new_id(), "asset": "EUR", "kind": "liability"})  # an event to send
        until(lambda: acts(wallet, "--act", "endpoint_disable"), "the endpoint disables itself")
        client.expect(200, "PATCH", f"/v1/webhook-endpoints/{made['id']}?reason=W-3",
                      {"state": "active"})
        client.expect(200, "DELETE", f"/v1/webhook-endpoints/{made['id']}?reason=W-4")
    found = [(row["act"], row["actor"] == "system", row.get("reason"))
             for row in acts(wallet) if row.get("id") == made["id"]]
    disabled = [row for row in found if row[0] == "endpoint_disable"]
    equal(disabled[:1], [("endpoint_disable", True, None)], "by the wallet itself")
    equal([row for row in found if row[0] != "endpoint_disable"],
          [("endpoint_create", False, "W-1"), ("endpoint_rotate", False, "W-2"),
           ("endpoint_change", False, "W-3"), ("endpoint_remove", False, "W-4")],
          "what was done to the endpoint")
    events = client.expect(200, "GET", "/v1/events?limit=1000").json()["items"]
    told = [event for event in events if event["type"] == "webhook_endpoint.disabled"]
    equal(len(told), len(disabled), "events of it")
    equal(told[0]["subject"], made["id"], "subject of the event")
    equal(told[0]["data"], {"id": made["id"]}, "data of the event")


def filters(client, wallet, key, document):
    everything = acts(wallet)
    fits(document, client.expect(200, "GET", "/v1/audit?limit=1000").json())
    equal(client.expect(200, "GET", "/v1/audit?limit=1000").json()["items"], everything,
          "the same over HTTP and in pages")
    for row in everything:
        check("secret" not in json.dumps(row), f"no secret: {row}")
    for name, value in (("act", "key_create"), ("act", "period_close"), ("actor", "local"),
                        ("actor", f"local:{os.getuid()}"), ("actor", "system"), ("actor", key)):
        def wanted(row):
            return row["act"] == value if name == "act" else row["actor"] == value.split(":")[0]
        expected = [row for row in everything if wanted(row)]
        check(expected and len(expected) < len(everything), f"{name} {value} picks some")
        equal(acts(wallet, f"--{name}", value), expected, f"acts with {name} {value}")
    equal(acts(wallet, "--actor", "local:4000000000"), [], "acts of a user who did nothing")
    middle = everything[len(everything) // 2]["at"]
    early, late = acts(wallet, "--to", middle), acts(wallet, "--from", middle)
    check(early and late, "there are acts before and after")
    equal(early + late, everything, "acts before and from a moment")
    wallet.run("audit", "list", "--act", "transfer", code=USAGE)
    equal(client.send("GET", "/v1/audit?actor=me").status, 400, "nobody of that name")


def in_short(rows):
    return [(row["act"], row["outcome"], row.get("reason")) for row in rows]


def settings_are_those_of_the_log(server, row):
    lines = [json.loads(line) for line in server.tail().splitlines() if '"serve.settings"' in line]
    equal(len(lines), 1, "lines of settings")
    equal(row["digest"], lines[0]["digest"], "digest of the settings")
    equal(hashlib.sha256(lines[0]["settings"].encode()).hexdigest(), row["digest"],
          "digest of the settings, made again")
    check("webhook-private=on\n" in lines[0]["settings"], lines[0]["settings"])
    equal(row["settings"], ["plain", "log"], "what it was started with")


def main():
    document = load_document()
    wallet = Wallet("audit")
    wallet.run("init")
    made = wallet.json("key", "create", "test", "--scopes", SCOPES, "--reason", "first")
    reader = wallet.json("key", "create", "reader", "--scopes", "payments:read")
    with serving(wallet, "--plain", "--webhook-private") as server:
        secret = made["secret"]
        until(lambda: acts(wallet, "--act", "server_start"), "the start is written down")
        settings_are_those_of_the_log(server, acts(wallet, "--act", "server_start")[0])
        refused_reasons(Client(server, secret), wallet)
        till, account = keys_of_two(server, wallet, secret)
        endpoints(server, secret, wallet)
        filters(Client(server, secret), wallet, till, document)
        equal(Client(server, reader["secret"]).send("GET", "/v1/audit").status, 403,
              "the scope admin is needed")
        of_till = in_short(acts(wallet, "--actor", till))
        equal(of_till, [("account_change", "ok", "case/7"),
                        ("period_close", "period_not_over", "early")], "acts by the till's key")
        frozen = acts(wallet, "--act", "account_change")[0]
        equal((frozen["id"], frozen["set"], frozen["operation"]),
              (account, ["frozen"], "accounts_change"), "what was frozen, and how")
    equal(in_short(acts(wallet))[:3],
          [("key_create", "ok", "first"), ("key_create", "ok", None), ("server_start", "ok", None)],
          "the first acts")
    equal(in_short(acts(wallet, "--act", "key_revoke")), [("key_revoke", "ok", "left")],
          "what is revoked")
    wallet.run("archive", "--keep-batches", "1", "--reason", "tidy")
    equal(in_short(acts(wallet))[-1], ("archive", "ok", "tidy"), "the last act")
    wallet.run("check")
    restored(wallet)


def restored(wallet):
    backup = wallet.folder + ".backup"
    wallet.run("backup", backup)
    other = Wallet("audit-restored")
    other.run("restore", backup)
    other.run("asset", "create", "NEVER", "0", code=DENIED)
    other.run("restore", "accept", "--reason", NAME, code=USAGE)
    other.run("restore", "accept", "--reason", "drill/1")
    last = acts(other)[-1]
    equal((last["act"], last["reason"], last["actor"], last["uid"]),
          ("restore_accept", "drill/1", "local", os.getuid()), "who accepted it")
    equal(len(acts(other)), len(acts(wallet)) + 1, "acts of both")


if __name__ == "__main__":
    main()
