"""What the tests of payments end to end share: a wallet with a chart, a sandbox, a server beside it."""
import contextlib
import os
import time

from cli_harness import SCRATCH, Server, check, file_of
from sandbox_harness import Sandbox, until

REST_S = 300
WAITS = ("pending", "in_doubt", "quoted", "authorised", "part_captured", "opened")


def keys_file():
    path = file_of("psp-keys", "sandbox sandbox\n")
    os.chmod(path, 0o600)
    return path


def server_of(wallet, sandbox, *options):
    """Not started yet."""
    return Server(wallet, "--plain", "--anonymous", "--psp", f"sandbox=http://{sandbox.address}",
                  "--psp-keys", keys_file(), "--psp-private", *options)


@contextlib.contextmanager
def paying(wallet, *sandbox_options):
    """A ledger with the chart of EUR, a sandbox and a server: (sandbox, server)."""
    wallet.run("init", "--asset", "EUR", "--psp", "sandbox")
    with Sandbox(*sandbox_options) as sandbox:
        server = server_of(wallet, sandbox)
        server.start()
        try:
            yield sandbox, server
            server.stop()
        finally:
            if server.process.poll() is None:
                server.kill()


def account(wallet):
    return wallet.json("account", "create", "--kind", "liability", "--flags",
                       "debits_must_not_exceed_credits")["id"]


def pay_in(wallet, credited, amount, method, **more):
    options = [word for name, value in more.items() for word in ("--" + name, value)]
    return wallet.json("payment", "create", "pay_in", "--wallet", credited, "--amount", amount,
                       "--method", method, "--psp", "sandbox", *options)["id"]


def state_of(wallet, payment):
    return wallet.json("payment", "get", payment)["state"]


def rested(wallet, payment):
    """The state in which it has come to rest."""
    return until(lambda: (state := state_of(wallet, payment)) not in WAITS and state,
                 f"{payment} comes to rest")


def all_rest(wallet):
    """Waits until nothing waits for anything but a person; returns those that do."""
    deadline = time.monotonic() + REST_S
    while True:
        items = wallet.json("payment", "list", "--limit", "1000")["items"]
        if all(item["state"] == "manual" for item in items):
            return items
        check(time.monotonic() < deadline, f"payments that do not come to rest: {items[:3]}")
        time.sleep(0.1)


def settle(wallet, sandbox):
    """Closes the sandbox's open day and books it."""
    day = sandbox.call("GET", "/clock")["open_statement"]
    sandbox.call("POST", f"/statements/{day}/close", {})
    return wallet.json("settle", "--psp", "sandbox", "--day", day), day


def books_differ(wallet, sandbox, asset="EUR"):
    """What the wallet's chart says otherwise than the sandbox's books, after settlement."""
    page = sandbox.books()[asset]
    chart = {row["role"]: row["balance"]
             for row in wallet.json("chart", "show", "--asset", asset, "--psp",
                                    "sandbox")["accounts"]}
    pairs = (("owed", "clearing"), ("settled", "bank"), ("fees", "fees"))
    return [f"{theirs} {page[theirs]}, {ours} {chart[ours]}" for theirs, ours in pairs
            if page[theirs] != chart[ours]]


def scratch(name):
    return os.path.join(SCRATCH, name)
