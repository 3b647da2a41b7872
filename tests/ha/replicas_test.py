"""Goal: three replicas before one PostgreSQL answer as one: whichever is asked, whatever happens to
the owner or to the database, nothing that was acknowledged is lost, no read is older than an answer
its client has had, and a planned move or a rolling restart fails no request.

Method: clients that each know what their account must hold work through all replicas, while the
owner is killed, paused past its lease and woken, moved as planned, all are restarted one after the
other, and the database is restarted. After each, books are compared with what clients were told.
"""
import json
import signal
import time

from ha_harness import (Cluster, Load, bank_violations, check, check_books, equal, wait_for)

TAKEOVER_S_MAX = 5.0
CLIENTS = 4


def owner_is_killed(cluster):
    with Load(cluster, CLIENTS) as load:
        load.work_for(1)
        owner = cluster.by_name(cluster.wait_owner())
        killed_at = time.monotonic()
        owner.kill()
        next_name = cluster.wait_owner(owner.name)
        print(f"kill: {next_name} owns the lane {time.monotonic() - killed_at:.2f} s later")
        load.work_for(1)
        owner.start()
        cluster.wait_warm()
        load.work_for(0.5)
    load.finish("kill")
    load.check_gap(TAKEOVER_S_MAX)


def owner_is_paused(cluster):
    with Load(cluster, CLIENTS, timeout_s=2) as load:
        load.work_for(1)
        owner = cluster.by_name(cluster.wait_owner())
        owner.pause()
        next_name = cluster.wait_owner(owner.name)
        load.work_for(1)
        owner.wake()  # calls that it had begun are answered now, or not
        wait_for("the paused one to follow", lambda: owner.metric("tpwallet_replica_role") == 1)
        check(owner.counted("tpwallet_lease_losses_total") >= 1, "it has not noticed its loss")
        lost = wait_for("its log to say so", lambda: [
            json.loads(line) for line in owner.log().splitlines(True)
            if "replica.lost" in line and line.endswith("\n")])
        equal(lost[-1]["holder"], next_name, "who has the lane, by the log of who lost it")
        check(lost[-1]["renewed_ms_ago"] > lost[-1]["lease_ms"], f"renewed in time: {lost[-1]}")
        load.equal_unless_stalled(cluster.owner(), next_name, "owner after the former one woke up")
        cluster.wait_warm()
        load.work_for(0.5)
    load.finish("pause")


def lane_is_moved(cluster):
    with Load(cluster, CLIENTS) as load:
        for _ in range(4):
            load.work_for(0.7)
            cluster.wait_warm()
            owner = cluster.wait_owner()
            heir = next(replica.name for replica in cluster.replicas if replica.name != owner)
            moved = cluster.replicas[0].wallet.json("lane", "move", "0", "--to", heir)
            equal(moved["owner"], heir, "owner after the move")
            print(f"move: {owner} to {heir} in {moved['took_ms']} ms")
        load.work_for(0.5)
    load.finish("move")
    load.equal_unless_stalled(load.failures(), [], "requests that failed in planned moves")


def all_are_restarted(cluster):
    # as behind a load balancer, which takes out who is going to stop: a client asks the others
    for replica in list(cluster.replicas):
        others = [other for other in cluster.replicas if other is not replica]
        with Load(cluster, CLIENTS, others) as load:
            load.work_for(0.5)
            replica.stop()
            cluster.wait_owner(replica.name)
            load.work_for(0.5)
            replica.start()
            cluster.wait_warm()
            load.work_for(0.3)
        load.finish(f"restart of {replica.name}")
        load.equal_unless_stalled(load.failures(), [], "requests that failed while one was restarted")


def database_is_restarted(cluster):
    with Load(cluster, CLIENTS) as load:
        load.work_for(1)
        begun = time.monotonic()
        cluster.server.restart(signal.SIGQUIT)
        load.work_for(1)
        print(f"database: answers {load.gap_s():.2f} s after it was killed and started again "
              f"({time.monotonic() - begun:.2f} s in all)")
    load.finish("database")


def the_judge_can_fail(cluster):
    """The canary: a loss and an old read that are planted must be found."""
    with Load(cluster, 1) as load:
        load.work_for(0.3)
    replica = cluster.by_name(cluster.wait_owner())
    equal(load.losses(replica), [], "losses before one is planted")
    load.clients[0].acknowledged["01900000-0000-7000-8000-000000000001"] = (100, "1-0")
    check(len(load.losses(replica)) == 1, "a planted loss was not found")
    lines = [{"process": 1, "type": "ok", "f": "credit", "value": 5, "time": 1},
             {"process": 1, "type": "ok", "f": "read", "value": 4, "time": 2}]
    check(len(bank_violations(lines)) == 1, "a planted old read was not found")


def main():
    with Cluster(3) as cluster:
        owner_is_killed(cluster)
        owner_is_paused(cluster)
        lane_is_moved(cluster)
        all_are_restarted(cluster)
        database_is_restarted(cluster)
        the_judge_can_fail(cluster)
        check_books(cluster)


main()
