"""Goal: two servers are not one replica: the second to start is refused and told where the first is;
two that start at once say so; one that comes back at another place is itself.

Method: servers of one name before one PostgreSQL, started one after the other, with a row of
another's planted while one runs, and again at another port after a stop.
"""
import json
import subprocess

from ha_harness import Postgres, Replica, check, equal, free_port, wait_for

CONFLICT = 8


def role(replica):
    return replica.metric("tpwallet_replica_role")


def is_refused(first, second):
    second.name = first.name
    words = second.words()
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    equal(done.returncode, CONFLICT, f"exit code of the second: {done.stdout} {done.stderr}")
    row = first.wallet.json("lane", "list")["replicas"][0]
    check(row["url"] in done.stderr, f"the first is at {row['url']}: {done.stderr}")
    check("--replica-name" in done.stderr, done.stderr)


def is_told(server, first):
    """As another that began at the same time would do, and goes on doing."""
    other = server.session()
    other.send("DO $$ BEGIN LOOP UPDATE tpwallet.replica SET url = 'http://127.0.0.1:1',"
               " seen_at = clock_timestamp(); COMMIT; PERFORM pg_sleep(0.02); END LOOP; END $$")
    wait_for("another of its name to be seen",
             lambda: first.metric("tpwallet_replica_name_shared") == 1)
    wait_for("the log to tell", lambda: "name_shared" in first.log())
    server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO %'")
    other.close()
    lines = [json.loads(line) for line in first.log().splitlines() if "name_shared" in line]
    equal([line["url"] for line in lines], ["http://127.0.0.1:1"], "what the log tells, once")
    wait_for("the other to be gone", lambda: first.metric("tpwallet_replica_name_shared") == 0)


def comes_back(first):
    before = first.wallet.json("lane", "list")["replicas"][0]["url"]
    first.kill()
    first.port = free_port()
    first.start()
    wait_for("it to own the lane again", lambda: role(first) == 2)
    wait_for("its new place to be known",
             lambda: first.wallet.json("lane", "list")["replicas"][0]["url"] != before)
    equal(first.log().count("replica.name_shared"), 1, "times that it told of another")


def main():
    with Postgres() as server:
        first = Replica("first", server.url).start()
        wait_for("the first owner", lambda: role(first) == 2)
        is_refused(first, Replica("second", server.url))
        equal(role(first), 2, "the first one's role after that")
        is_told(server, first)
        comes_back(first)
        first.kill()


main()
