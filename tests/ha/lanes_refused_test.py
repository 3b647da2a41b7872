"""Goal: what another lane refuses for good is given back, once, by whoever owns the lane that it left:
accounts that are closed between a departure and its arrival take nothing, the payment has failed and
says why, the transfer names the same outcome, and no record is written while the way is barred. What is
on its way is listed meanwhile, each once, and not when it is back.

Method: two replicas, each the owner of one lane, whose secrets differ, so that neither believes that
the other is a peer: what leaves stays on its way. Meanwhile the accounts that it is for are closed in
their lane; then the owner of the lane that it left is killed. The other owns both lanes, and goes on.
"""
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import between_lanes_harness as between  # noqa: E402
from between_lanes_harness import ask, available  # noqa: E402
from cli_harness import USAGE, file_of, sample  # noqa: E402
from ha_harness import Cluster, check, check_books, equal, new_id, wait_for  # noqa: E402
from lanes_test import account_id, lane_header, transfer  # noqa: E402

LANES = 2
PATIENCE_S = 60  # then what has left is taken back, whatever the account
SENT = 90  # transfers: more than a worker looks at in one go
BANK, PAYER = account_id(0, 1), account_id(0, 2)
PAYEES = [account_id(1, 3 + number) for number in range(2)]  # of the payment, of the transfers


def secret_of(name):
    path = file_of(f"secret-{name}", f"a-secret-of-{name}-and-nobody-else\n")
    os.chmod(path, 0o600)
    return "--peer-secret", path


def accounts_make(home, peer):
    bound = ["debits_must_not_exceed_credits"]
    ask(200, home, "POST", "/v1/accounts",
        [{"id": BANK, "asset": "EUR", "kind": "asset"},
         {"id": PAYER, "asset": "EUR", "kind": "liability", "flags": bound}])
    ask(200, peer, "POST", "/v1/accounts",
        [{"id": one, "asset": "EUR", "kind": "liability", "flags": bound} for one in PAYEES])
    ask(201, home, "POST", "/v1/transfers", transfer(BANK, PAYER, 50000))


def metric(server, name, lane):
    status, body = server.get("/metrics")
    equal(status, 200, "the page of metrics")
    return sample(body.decode(), name, lane)


def depart(home):
    """A payment and many transfers; what each came to when it left."""
    payment = ask(201, home, "POST", "/v1/payments",
                  {"kind": "wallet", "wallet": PAYER, "to": PAYEES[0], "amount": "1.25",
                   "asset": "EUR"}, {"Idempotency-Key": f'"{new_id()}"'})
    equal(payment["state"], "pending", "it has left")
    sent = [transfer(PAYER, PAYEES[1], 100) for _ in range(SENT)]
    for one in sent:
        ask(202, home, "POST", "/v1/transfers", one)
    return payment["id"], [one["id"] for one in sent]


def stays_on_its_way(home):
    """All of it is counted, and asked for again without a word in the journal."""
    wait_for("all that is open to be counted",
             lambda: metric(home, "tpwallet_transits_open", 0) == SENT + 1)
    name = 'tpwallet_transits_total{result="unreachable"}'
    before, batch = metric(home, name, 0), metric(home, "tpwallet_journal_batch", 0)
    wait_for("three more rounds", lambda: metric(home, name, 0) >= before + 3)
    equal(metric(home, "tpwallet_journal_batch", 0), batch, "the journal of the lane that it left")
    equal(metric(home, "tpwallet_transits_stuck", 0), 0, "none of it was refused")


def listed(server, *words):
    """What `tpwallet transit list` names, page by page."""
    page = server.wallet.json("transit", "list", "--limit", "40", *words)
    items = page["items"]
    while "next" in page:
        page = server.wallet.json("transit", "list", "--limit", "40", "--cursor", page["next"], *words)
        items += page["items"]
    return items


def all_is_listed(home, payment, sent):
    here = ("--lane", "0")
    items = listed(home, *here)
    equal(len(items), SENT + 1, "each once")
    paid = [one for one in items if "payment" in one]
    equal([(one["payment"], one["amount"], one["credit"]) for one in paid],
          [(payment, "1.25", PAYEES[0])], "the payment's")
    equal({one["id"] for one in items if "payment" not in one}, set(sent), "the transfers'")
    for one in items:
        equal((one["lane"], one["peer"], one["debit"], one["asset"], one["state"], "outcome" in one),
              (0, 1, PAYER, "EUR", "waiting", False), f"what is on its way: {one}")
    equal(len(listed(home, *here, "--state", "waiting", "--peer", "1")), SENT + 1, "by a filter")
    for words in (("--state", "stuck"), ("--peer", "0")):
        equal(listed(home, *here, *words), [], f"by {words}")
    text = home.wallet.run("transit", "list", *here, "--limit", "1000").out
    check(all(one["id"] in text for one in items), f"as a table: {text}")
    told = home.wallet.run("transit", "list", *here, "--peer", "2", code=USAGE).err
    check("the last lane of this ledger is 1" in told, f"a lane that there is not: {told}")


def accounts_close(home, peer):
    """The payees'; the payer has something on its way, and stays."""
    for payee in PAYEES:
        ask(200, peer, "PATCH", f"/v1/accounts/{payee}", {"closed": True})
    refused = ask(422, home, "PATCH", f"/v1/accounts/{PAYER}", {"closed": True})
    equal(refused["code"], "account_not_empty", "what has left is the payer's")


def way_of(server, one):
    return ask(200, server, "GET", f"/v1/transfers/{one}", None, lane_header(0))["transit"]


def all_is_back(server, payment, sent, left_at):
    found = between.ended(server, payment)
    reasons = ["credit_account_closed"]
    if time.monotonic() - left_at >= PATIENCE_S:
        reasons.append("withdrawn")
    equal((found["state"], found["captured"]), ("failed", "0.00"), "what became of the payment")
    check(found["reason"] in reasons, f"why: {found}")
    between.ended_once(server, {"id": payment, "wallet": PAYER, "to": PAYEES[0],
                                "amount": "1.25"}, "failed")
    for one in sent:
        wait_for("its end", lambda one=one: way_of(server, one)["state"] != "pending")
        found = way_of(server, one)
        equal(found["state"], "released", "what became of a transfer")
        check(found["outcome"] in reasons, f"why: {found}")
    equal(available(server, PAYER), 50000, "the payer has all of it again")
    equal(between.nothing_is_between(server, LANES), 0, "ways that anything has arrived on")
    wait_for("none to be open", lambda: metric(server, "tpwallet_transits_open", 0) == 0)
    equal(listed(server), [], "what any lane has between lanes")
    for name in ("tpwallet_transits_stuck", 'tpwallet_transits_total{result="broken"}'):
        equal(metric(server, name, 0), 0, name)
    equal(metric(server, 'tpwallet_transits_total{result="released"}', 0), SENT + 1, "given back")
    ask(201, server, "POST", "/v1/transfers", transfer(PAYER, BANK, 50000))
    ask(200, server, "PATCH", f"/v1/accounts/{PAYER}", {"closed": True})


def owners(cluster):
    names = [cluster.owner(lane) for lane in range(LANES)]
    return names if None not in names and len(set(names)) == LANES else None


def main():
    with Cluster(2, lanes=LANES, each=secret_of) as cluster:
        wait_for("an owner for each lane", lambda: owners(cluster))
        home, peer = (cluster.by_name(name) for name in owners(cluster))
        accounts_make(home, peer)
        left_at = time.monotonic()
        payment, sent = depart(home)
        stays_on_its_way(home)
        all_is_listed(home, payment, sent)
        accounts_close(home, peer)
        equal(owners(cluster), [home.name, peer.name], "the owners")
        home.signal(signal.SIGKILL)
        home.kill()
        equal(cluster.wait_owner(home.name, lane=0), peer.name, "the owner of both lanes")
        all_is_back(peer, payment, sent, left_at)
        home.start()
        cluster.wait_warm()
        check_books(cluster)


if __name__ == "__main__":
    main()
