"""Goal: an owner that cannot reach the database, while its clients still reach it, answers nothing
that another could contradict; a network that is slow, loses connections or goes silent costs time
and no money; when it is well again, everybody follows by itself.

Method: each replica reaches the database, and its peers it, through a proxy of its own, which
delays, cuts, or keeps connections open without passing anything. Under each, clients that know what
their balance must be go on through all replicas; then books are compared.
"""
import time

from fault_proxy import FaultProxy
from ha_harness import Cluster, Load, Replica, check_books, equal, wait_for

CLIENTS = 4
SILENT_S = 3


class ProxiedCluster(Cluster):
    """As Cluster, with a proxy between each replica and the database, and before its peers."""

    def __init__(self, count, *options):
        super().__init__(count, *options)
        self.to_database = {}

    def __enter__(self):
        self.server.__enter__()
        for number in range(self.count):
            name = f"r{number}"
            proxy = self.to_database[name] = FaultProxy("127.0.0.1", self.server.port, number)
            url = self.server.url.replace(f":{self.server.port}/", f":{proxy.port}/")
            self.replicas.append(Replica(name, url, *self.options))
        self.observer = Replica("observer", self.server.url)  # never started: for `lane list`
        self.replicas[0].start()
        wait_for("the first owner", lambda: self.owner() == "r0")
        for replica in self.replicas[1:]:
            replica.start()
        self.wait_warm()
        return self

    def lanes(self):
        return self.observer.wallet.json("lane", "list")["replicas"]

    def __exit__(self, *words):
        super().__exit__(*words)
        for proxy in self.to_database.values():
            proxy.__exit__()


def slow_network(cluster):
    for proxy in cluster.to_database.values():
        proxy.delay(0.01, jitter=0.02)
    before = cluster.wait_owner()
    with Load(cluster, CLIENTS) as load:
        load.work_for(3)
    for proxy in cluster.to_database.values():
        proxy.heal()
    load.finish("slow network")
    load.equal_unless_stalled(cluster.owner(), before,
                              "owner: a slow network is no reason to change it")
    load.equal_unless_stalled(load.failures(), [], "requests that failed in a slow network")


def owner_is_cut_off(cluster, how):
    with Load(cluster, CLIENTS, timeout_s=SILENT_S) as load:
        load.work_for(1)
        owner = cluster.by_name(cluster.wait_owner())
        proxy = cluster.to_database[owner.name]
        begun = time.monotonic()
        getattr(proxy, how)()
        next_name = cluster.wait_owner(owner.name)
        print(f"{how}: {next_name} owns the lane {time.monotonic() - begun:.2f} s later")
        load.work_for(2)
        equal(owner.counted("tpwallet_lease_left_ms"), 0, "what is left of the lease of one cut off")
        proxy.heal()
        wait_for("the one cut off to follow", lambda: owner.metric("tpwallet_replica_role") == 1)
        cluster.wait_warm()
        load.work_for(0.5)
    load.finish(how)


def follower_is_cut_off(cluster):
    owner = cluster.wait_owner()
    with Load(cluster, CLIENTS, timeout_s=SILENT_S) as load:
        follower = next(replica for replica in cluster.replicas if replica.name != owner)
        load.work_for(0.5)
        cluster.to_database[follower.name].cut()
        load.work_for(2)
        cluster.to_database[follower.name].heal()
        cluster.wait_warm()
        load.work_for(0.5)
    load.finish("follower cut off")
    load.equal_unless_stalled(cluster.owner(), owner,
                              "owner: a follower that is cut off changes nothing")


def main():
    with ProxiedCluster(3) as cluster:
        slow_network(cluster)
        owner_is_cut_off(cluster, "cut")
        owner_is_cut_off(cluster, "half_open")
        follower_is_cut_off(cluster)
        check_books(cluster)


main()
