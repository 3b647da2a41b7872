"""What the tests of the served log share: a ledger with payments, and its log as a reader has it."""
import contextlib
import json
import os
import time

from api_harness import Client, ledger
from cli_harness import check, new_id

ORIGIN = "ledger.example.com/0"
WAIT_S = 60


class Reader:
    """Somebody outside: no key, only GETs."""

    def __init__(self, server):
        self.client = Client(server, None)

    def get(self, path, status=200):
        return self.client.expect(status, "GET", path)

    def checkpoint(self, size_min=1):
        """(size, bytes), once it has at least so many leaves."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            answer = self.client.send("GET", "/log/checkpoint")
            if answer.status == 200:
                size = int(answer.body.split(b"\n")[1])
                if size >= size_min:
                    return size, answer.body
            time.sleep(0.05)
        check(False, f"no checkpoint of {size_min} leaves")
        return None


def tile_names(size):
    """Of all tiles and bundles of a tree, as C2SP tlog-tiles has them."""
    level, count = 0, size
    while count > 0:
        for index in range((count + 255) // 256):
            digits = f"{index:03d}" if index < 1000 else f"x{index // 1000:03d}/{index % 1000:03d}"
            width = min(256, count - index * 256)
            tail = "" if width == 256 else f".p/{width}"
            yield f"tile/{level}/{digits}{tail}"
            if level == 0:
                yield f"tile/entries/{digits}{tail}"
        level, count = level + 1, count // 256


def download(reader, folder, size_min):
    """The log as it is served, into files; returns its size."""
    size, checkpoint = reader.checkpoint(size_min)
    files = {"checkpoint": checkpoint}
    for name in tile_names(size):
        files[name] = reader.get("/log/" + name).body
    for name, content in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    return size


def make_payments(client, transfers):
    """Accounts, transfers and payments; ids of the payments, and how many units there are."""
    bank, wallet, other = (new_id() for _ in range(3))
    client.expect(200, "POST", "/v1/accounts", [
        {"id": bank, "asset": "EUR", "kind": "equity"},
        {"id": wallet, "asset": "EUR", "kind": "liability"},
        {"id": other, "asset": "EUR", "kind": "liability"}])
    client.expect(200, "POST", "/v1/transfers", [
        {"id": new_id(), "debit": bank, "credit": wallet, "asset": "EUR", "amount": "1.00"}
        for _ in range(transfers)])
    payments = []
    for amount in ("2.50", "3.00"):
        payment = new_id()
        client.expect(201, "POST", "/v1/payments", {
            "id": payment, "kind": "wallet", "wallet": wallet, "to": other, "asset": "EUR",
            "amount": amount})
        payments.append(payment)
    return payments, 3 + transfers + len(payments)


@contextlib.contextmanager
def logged_ledger(name, transfers):
    """Yields server, client with a key, its payments, and a size that the log will reach."""
    with ledger(name, "--log-origin", ORIGIN) as (server, secret):
        client = Client(server, secret)
        payments, units = make_payments(client, transfers)
        yield server, client, payments, units + 2  # the key and the start are units too


def receipt(client, payment):
    """As bytes, once there is one."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        answer = client.send("GET", f"/v1/payments/{payment}/receipt")
        if answer.status == 200:
            return answer.body
        check(answer.status == 503 and answer.json()["code"] == "unavailable", repr(answer))
        time.sleep(0.05)
    check(False, "no receipt")
    return None


def proof_of(receipt_bytes):
    return json.loads(receipt_bytes)["proof"].encode()
