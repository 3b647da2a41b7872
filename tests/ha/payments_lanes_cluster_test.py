"""Goal: payments in a ledger with several lanes before three replicas: each lane's owner carries out its
own, any replica takes a call or a PSP's webhook and finds the payment's home, and whoever takes a lane
over goes on with its payments, webhooks and deliveries. Every payment comes to its end, those between
two lanes in both and once, every end is told, and the books of all lanes equal the sandbox's.

Method: the load of payments_lanes_test over all replicas beside a sandbox that is slow and loses
answers; under it the owner of either lane is killed, one is paused and woken, and both lanes are
moved. The sandbox sends its webhooks to one replica, whatever it owns; a receiver of ours is made
known once.
"""
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import payments_lanes_test as paying  # noqa: E402
from ha_harness import (Cluster, Stalls, check, check_books, equal, equal_unless_stalled,  # noqa: E402
                        new_id, wait_for)
from payments_lanes_test import SECRET, call, want  # noqa: E402
from sandbox_harness import Sandbox, receiving  # noqa: E402
from webhooks_test import event_of, sign  # noqa: E402

LANES = paying.LANES = 2
FAULTS = "slow=20:60,timeout_after=20:200,close_after=20,error_after=20"
BEFORE = 30  # payments acknowledged before an owner dies, or moves
AFTER = 30
STILL_S = 1.5  # without a lane changing hands


def owners(cluster):
    return [cluster.owner(lane) for lane in range(LANES)]


def rest(cluster):
    """The same two owners for a while: who came later is given a lane first."""
    before = owners(cluster)
    time.sleep(STILL_S)
    return None not in before and len(set(before)) == LANES and owners(cluster) == before


def asker(cluster):
    """Sends to any replica that runs."""
    draw = random.Random(3)

    def ask(item):
        replica = draw.choice([one for one in cluster.replicas if one.process is not None])
        return paying.sent(replica, item)
    return ask


def any_replica_finds_the_home(cluster, sandbox):
    """Each kind, made at one replica and asked for at another, as the lane's owner answers it."""
    for replica in cluster.replicas:
        for lane in range(LANES):
            made = paying.make(replica, paying.pay_in(lane))
            for other in cluster.replicas:
                status, headers, _ = call(other, "GET", f"/v1/payments/{made}")
                equal((status, headers["tpw-lane"]), (200, str(lane)), "found from anywhere")
            equal(paying.rested(replica, made), "succeeded", f"in lane {lane}")
            event = f"evt_{replica.name}_{lane}"
            body = event_of(event, f"{made}:1")
            for result in ("done", "repeated"):
                answer = call(cluster.replicas[0], "POST", "/v1/webhooks/sandbox", body,
                              sign(SECRET, event, body))
                equal((answer[0], answer[2], answer[1]["tpw-lane"]),
                      (200, {"result": result}, str(lane)), "a webhook, routed")
    paying.what_spans_lanes_is_refused(cluster.replicas[1])
    paying.payments_between_lanes(cluster.replicas[2])
    waits = [paying.make(cluster.replicas[2], paying.pay_in(lane, method="card_pending_then_ok"))
             for lane in range(LANES)]
    for payment in waits:
        paying.at_psp(cluster.replicas[0], payment)
        sandbox.call("POST", f"/orders/{payment}%3A1/complete", {})
        equal(paying.rested(cluster.replicas[0], payment), "succeeded", "by the PSP's webhook")


def owner_is_killed(cluster, load, lane):
    """Midway; what was under way, also from and to the other lane, is carried on by the next owner."""
    wait_for("two owners", lambda: rest(cluster))
    name, other = cluster.wait_owner(lane=lane), cluster.wait_owner(lane=1 - lane)
    owner = cluster.by_name(name)
    since = time.monotonic()
    with Stalls() as stalls, load:
        load.wait_more(BEFORE)
        owner.kill()
        heir = cluster.wait_owner(name, lane=lane)
        equal_unless_stalled(stalls, since, cluster.owner(1 - lane), other,
                             "the other lane's owner stays")
        load.wait_more(AFTER)
    owner.start()
    cluster.wait_warm()
    return name, heir


def owner_is_paused(cluster, load):
    """Of lane 0; woken when another has gone on with its payments, it sends and books nothing."""
    wait_for("two owners", lambda: rest(cluster))
    name = cluster.wait_owner(lane=0)
    owner = cluster.by_name(name)
    with load:
        load.wait_more(BEFORE)
        owner.pause()
        cluster.wait_owner(name, lane=0)
        owner.wake()
        load.wait_more(AFTER)
        wait_for("the paused one to follow", lambda: owner.metric("tpwallet_replica_role") == 1)
    cluster.wait_warm()


def lanes_are_moved(cluster, load):
    with load:
        for lane in range(LANES):
            load.wait_more(BEFORE)
            cluster.wait_warm()
            owner = cluster.wait_owner(lane=lane)
            heir = next(one.name for one in cluster.replicas if one.name != owner)
            cluster.replicas[0].wallet.json("lane", "move", str(lane), "--to", heir)
        load.wait_more(AFTER)


def each_lane_has_its_own_position(cluster, endpoint):
    """In the database each lane's deliveries are apart; the endpoint is lane 0's, and followed."""
    for lane in range(LANES):
        found = cluster.server.psql("SELECT count(*) FROM tpwallet.delivery "
                                    f"WHERE lane = {lane} AND endpoint = '{endpoint}'")
        equal(str(found).strip(), "1", f"the position of lane {lane}")


def run(cluster, sandbox, receiver):
    first = cluster.replicas[0]
    first.wallet.json("chart", "create", "--asset", "EUR", "--psp", "sandbox")
    paying.accounts_make(first)
    sandbox.call("POST", "/webhooks", {"url": f"http://{first.address}/v1/webhooks/sandbox",
                                       "scheme": "standard", "secret": SECRET})
    made = want(201, cluster.replicas[2], "POST", "/v1/webhook-endpoints",
                {"id": new_id(), "url": receiver.url, "filters": ["payment.*"]})
    any_replica_finds_the_home(cluster, sandbox)
    load = paying.Load(asker(cluster), 11)
    killed = [owner_is_killed(cluster, load, lane) for lane in (1, 0)]
    owner_is_paused(cluster, load)
    lanes_are_moved(cluster, load)
    sandbox.call("PUT", "/faults", {"seed": 3, "faults": []})
    load.finish()
    ends = paying.ends_of(cluster.replicas[1], load)
    payments = paying.told_of(cluster.replicas[2], load)
    paying.all_told(cluster.replicas[1], receiver, made["id"], made["secret"], payments)
    each_lane_has_its_own_position(cluster, made["id"])
    paying.settled(cluster.replicas[2].wallet, sandbox)
    check(ends.get("succeeded", 0) > BEFORE, f"payments went through: {ends}")
    for state in ("succeeded", "captured"):
        check(ends.get(f"{state} between lanes", 0) > 0, f"so did some between lanes: {ends}")
    print(f"{len(load.statuses)} payments, killed and followed by {killed}: {ends}; "
          f"{len(receiver.got)} webhooks sent")


def main():
    with Sandbox("--seed", "3", "--faults", FAULTS) as sandbox, receiving() as receiver:
        with Cluster(3, *paying.options_of(sandbox), lanes=LANES) as cluster:
            run(cluster, sandbox, receiver)
            check_books(cluster)


if __name__ == "__main__":
    main()
