"""Goal: nothing personal that a client sends comes into the files, where it could not be erased.

Method: a name stands wherever a client can put text of its own: in idempotency keys, in ids,
codes and fields that are refused, in the path, the query and the headers. Then the folder's files
are searched for it, and for the API key's secret. Canary: the name of an API key, which the
operator gives and which is in the journal on purpose, is found by the same search.
"""
import os
import secrets

from api_harness import Client, check, equal, ledger
from cli_harness import new_id

NAME = "anna@mail.test"


def occurrences(folder, text):
    """The files that hold the text, as bytes or as UTF-16."""
    found = []
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            if not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                data = file.read()
            if text.encode() in data or text.encode("utf-16-le") in data:
                found.append(name)
    return found


def write_with_names(client):
    bank, customer = new_id(), new_id()
    client.expect(200, "POST", "/v1/accounts",
                  [{"id": bank, "asset": "EUR", "kind": "equity"},
                   {"id": customer, "asset": "EUR", "kind": "liability"}],
                  {"Idempotency-Key": f'"accounts of {NAME}"'.replace(" ", "-")})
    body = {"debit": bank, "credit": customer, "asset": "EUR", "amount": "1.00"}
    for key in (f'"{NAME}"', NAME):
        answer = client.send("POST", "/v1/transfers", body, {"Idempotency-Key": key})
        check(answer.status in (200, 201), f"a transfer under a name: {answer!r}")
    client.expect(201, "POST", "/v1/transfers", body,
                  {"Idempotency-Key": secrets.token_hex(8), "User-Agent": NAME, "X-Name": NAME,
                   "tracestate": f"name={NAME}"})
    refused = [{**body, "note": NAME}, {**body, "id": NAME}, {**body, "user_ref": NAME},
               {**body, "asset": NAME[:12]}, {**body, "amount": NAME}]
    for wrong in refused:
        answer = client.send("POST", "/v1/transfers", wrong)
        check(400 <= answer.status < 500, f"text is refused: {wrong} {answer!r}")
    client.send("GET", f"/v1/transfers?user_ref={NAME}")
    client.send("GET", f"/v1/accounts/{NAME}")
    account = client.expect(200, "GET", f"/v1/accounts/{customer}").json()
    equal(account["balance"]["net"], "2.00", "what was written is there")


def main():
    operator_name = "till-of-the-test"
    with ledger("erasure") as (server, secret):
        wallet = server.wallet
        write_with_names(Client(server, secret))
        made = wallet.json("key", "create", operator_name, "--scopes", "accounts:read")
    check(occurrences(wallet.folder, operator_name), "the search finds what is there (canary)")
    equal(occurrences(wallet.folder, NAME), [], "files that hold a client's text")
    for kept in (secret, made["secret"]):
        equal(occurrences(wallet.folder, kept), [], "files that hold an API key")


if __name__ == "__main__":
    main()
