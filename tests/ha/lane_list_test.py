"""Goal: `lane list` says who owns a lane; of a lane without an owner, that it has none and since when
its lease has ended; and never that a replica which was killed or stopped recovers. `lane move` says
which lanes there are, and why somebody cannot have one.

Method: two replicas of a ledger with two lanes. The one that owns none is killed first, and then the
owner of both; the other is started again, and stopped while an upload to it is half way. What the
command says is looked at all the while.
"""
import signal
import socket

from ha_harness import CALL_S, Cluster, check, equal, wait_for
from cli_harness import UNAVAILABLE, USAGE


def board(cluster):
    return cluster.replicas[0].wallet.json("lane", "list")


def roles(cluster, name):
    return {row["lane"]: row["role"] for row in board(cluster)["replicas"] if row["replica"] == name}


def all_owned(cluster, owner):
    lanes = board(cluster)["lanes"]
    return all(lane.get("owner") == owner and lane["lease_of"] == owner and lane["lease_ms"] > 0
               for lane in lanes) and len(lanes) == 2


def ended(cluster):
    lanes = board(cluster)["lanes"]
    return all("owner" not in lane and lane["lease_of"] == "r0" and lane["lease_ms"] <= 0
               for lane in lanes)


def owner_dies_alone(cluster):
    first, second = cluster.replicas
    second.kill()
    first.kill()
    seen = set()

    def over():
        seen.update(roles(cluster, "r0").values())
        return ended(cluster)
    wait_for("the leases to end", over)
    said = first.wallet.run("lane", "list").out
    for lane in (0, 1):
        check(f"lane {lane} has no owner: the lease of r0 ended" in said, f"no owner: {said}")
    now = set(roles(cluster, "r0").values())
    check(now <= {"lease ended", "gone"} and seen <= {"owner", "lease ended", "gone"},
          f"roles of who was killed: {seen}, {now}")
    print(said)


def another_takes_over(cluster):
    second = cluster.replicas[1]
    second.start()
    wait_for("the other to own both", lambda: all_owned(cluster, "r1"))
    now = set(roles(cluster, "r0").values())
    check(now <= {"lost lease", "gone"}, f"roles of who was killed: {now}")
    wait_for("the words to say that both have one",
             lambda: "no owner" not in second.wallet.run("lane", "list").out)


def upload_begin(replica):
    """Everything but the last byte; returns when the server has begun to read it."""
    connection = socket.create_connection(("127.0.0.1", replica.port), timeout=CALL_S)
    connection.sendall(b"POST /v1/transfers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
                       b"\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    head = connection.recv(4096)
    check(head.startswith(b"HTTP/1.1 100"), f"the upload may begin: {head!r}")
    connection.sendall(b"{")
    return connection


def owner_gives_back(cluster):
    second = cluster.replicas[1]
    upload = upload_begin(second)
    second.signal(signal.SIGTERM)
    wait_for("it to be stopping", lambda: set(roles(cluster, "r1").values()) == {"stopping"})
    said = cluster.replicas[0].wallet.run("lane", "move", "0", "--to", "r1", code=UNAVAILABLE).err
    check("it is stopping" in said and "lane list" in said, f"why it cannot have it: {said}")
    upload.close()
    second.stop()
    said = second.wallet.run("lane", "list").out
    for lane in board(cluster)["lanes"]:
        check("owner" not in lane and "lease_of" not in lane and lane["lease_ms"] <= 0, f"{lane}")
        check(f"lane {lane['lane']} has no owner: it was given back" in said, f"no owner: {said}")
    now = set(roles(cluster, "r1").values())
    equal(now, {"stopped"}, "roles of who gave back")
    said = second.wallet.run("lane", "move", "0", "--to", "r1", code=UNAVAILABLE).err
    check("it is stopped" in said, f"why it cannot have it: {said}")


def lanes_are_known(cluster):
    said = cluster.replicas[0].wallet.run("lane", "move", "5", "--to", "r1", code=USAGE).err
    check("there is no lane 5" in said and "lanes 0 to 1" in said, f"which lanes there are: {said}")


def main():
    with Cluster(2, "--drain-s", "600", lanes=2) as cluster:
        comment = cluster.server.psql("SELECT col_description('tpwallet.lease'::regclass, 2)")
        equal(comment, "Name of the replica that holds it, or did last", "who is in lease.holder")
        # r1 asks for its share when it comes
        wait_for("each to own a lane", lambda: {cluster.owner(0), cluster.owner(1)} == {"r0", "r1"})
        for lane in (0, 1):
            cluster.wait_warm()
            cluster.replicas[0].wallet.run("lane", "move", str(lane), "--to", "r0")
        wait_for("r0 to own both", lambda: all_owned(cluster, "r0"))
        lanes_are_known(cluster)
        owner_dies_alone(cluster)
        another_takes_over(cluster)
        wait_for("the other to be told as the owner",
                 lambda: set(roles(cluster, "r1").values()) == {"owner"})
        owner_gives_back(cluster)


main()
