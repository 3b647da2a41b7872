"""Goal: every command does what it says, with its exit code, with and without a server.

Method: one script of commands with known ids, run on a folder alone and on another beside a
server; balances are compared with what the script moved.
"""
from cli_harness import (CONFLICT, DENIED, NOT_FOUND, REFUSED, USAGE, Server, Wallet, check, equal,
                         new_id)


def fields(text):
    """The lines "name  value" of a command's text."""
    return dict((line.split(None, 1) + [""])[:2] for line in text.split("\n") if line.strip())


def accounts(wallet):
    made = wallet.json("account", "create", "t:bank", "--kind", "equity")
    equal((made["outcome"], made["repeated"]), ("ok", False), "an account is made")
    again = wallet.json("account", "create", "t:bank", "--kind", "equity")
    equal((again["outcome"], again["repeated"]), ("ok", True), "and made once")
    wallet.run("account", "create", "t:bank", "--kind", "asset", code=CONFLICT)
    wallet.run("account", "create", "t:alice", "--flags", "debits_must_not_exceed_credits",
               "--user-ref", new_id())
    wallet.run("account", "create", "t:shop")
    fresh = wallet.json("account", "create")
    equal(wallet.json("account", "show", fresh["id"])["kind"], "liability", "the default kind")
    equal(wallet.run("account", "key", "t:bank").out.strip(), made["id"], "the id of a key")
    check(wallet.json("account", "key", "t:bank", "--reference")["id"] != made["id"],
          "references have ids of their own")
    wallet.run("account", "show", new_id(), code=NOT_FOUND)
    wallet.run("account", "show", "nonsense", code=USAGE)
    wallet.run("account", "create", "--kind", "wallet", code=USAGE)
    wallet.run("account", "create", "--asset", "NOPE", code=USAGE)
    page = wallet.json("account", "list", "--limit", 2)
    equal(len(page["items"]), 2, "a page")
    rest = wallet.json("account", "list", "--cursor", page["next"])
    equal([item["id"] for item in rest["items"]][-1], fresh["id"], "in the order of making")
    check("t:" not in wallet.run("account", "list").out, "text shows ids")
    return fresh["id"]


def transfers(wallet):
    paid = wallet.json("transfer", "create", "--debit", "t:bank", "--credit", "t:alice", "--amount",
                       "100.00", "--code", 7, "--value-date", "2026-01-31")
    equal(paid["amount"], "100.00", "what moved")
    one = new_id()
    for repeated in (False, True):
        done = wallet.json("transfer", "create", "--debit", "t:alice", "--credit", "t:shop",
                           "--amount", "1", "--id", one)
        equal(done["repeated"], repeated, "the same id is done once")
    wallet.run("transfer", "create", "--debit", "t:alice", "--credit", "t:shop", "--amount", "2",
               "--id", one, code=CONFLICT)
    broke = wallet.run("transfer", "create", "--debit", "t:alice", "--credit", "t:shop", "--amount",
                       "1000", code=REFUSED)
    check("insufficient funds" in broke.err, f"the reason: {broke!r}")
    refused = wallet.json("transfer", "create", "--debit", "t:alice", "--credit", "t:shop",
                          "--amount", "1000", code=REFUSED)
    equal(refused["code"], "debits_exceed_credits", "the outcome")
    equal(wallet.json("transfer", "show", refused["id"])["outcome"], "debits_exceed_credits",
          "a refusal is journaled")
    wallet.run("transfer", "create", "--debit", "t:alice", "--credit", "t:shop", "--amount",
               "1.001", code=USAGE)
    wallet.run("transfer", "create", "--debit", "t:alice", "--amount", "1", code=USAGE)
    return paid


def holds(wallet):
    hold = wallet.json("transfer", "hold", "--debit", "t:alice", "--credit", "t:shop", "--amount",
                       "40.00", "--timeout-s", 3600)
    equal(wallet.json("transfer", "show", hold["id"])["hold"]["state"], "open", "an open hold")
    post = wallet.json("transfer", "post", hold["id"], "--amount", "25.00", "--asset", "EUR")
    wallet.run("transfer", "post", hold["id"], code=REFUSED)
    other = wallet.json("transfer", "hold", "--debit", "t:alice", "--credit", "t:shop", "--amount",
                        "10.00")
    wallet.run("transfer", "void", other["id"])
    equal(wallet.json("transfer", "show", other["id"])["hold"]["state"], "voided", "a void")
    wallet.run("transfer", "reverse", post["id"], "--amount", "5.00", "--asset", "EUR")
    wallet.run("transfer", "reverse", post["id"])
    wallet.run("transfer", "reverse", post["id"], code=REFUSED)
    swept = wallet.json("transfer", "create", "--debit", "t:shop", "--credit", "t:alice",
                        "--amount", "all", "--flags", "balancing_debit")
    check(swept["outcome"] == "ok", "a balancing transfer")
    return hold, post


def reads(wallet, paid, hold, post):
    def net(*at):
        return wallet.json("balance", "t:alice", *at)["balance"]["net"]

    equal(net("--at", paid["position"]), "100.00", "the balance right behind the first transfer")
    held = wallet.json("balance", "t:alice", "--at", hold["position"])["balance"]
    equal((held["net"], held["debits_pending"]), ("99.00", "40.00"), "behind the hold")
    equal(net("--at", post["position"]), "74.00", "behind the post")
    at_time = wallet.json("balance", "t:alice", "--at", hold["at"])
    equal(at_time["closing"]["net"], "99.00", "before the time of the hold")
    wallet.run("balance", "t:alice", "--at", "1", code=None)
    shown = fields(wallet.run("balance", "t:alice").out)
    equal(shown["balance.net"], net(), "text and JSON say the same")
    entries = wallet.json("account", "entries", "t:alice")["items"]
    equal(entries[-1]["id"], paid["id"], "the oldest entry is last")
    statement = wallet.json("account", "statement", "t:alice", "--from", "2026-01-01T00:00:00Z")
    equal((statement["opening"]["net"], statement["closing"]["net"]), ("0.00", net()), "statement")
    listed = wallet.json("transfer", "list", "--limit", 3)
    equal(len(listed["items"]), 3, "a page of transfers")
    wallet.run("transfer", "list", "--from", "yesterday", code=USAGE)
    wallet.run("transfer", "show", new_id(), code=NOT_FOUND)
    wallet.check_totals()
    check("equity" in wallet.run("trial-balance").out, "the trial balance as text")
    early = wallet.json("trial-balance", "--at", paid["position"].split("-")[0])
    check(early["rows"], "a trial balance of the past")


def states(wallet, spare):
    wallet.run("account", "freeze", "t:shop")
    frozen = wallet.json("transfer", "create", "--debit", "t:bank", "--credit", "t:shop",
                         "--amount", "1", code=REFUSED)
    equal(frozen["code"], "credit_account_frozen", "a frozen account takes nothing")
    wallet.run("account", "unfreeze", "t:shop")
    wallet.run("account", "close", "t:alice", code=REFUSED)
    wallet.run("account", "close", spare)
    equal(wallet.json("account", "show", spare)["flags"], ["closed"], "a closed account")


def the_rest(wallet):
    wallet.run("asset", "create", "POINTS", 0)
    wallet.run("asset", "create", "POINTS", 2, code=CONFLICT)
    wallet.run("asset", "create", "POINTS", "two", code=USAGE)
    listed = wallet.json("asset", "list")["items"]
    check([a for a in listed if a["code"] == "POINTS" and a["exponent"] == 0], "the own asset")
    wallet.run("period", "close", "2026-01-31")
    equal(wallet.json("period", "show")["closed_through"], "2026-01-31", "the closed period")
    late = wallet.json("transfer", "create", "--debit", "t:bank", "--credit", "t:alice", "--amount",
                       "1", "--value-date", "2026-01-31", code=REFUSED)
    equal(late["code"], "period_closed", "a closed period refuses")
    wallet.run("period", "close", "2999-01-01", code=REFUSED)
    key = wallet.json("key", "create", "shop", "--scopes", "accounts:read,transfers:write")
    check(key["secret"].startswith("tpw_"), "the secret is shown once")
    listed = wallet.run("key", "list")
    check(key["secret"] not in listed.out and key["id"] in listed.out, "and never again")
    wallet.run("key", "revoke", key["id"])
    equal([k["revoked"] for k in wallet.json("key", "list")["items"]], [True], "revoked")
    wallet.run("key", "revoke", new_id(), code=NOT_FOUND)
    wallet.run("key", "create", "x", "--scopes", "everything", code=USAGE)
    equal(wallet.json("version")["name"], "tpwallet", "version")


def everything(wallet):
    spare = accounts(wallet)
    paid = transfers(wallet)
    hold, post = holds(wallet)
    reads(wallet, paid, hold, post)
    states(wallet, spare)
    the_rest(wallet)


def key_of_http(wallet):
    """An API key made beside the server counts at once, and not when it is revoked."""
    key = wallet.json("key", "create", "web", "--scopes", "accounts:read")
    server = Server(wallet, "--plain").start()
    try:
        def status(path, secret):
            connection = server.connection()
            headers = {"Authorization": f"Bearer {secret}"} if secret else {}
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer.status

        equal(status("/v1/accounts", None), 401, "without a key")
        equal(status("/v1/accounts", key["secret"]), 200, "with a key")
        equal(status("/v1/transfers", key["secret"]), 403, "out of its scopes")
        wallet.run("key", "revoke", key["id"])
        equal(status("/v1/accounts", key["secret"]), 401, "revoked")
        server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()


alone = Wallet("alone")
alone.run("init")
alone.run("init", code=CONFLICT)
everything(alone)
alone.run("serve", "--plain", code=DENIED)  # its one key is revoked

beside = Wallet("beside")
check("next:" in beside.run("init").out, "init says what to do next")
with_server = Server(beside, "--plain", "--anonymous").start()
try:
    everything(beside)
    with_server.stop()
finally:
    if with_server.process.poll() is None:
        with_server.kill()
key_of_http(beside)
