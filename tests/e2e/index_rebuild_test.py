"""Goal: a server whose index is gone comes up, answers what needs no index, refuses the rest with
how far the rebuild is, and takes writes again by itself; then every duplicate is still one.

Method: a history long enough that its index is not rebuilt before the server listens; index.db
is deleted; the server is started, asked for everything while it rebuilds, killed on the way,
started again, and asked for the same things when /readyz says that it is ready.
"""
import http.client
import os
import re
import struct
import sys
import time
import uuid

from api_harness import SCOPES, Client
from cli_harness import START_S, Server, Wallet, check, equal, new_id, sample

BINARY = {"Content-Type": "application/vnd.tpwallet.transfers"}
REQUESTS = int(os.environ.get("REQUESTS", "100"))
ITEMS = 8190
EUR = 978
TRIES_MAX = 3  # a history is doubled when the machine rebuilds it too fast to look at


def id_of(number):
    """Ids in no order, so that each costs the index a place of its own."""
    return uuid.UUID(int=(number * 0x9E3779B97F4A7C15 & (1 << 64) - 1) << 64 | 1 << 63 | number)


def halves(value):
    return struct.pack("<QQ", value.int & (1 << 64) - 1, value.int >> 64)


def body_of(request, accounts):
    debit, credit = (halves(uuid.UUID(account)) for account in accounts)
    rest = struct.pack("<QQ", 100, 0) + bytes(32) + struct.pack("<IIiIBB14x", EUR, 0, 0, 0, 1, 0)
    return b"".join(halves(id_of(request * ITEMS + i)) + debit + credit + rest
                    for i in range(ITEMS))


def repeated_in(answer):
    """How many of the records of 64 bytes say that they had been done before."""
    return sum(answer.body[at + 57] for at in range(0, len(answer.body), 64))


def history_make(client, first, last, accounts):
    for request in range(first, last):
        answer = client.expect(200, "POST", "/v1/transfers", body_of(request, accounts), BINARY)
        equal(repeated_in(answer), 0, "all are new")


def transfer(accounts, **more):
    return {"id": new_id(), "debit": accounts[0], "credit": accounts[1], "asset": "EUR",
            "amount": "1.00", **more}


def refusal_check(answer, what):
    """A 503 that names reason and progress; returns the batch that was reached."""
    problem = answer.json()
    equal((answer.status, problem["code"]), (503, "index_rebuilding"), what)
    check(1 <= int(answer.headers["retry-after"]) <= 60, f"{what}: Retry-After {answer!r}")
    found = re.search(r"batch (\d+) of (\d+) is reached, (\d+) %", problem["detail"])
    check(found is not None, f"{what}: no progress in {problem}")
    reached, head, percent = (int(number) for number in found.groups())
    check(reached <= head and percent == reached * 100 // head, f"{what}: {problem}")
    return reached


def reads_that_need_no_index(client, accounts, credits):
    net = client.expect(200, "GET", f"/v1/accounts/{accounts[1]}").json()["balance"]
    equal(net["credits_posted"], credits, "balance while rebuilding")
    client.expect(200, "GET", "/v1/accounts")
    client.expect(200, "GET", f"/v1/accounts/{accounts[1]}/entries?limit=5")
    client.expect(200, "GET", "/v1/trial-balance")
    client.expect(200, "GET", "/livez")


def metric(client, name):
    page = client.expect(200, "GET", "/metrics").body.decode()
    return sample(page, name)


def looked_at(client, accounts, credits):
    """One round of everything while it is rebuilt. False: it was over before the end."""
    known = id_of(0)
    first = client.send("GET", "/readyz")
    if first.status == 200:
        return False
    reached = [refusal_check(first, "/readyz")]
    reads_that_need_no_index(client, accounts, credits)
    gauges = (metric(client, "tpwallet_index_rebuilding"), metric(client, "tpwallet_accepting"))
    refused = [client.send("POST", "/v1/transfers", transfer(accounts)),
               client.send("POST", "/v1/transfers", body_of(0, accounts), BINARY),
               client.send("POST", "/v1/accounts", {"asset": "EUR", "kind": "asset"},
                           {"Idempotency-Key": "k"}),
               client.send("GET", f"/v1/transfers/{known}"),
               client.send("GET", f"/v1/transfers?user_ref={known}")]
    last = client.send("GET", "/readyz")
    if last.status == 200:
        return False
    reached += [refusal_check(answer, "refused") for answer in refused + [last]]
    equal(gauges, (1, 0), "gauges while rebuilding")
    equal(reached, sorted(reached), "it goes on")
    return True


def wait_until_ready(client):
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if client.send("GET", "/readyz").status == 200:
            return
        time.sleep(0.02)
    check(False, f"it is not ready in {START_S} s")


def duplicates_are_exact(client, accounts, requests, credits):
    for request in (0, requests // 2, requests - 1):
        answer = client.expect(200, "POST", "/v1/transfers", body_of(request, accounts), BINARY)
        equal(repeated_in(answer), ITEMS, "all were there before")
    item = transfer(accounts, amount="2.00")
    client.expect(201, "POST", "/v1/transfers", item)
    client.expect(200, "POST", "/v1/transfers", item)
    client.expect(409, "POST", "/v1/transfers", dict(item, amount="3.00"))
    client.expect(200, "GET", f"/v1/transfers/{id_of(0)}")
    reads_that_need_no_index(client, accounts, f"{credits + 2}.00")
    equal(metric(client, "tpwallet_index_rebuilding"), 0, "gauge when rebuilt")


def rebuild_looked_at(wallet, secret, accounts, credits):
    """Starts without index.db; True when everything was seen while it was rebuilt."""
    os.unlink(os.path.join(wallet.folder, "index.db"))
    server = Server(wallet, "--plain").start()
    client = Client(server, secret)
    seen = looked_at(client, accounts, f"{credits}.00")
    server.kill()  # in the middle of the rebuild, if it is still under way
    return seen


def main():
    wallet = Wallet("rebuilt")
    wallet.run("init")
    secret = wallet.json("key", "create", "test", "--scopes", SCOPES)["secret"]
    accounts = [wallet.json("account", "create", "--kind", "equity")["id"],
                wallet.json("account", "create")["id"]]
    requests, seen = 0, False
    for attempt in range(TRIES_MAX):
        server = Server(wallet, "--plain").start()
        client = Client(server, secret)
        wait_until_ready(client)
        history_make(client, requests, REQUESTS << attempt, accounts)
        requests = REQUESTS << attempt
        server.stop()
        seen = rebuild_looked_at(wallet, secret, accounts, requests * ITEMS)
        if seen:
            break
    check(seen, f"{requests * ITEMS} transfers are rebuilt too fast to look at")
    server = Server(wallet, "--plain").start()
    client = Client(server, secret)
    wait_until_ready(client)
    duplicates_are_exact(client, accounts, requests, requests * ITEMS)
    server.stop()
    with open(server.log, encoding="utf-8") as log:
        check("index.rebuilt" in log.read(), "the log says when it was done")
    print(f"{requests * ITEMS} transfers, seen at attempt {attempt + 1}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except http.client.HTTPException as error:
        sys.exit(f"no HTTP: {error!r}")
