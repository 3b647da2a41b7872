"""Goal: a replica whose clock is not the database's owns no lane, however it is asked: holds stay
open that are not due, and stamps stay the database's. It says so, and takes lanes again when its
clock is right. An owner whose clock goes wrong tells.

Method: two replicas before one PostgreSQL, the second under a wall clock that is hours ahead or
behind (clock_shift.py); lanes are moved there, and the owner is killed; metrics, log and a hold's
state are read.
"""
import json
import os
import subprocess
import time

from ha_harness import (HEADERS, SCRATCH, TPWALLET, Postgres, Replica, Wallet, check, equal,
                        new_id, wait_for)
# pylint: disable=wrong-import-order
from clock_shift import shift, shifted_clock  # in a folder that ha_harness makes known

HOUR_S = 3600
REFUSED_S = 6  # three leases


def shifted_command():
    return ["env", *(f"{name}={value}" for name, value in shifted_clock().items())]


def role(replica):
    return replica.metric("tpwallet_replica_role")


def events(replica, name):
    lines = [json.loads(line) for line in replica.log().splitlines(True)
             if line.startswith("{") and line.endswith("\n")]
    return [line for line in lines if line["event"] == name]


def post(replica, path, body):
    connection = replica.connection()
    connection.request("POST", path, json.dumps(body), HEADERS)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    check(answer.status in (200, 201), f"{path}: {answer.status} {text!r}")


def hold_of(replica):
    """Good for an hour."""
    bank, shop = new_id(), new_id()
    post(replica, "/v1/accounts", [{"id": shop, "asset": "EUR", "kind": "liability"},
                                   {"id": bank, "asset": "EUR", "kind": "asset"}])
    post(replica, "/v1/transfers", {"id": new_id(), "kind": "hold", "debit": bank, "credit": shop,
                                    "asset": "EUR", "amount": "10.00", "timeout_s": HOUR_S})
    return shop


def check_open(replica, shop):
    status, body = replica.get(f"/v1/accounts/{shop}")
    equal(status, 200, f"an account with a hold: {body!r}")
    balance = json.loads(body)["balance"]
    check(balance["credits_pending"] == "10.00", f"the hold is open: {balance}")


def refuses(right, wrong, seconds, field):
    """The second is not taken for an heir, and takes nothing when nobody owns the lane."""
    told = len(events(wrong, "replica.clock_off"))
    led = len(events(wrong, "replica.leading"))
    shift(seconds)
    wait_for("the clock to be seen", lambda: wrong.metric("tpwallet_replica_clock_off") == 1)
    skew = wrong.metric("tpwallet_replica_clock_skew_ms")
    check(abs(skew - abs(seconds) * 1000) < 5000, f"a skew of {skew} ms")
    wait_for("the log to tell", lambda: len(events(wrong, "replica.clock_off")) > told)
    line = events(wrong, "replica.clock_off")[-1]
    check(abs(line[field] - abs(seconds) * 1000) < 5000 and "NTP" in line["hint"], f"{line}")
    right.wallet.run("lane", "move", "0", "--to", wrong.name, "--timeout-s", "3", code=None)
    wait_for("roles as before a move to a wrong clock", lambda: (role(right), role(wrong)) == (2, 1))
    equal(len(events(wrong, "replica.leading")), led, "times that the wrong clock owned the lane")
    right.kill()
    until = time.monotonic() + REFUSED_S
    while time.monotonic() < until:
        check(role(wrong) != 2, "nobody owns the lane by a wrong clock")
        time.sleep(0.2)
    equal(len(events(wrong, "replica.leading")), led, "times that the wrong clock owned the lane")
    right.start()
    wait_for("the right one to own it again", lambda: role(right) == 2)
    wait_for("the wrong one to follow", lambda: role(wrong) == 1)
    told = len(events(wrong, "replica.clock_good"))
    shift(0)
    wait_for("the clock to be right", lambda: wrong.metric("tpwallet_replica_clock_off") == 0)
    wait_for("the log to tell", lambda: len(events(wrong, "replica.clock_good")) > told)


def takes_it_when_right_again(right, wrong):
    right.wallet.run("lane", "move", "0", "--to", wrong.name)
    wait_for("the lane to be moved", lambda: role(wrong) == 2)


def starts_with_a_wrong_clock():
    """Nobody has ever had the lease: the clock is known when it is taken."""
    shift(2 * HOUR_S)
    with Postgres() as server:
        replica = Replica("alone", server.url, command=shifted_command()).start()
        wait_for("the clock to be seen", lambda: replica.metric("tpwallet_replica_clock_off") == 1)
        check(role(replica) != 2, "it owns nothing")
        shift(0)
        wait_for("the lane to be owned", lambda: role(replica) == 2)
        replica.kill()


def command_is_refused(url):
    """A command that opens the journal by itself is its owner for as long."""
    wallet = Wallet("hasty")
    wallet.run("init", "--store", url)
    shift(2 * HOUR_S)
    words = ("account", "create", "--asset", "EUR", new_id())
    done = subprocess.run([*shifted_command(), TPWALLET, *words, "--data", wallet.folder],
                          capture_output=True, text=True, check=False)
    equal(done.returncode, 4, f"exit code under a wrong clock: {done.stderr}")
    check(" ms ahead" in done.stderr and "NTP" in done.stderr, done.stderr)
    shift(0)
    wallet.run(*words)


def owner_tells(wrong):
    shift(-2 * HOUR_S)
    wait_for("the owner's clock to be seen", lambda: wrong.metric("tpwallet_replica_clock_off") == 1)
    equal(role(wrong), 2, "the owner's role")
    shift(0)


def main():
    shift(0)
    with Postgres() as server:
        command_is_refused(server.url)
        right = Replica("right", server.url).start()
        wait_for("the first owner", lambda: role(right) == 2)
        shop = hold_of(right)
        wrong = Replica("wrong", server.url, command=shifted_command()).start()
        wait_for("the second to follow", lambda: role(wrong) == 1)
        refuses(right, wrong, 2 * HOUR_S, "ahead_ms")
        check_open(right, shop)
        refuses(right, wrong, -2 * HOUR_S, "behind_ms")
        takes_it_when_right_again(right, wrong)
        check_open(wrong, shop)
        owner_tells(wrong)
        for replica in (right, wrong):
            replica.kill()
    starts_with_a_wrong_clock()


main()
