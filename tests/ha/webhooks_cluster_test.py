"""Goal: a cluster takes a PSP's webhooks at any replica, and sends its own, as one server would: each
that came has its effect once, and ours arrive in order, without gaps, also when the owner dies.

Method: two replicas beside a sandbox that sends real webhooks to the follower, and a receiver of
ours. A payment moves on by its webhook; events signed here come twice, at either replica; the owner
is paused in the middle of a delivery, and woken when the next one has delivered more; then the owner
is killed (kill -9) under a flood of both, and what was acknowledged is asked for again.
"""
import base64
import http.client
import json
import os
import sys
import threading
from time import sleep

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

from ha_harness import Cluster, check, equal, new_id, wait_for  # noqa: E402
from cli_harness import file_of  # noqa: E402
from sandbox_harness import Sandbox, receiving, standard_is_right, until  # noqa: E402
from webhooks_test import event_of, sign  # noqa: E402

SECRET = "whsec_" + base64.b64encode(b"o" * 32).decode()
FLOODS = 8


def call(replica, method, path, body=None, headers=None):
    """(status, JSON)."""
    connection = replica.connection()
    try:
        connection.request(method, path, body,
                           {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def want(status, replica, method, path, body=None):
    found = call(replica, method, path, None if body is None else json.dumps(body))
    equal(found[0], status, f"{method} {path} at {replica.name}: {found[1]}")
    return found[1]


def send(replica, event, reference):
    body = event_of(event, reference)
    return call(replica, "POST", "/v1/webhooks/sandbox", body, sign(SECRET, event, body))


def pay_in(replica, account, method="card_ok"):
    payment = new_id()
    want(201, replica, "POST", "/v1/payments",
         {"id": payment, "kind": "pay_in", "amount": "10.00", "asset": "EUR", "wallet": account,
          "method": method, "psp": "sandbox"})
    return payment


def succeeded(replica, payment):
    until(lambda: want(200, replica, "GET", f"/v1/payments/{payment}")["state"] == "succeeded",
          f"{payment} succeeded")


def causes(replica, payment):
    story = want(200, replica, "GET", f"/v1/payments/{payment}/story")
    return [unit["cause"] for unit in story["units"]]


def a_webhook_to_the_follower_moves_a_payment(sandbox, follower, account):
    payment = pay_in(follower, account, "card_pending_then_ok")
    until(lambda: causes(follower, payment).count("answer") >= 1, "it is pending at the PSP")
    sandbox.call("POST", f"/orders/{payment}%3A1/complete", {})
    succeeded(follower, payment)
    until(lambda: "hint" in causes(follower, payment), "the sandbox's webhook came")
    return payment


def repeats_are_one(owner, follower, payment):
    reference = f"{payment}:1"
    equal(send(follower, "evt_twice", reference), (200, {"result": "done"}), "at the follower")
    hints = causes(owner, payment).count("hint")
    for replica in (follower, owner):
        equal(send(replica, "evt_twice", reference), (200, {"result": "repeated"}), "again")
    equal(causes(owner, payment).count("hint"), hints, "hints")
    body = event_of("evt_forged", reference)
    headers = sign("whsec_" + base64.b64encode(b"x" * 32).decode(), "evt_forged", body)
    equal(call(follower, "POST", "/v1/webhooks/sandbox", body, headers)[0], 401, "a forged one")


def all_delivered(replica, receiver, endpoint):
    """Each event of a payment is at the receiver, and its owner has written down that it is."""
    page = want(200, replica, "GET", "/v1/events?limit=1000")
    wanted = len([one for one in page["items"] if one["type"].startswith("payment.")])
    told = {int(event["sequence"]) for event in receiver.events()}
    view = want(200, replica, "GET", f"/v1/webhook-endpoints/{endpoint}")
    return len(told) == wanted == view["sequence"]


def woken_owner_moves_nothing(cluster, receiver, owner, follower, account, endpoint):
    """Its answer came while it was paused: what it would save is older than what is there."""
    receiver.gate.clear()
    before = len(receiver.got)
    payments = [pay_in(owner, account)]
    until(lambda: len(receiver.got) > before, "a delivery under way")
    owner.pause()
    equal(cluster.wait_owner(owner.name), follower.name, "who takes over")
    receiver.gate.set()
    payments += [pay_in(follower, account) for _ in range(3)]
    for payment in payments:
        succeeded(follower, payment)
        until(lambda p=payment: ("payment.succeeded", p) in
              {(e["type"], e["subject"]) for e in receiver.events()}, f"events of {payment}")

    def position():
        return cluster.server.psql("SELECT md5(data), xmin FROM tpwallet.delivery")

    def rests():
        found = position()
        newest = len(receiver.got)
        sleep(0.3)  # between two looks
        return (found, newest) == (position(), len(receiver.got))
    wait_for("the next owner's deliveries",
             lambda: all_delivered(follower, receiver, endpoint) and rests())
    rested = position()
    owner.wake()
    wait_for("the paused one to follow", lambda: owner.metric("tpwallet_replica_role") == 1)
    equal(position(), rested, "the position, written by the next owner alone")
    return payments


def killed_under_a_flood(cluster, owner, follower, account, payment):
    """What the follower acknowledged while its owner died; and payments made meanwhile."""
    accepted = set()
    stop = threading.Event()

    def flood(worker):
        count = 0
        while not stop.is_set() and count < 400:
            event = f"evt_kill_{worker}_{count}"
            count += 1
            try:
                if send(follower, event, f"{payment}:1")[0] == 200:
                    accepted.add(event)
            except (OSError, http.client.HTTPException):
                return

    workers = [threading.Thread(target=flood, args=(i,)) for i in range(FLOODS)]
    for worker in workers:
        worker.start()
    payments = [pay_in(follower, account) for _ in range(5)]
    until(lambda: len(accepted) > 40, "webhooks taken")
    owner.kill()
    before = len(accepted)
    equal(cluster.wait_owner(owner.name), follower.name, "the next owner")
    until(lambda: len(accepted) > before + 20, "webhooks taken by the next owner")
    stop.set()
    for worker in workers:
        worker.join()
    for event in sorted(accepted):
        equal(send(follower, event, f"{payment}:1"), (200, {"result": "repeated"}),
              f"{event} had its effect before")
    print(f"{len(accepted)} webhooks taken around a kill; each had its effect once")
    return payments


def ours_arrived(receiver, made, replica, payments):
    """Each number once and in order, but for what was under way when the owner died."""
    for payment in payments:
        succeeded(replica, payment)
        until(lambda p=payment: ("payment.succeeded", p) in
              {(e["type"], e["subject"]) for e in receiver.events()}, f"events of {payment}")
    events = receiver.events()
    first = []
    seen = {}
    for event in events:
        number = int(event["sequence"])
        if number not in seen:
            first.append(number)
        equal(seen.setdefault(number, event["id"]), event["id"], "one id a number")
    equal(first, list(range(1, len(first) + 1)), "numbers, as they came first")
    repeats = len(events) - len(first)
    check(repeats <= 2, f"{repeats} came twice: only what was under way at two ends may")
    for payment in payments:
        ids = {e["id"] for e in events if e["subject"] == payment and
               e["type"] == "payment.succeeded"}
        equal(len(ids), 1, f"events that tell that {payment} succeeded")
    for headers, body in list(receiver.got):
        check(standard_is_right(made["secret"], headers, body), "signature")
    print(f"{len(first)} events of ours, {repeats} of them twice")


def run(cluster, sandbox, receiver):
    owner, follower = cluster.replicas
    owner.wallet.run("chart", "create", "--asset", "EUR", "--psp", "sandbox")
    sandbox.call("POST", "/webhooks", {"url": f"http://{follower.address}/v1/webhooks/sandbox",
                                       "scheme": "standard", "secret": SECRET})
    account = new_id()
    want(201, follower, "POST", "/v1/accounts",
         {"id": account, "asset": "EUR", "kind": "liability"})
    made = want(201, follower, "POST", "/v1/webhook-endpoints",
                {"id": new_id(), "url": receiver.url, "filters": ["payment.*"]})
    payment = a_webhook_to_the_follower_moves_a_payment(sandbox, follower, account)
    repeats_are_one(owner, follower, payment)
    payments = [payment] + [pay_in(follower, account) for _ in range(3)]
    payments += woken_owner_moves_nothing(cluster, receiver, owner, follower, account,
                                          made["id"])
    owner, follower = follower, owner
    cluster.wait_warm()
    payments += killed_under_a_flood(cluster, owner, follower, account, payment)
    ours_arrived(receiver, made, follower, payments)
    owner.start()
    cluster.wait_warm()
    equal(send(owner, "evt_twice", f"{payment}:1"), (200, {"result": "repeated"}),
          "forwarded the other way")
    follower.wallet.check_totals()


def main():
    with Sandbox() as sandbox, receiving() as receiver:
        keys = file_of("keys", "sandbox sandbox\n")
        secrets = file_of("secrets", f"now {SECRET}\n")
        for path in (keys, secrets):
            os.chmod(path, 0o600)
        options = ("--psp", f"sandbox=http://{sandbox.address}", "--psp-keys", keys,
                   "--psp-private", "--webhook-in", f"sandbox=standard:{secrets}",
                   "--webhook-private")
        with Cluster(2, *options) as cluster:
            run(cluster, sandbox, receiver)


if __name__ == "__main__":
    main()
