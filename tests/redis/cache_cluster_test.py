"""Goal: of a cluster's replicas the owner of lane 0 keeps the cache; `cache check` on the folder of
another one says so, and where to ask.

Method: two replicas with one redis-server; the check on the folder of each, and again after the lane
was moved.
"""
import os
import sys

SOURCE = os.environ["TPWALLET_SOURCE"]
sys.path[:0] = [os.path.join(SOURCE, "tests", name) for name in ("e2e", "postgres", "ha")]

from redis_harness import Redis  # noqa: E402

from cli_harness import NOT_FOUND, check, file_of, new_id  # noqa: E402
from ha_harness import Cluster, wait_for  # noqa: E402

PASSWORD = "geheim-4e1d"


def asked(owner, other, options):
    good = owner.wallet.json("cache", "check", *options)
    check(good["stale"] == 0, f"the owner's: {good}")
    told = other.wallet.run("cache", "check", *options, code=NOT_FOUND)
    check("does not own lane 0" in told.err and "lane list" in told.err, f"another's: {told!r}")


def main():
    secret = file_of("redis-password", PASSWORD + "\n")
    os.chmod(secret, 0o600)
    with Redis(PASSWORD) as redis:
        options = ("--redis", redis.url, "--redis-password", secret)
        with Cluster(2, *options) as cluster:
            first, second = cluster.replicas
            first.wallet.run("account", "create", new_id())
            asked(first, second, options)
            first.wallet.run("lane", "move", "0", "--to", second.name)
            wait_for("it to move", lambda: second.metric("tpwallet_replica_role") == 2)
            wait_for("the first to follow", lambda: first.metric("tpwallet_replica_role") == 1)
            asked(second, first, options)


if __name__ == "__main__":
    main()
