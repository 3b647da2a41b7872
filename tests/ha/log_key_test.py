"""Goal: the verifiable log of a ledger in a database has its key from `init` on; a replica without a
copy of it says that it keeps no log, and with one goes on with the same log.

Method: two replicas, of which the first made the ledger. The log is signed while the first owns the
lane; the second tells what it lacks, owns the lane for a while, is given the key, and owns it again:
the log has then all units, under the one key, and verifies. A folder that wants no log has no key,
and is not told to have one; a server alone on a further folder makes no second key.
"""
import json
import os
import shutil

from ha_harness import Cluster, Wallet, check, equal, new_id, wait_for

from cli_harness import USAGE, serving  # the harness before has made it known


def lines(replica):
    return [json.loads(line) for line in replica.log().splitlines(True)
            if '"log.no_key"' in line and line.endswith("\n")]


def key_path(replica):
    return os.path.join(replica.wallet.folder, "log.key")


def write_by(wallet):
    wallet.run("account", "create", new_id())


def write(replica):
    write_by(replica.wallet)


def leaves(replica):
    """Of the checkpoint that is shown, by whoever owns the lane; 0: none is."""
    status, body = replica.get("/log/checkpoint")
    return int(body.decode().splitlines()[1]) if status == 200 else 0


def origin(replica):
    status, body = replica.get("/log/checkpoint")
    return body.decode().splitlines()[0] if status == 200 else status


def move(cluster, to):
    cluster.replicas[0].wallet.run("lane", "move", "0", "--to", to.name)
    wait_for(f"{to.name} to own the lane", lambda: to.metric("tpwallet_replica_role") == 2)


def further_folders_are_told_what_is_next(cluster):
    said = Wallet("further").run("init", "--store", cluster.server.url).out
    check("serve --cluster" in said and "serve --plain" not in said, f"what is next: {said}")
    refused = Wallet("wider").run("init", "--store", cluster.server.url, "--lanes", "2", code=USAGE)
    check("made with --lanes 1, not 2" in refused.err, f"how many lanes there are: {refused!r}")


def one_lacks_it(cluster):
    first, second = cluster.replicas
    check(os.path.exists(key_path(first)), "who made the ledger has the key")
    check(not os.path.exists(key_path(second)), "a further folder gets none")
    equal([one.counted("tpwallet_replica_keeps_log") for one in cluster.replicas], [1, 0],
          "who keeps the log")
    equal((lines(first), len(lines(second))), ([], 1), "who says that it has no key")
    line = lines(second)[0]
    check(line["level"] == "warning" and line["folder"] == second.wallet.folder and
          "log.key" in line["hint"], f"what it says: {line}")


def the_next_owner_goes_on(cluster):
    first, second = cluster.replicas
    write(first)
    wait_for("the log to be signed", lambda: leaves(first) > 0)
    before, name = leaves(first), origin(first)
    move(cluster, second)
    write(second)
    second.stop()
    wait_for("the first to own it again", lambda: first.metric("tpwallet_replica_role") == 2)
    wait_for("the log to have what the second wrote", lambda: leaves(first) > before)
    shutil.copy(key_path(first), key_path(second))
    second.start()
    cluster.wait_warm()
    equal(second.counted("tpwallet_replica_keeps_log"), 1, "it keeps the log")
    equal(len(lines(second)), 1, "and says nothing more")
    signed = leaves(first)
    move(cluster, second)
    write(second)
    wait_for("the second to sign", lambda: leaves(second) > signed)
    equal(origin(second), name, "the one log")
    equal(second.wallet.run("log", "key").out, first.wallet.run("log", "key").out, "the one key")
    second.wallet.run("log", "verify")


def none_is_wanted(server):
    server.psql("CREATE DATABASE quiet ENCODING 'UTF8' TEMPLATE template0", database="postgres")
    url = server.url.replace("/tpwallet", "/quiet")
    wallet = Wallet("quiet")
    said = wallet.run("init", "--store", url, "--log-origin", "no origin", code=USAGE)
    check("origin" in said.err and not os.path.exists(wallet.folder), f"{said!r}")
    wallet.run("init", "--store", url, "--no-log", "--log-origin", "a.example/0", code=USAGE)
    equal(wallet.json("init", "--store", url, "--no-log")["log_key"], False, "no key was made")
    check(not os.path.exists(os.path.join(wallet.folder, "log.key")), "nor is one there")
    named = Wallet("named")
    named.run("init", "--log-origin", "ledger.example.com/0")
    check(named.run("log", "key").out.startswith("ledger.example.com/0+"), "the name of the log")


def alone_on_a_further_folder(server):
    """It would sign another log: none is kept, unless somebody says that one is to begin."""
    alone = Wallet("alone")
    alone.run("init", "--store", server.url)
    path = os.path.join(alone.folder, "log.key")
    with serving(alone, "--plain", "--anonymous") as one:
        write_by(alone)
        check("log.no_key" in one.tail(), f"it says so: {one.tail()}")
        check(not os.path.exists(path), "no second key is made")
    with serving(alone, "--plain", "--anonymous", "--log-origin", "another.example.com/0"):
        check(os.path.exists(path), "but when it is asked for")


def main():
    with Cluster(2) as cluster:
        further_folders_are_told_what_is_next(cluster)
        one_lacks_it(cluster)
        the_next_owner_goes_on(cluster)
        none_is_wanted(cluster.server)
        for replica in cluster.replicas:
            replica.stop()
        alone_on_a_further_folder(cluster.server)


main()
