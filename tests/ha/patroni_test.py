"""Goal: replicas before a PostgreSQL that fails over by itself lose nothing and double nothing: when
the primary's machine goes, when first the standby's and then the primary's goes, and while there is
no standby, when nothing is acknowledged at all.

Method: three nodes under Patroni and etcd with synchronous_mode_strict, two servers whose URL names
all three, and clients that each know what their account must hold. Nodes are crashed as a power cut
does, and started again; after each, books are compared with what clients were told. The time from
the crash to the next answer is printed.
"""
import time

from ha_harness import Cluster, Load, check_books, equal
from patroni_harness import TTL_S, Patroni

CLIENTS = 4
CLIENT_S = 15  # a client that waited so long asks another server
RECOVERY_S_MAX = 60  # a busy machine; Patroni's part is about ttl + loop_wait


class PatroniCluster(Cluster):
    """As Cluster; while there is no primary there is no list of lanes either."""

    def lanes(self):
        answer = self.replicas[0].wallet.run("lane", "list", "--json", code=None)
        return answer.json()["replicas"] if answer.code == 0 else []


def next_answer_s(cluster, load, since):
    """How long after `since` a transfer was acknowledged again."""
    before = load.count()
    cluster.server.wait("a transfer to be acknowledged", lambda: load.count() > before,
                        RECOVERY_S_MAX)
    return time.monotonic() - since


def no_session_lags(server):
    """None of the servers' is at a standby, but for a moment while one looks for the primary."""
    server.wait("sessions to leave the standbys", lambda: server.sessions_at_standbys() == 0)


def primary_is_lost(cluster):
    server = cluster.server
    with Load(cluster, CLIENTS, timeout_s=CLIENT_S) as load:
        load.work_for(1)
        no_session_lags(server)
        old = server.leader()
        heir = server.synchronous()
        crashed_at = time.monotonic()
        old.crash()
        took = next_answer_s(cluster, load, crashed_at)
        equal(server.leader(), heir, "the new primary: the synchronous standby, and no other")
        print(f"primary lost: {old.name} to {heir.name}, answers {took:.1f} s later (ttl {TTL_S})")
        load.work_for(1)
        old.start()
        server.wait_whole()
        load.work_for(0.5)
        no_session_lags(server)
    load.finish("primary lost")


def standby_is_lost_then_primary(cluster):
    server = cluster.server
    with Load(cluster, CLIENTS, timeout_s=CLIENT_S) as load:
        load.work_for(1)
        first = server.synchronous()
        crashed_at = time.monotonic()
        first.crash()
        took = next_answer_s(cluster, load, crashed_at)
        print(f"standby lost: {first.name}, answers {took:.1f} s later")
        server.wait("another synchronous standby",
                    lambda: server.synchronous() not in (None, first))
        load.work_for(1)
        second = server.leader()
        heir = server.synchronous()
        crashed_at = time.monotonic()
        second.crash()
        server.wait("the last node to be the primary", lambda: server.leader() is heir)
        time.sleep(1)  # what was on its way before the crash has been answered
        alone = load.count()
        time.sleep(3)
        equal(load.count(), alone, "transfers acknowledged while there was no standby")
        alone_s = time.monotonic() - crashed_at
        first.start()
        took = next_answer_s(cluster, load, crashed_at)
        print(f"then primary lost: {second.name} to {heir.name}, alone and silent for "
              f"{alone_s:.1f} s, answers {took - alone_s:.1f} s after {first.name} was started")
        second.start()
        server.wait_whole()
        load.work_for(0.5)
    load.finish("standby and primary lost")
    load.equal_unless_stalled(server.leader().name, heir.name, "the primary, to which nothing happened")


def main():
    with PatroniCluster(2, server=Patroni(3)) as cluster:
        primary_is_lost(cluster)
        standby_is_lost_then_primary(cluster)
        check_books(cluster)


main()
