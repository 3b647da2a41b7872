"""Goal: what a PostgreSQL says of itself becomes evidence: who waits for whom, prepared transactions,
standbys, slots, settings; an orphaned prepared transaction is diagnosed; what is hidden from the user
is a loss and not an absence; nothing at the server changes.

Method: a real server with a standby whose replay is paused, a prepared transaction whose coordinator
is gone, and sessions that wait for it and for each other; the hour since the preparing is written
into the server's own file of it while the server is down.
"""
import json
import os
import struct
import sys
import time

sys.path[:0] = [os.path.join(os.environ["TPWALLET_SOURCE"], "tests", name)
                for name in ("e2e", "postgres")]
# pylint: disable=wrong-import-position
from cli_harness import DENIED, DONE, REFUSED, SCRATCH, USAGE, Wallet, check, equal
from postgres_harness import Postgres

HOUR_US = 3600 * 10**6
TRACES = ("SELECT pg_snapshot_xmax(pg_current_snapshot()), slot_name, restart_lsn,"
          " confirmed_flush_lsn FROM pg_replication_slots")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def prepared_an_hour_ago(server):
    """The state of a prepared transaction is a file: magic, size, xid, database, when, ..., CRC."""
    server.psql("CHECKPOINT")
    server.kill(2)
    folder = os.path.join(server.folder, "data", "pg_twophase")
    names = os.listdir(folder)
    equal(len(names), 1, "files of prepared transactions")
    path = os.path.join(folder, names[0])
    with open(path, "rb") as file:
        data = bytearray(file.read())
    when = struct.unpack_from("<q", data, 16)[0]
    struct.pack_into("<q", data, 16, when - HOUR_US)
    struct.pack_into("<I", data, len(data) - 4, crc32c(data[:-4]))
    with open(path, "r+b") as file:
        file.write(data)
    server.start()
    age = float(server.psql("SELECT extract(epoch FROM now() - prepared) FROM pg_prepared_xacts"))
    check(3600 <= age < 3900, f"the transaction was prepared an hour ago: {age}")


def sources(case):
    with open(os.path.join(case, "manifest.json"), encoding="utf-8") as file:
        return json.load(file)["sources"]


def records(case, kind):
    rows = []
    for source in sources(case):
        with open(os.path.join(case, source["path"]), encoding="utf-8") as file:
            rows += [json.loads(line) for line in file]
    return [row for row in rows if row["kind"] == kind]


def waiting(server, count):
    until = time.monotonic() + 60
    while int(server.psql("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")) < count:
        check(time.monotonic() < until, f"{count} sessions wait for locks")
        time.sleep(0.05)


def url(server, user):
    return server.url.replace("postgres@", f"{user}@")


def collect(wallet, case, key, server, user, code=DONE):
    return wallet.run("doctor", "collect", case, "--key", key, "--incident", "7F3A", "--postgres",
                      url(server, user), code=code)


def prepare(server):
    server.psql("CREATE TABLE account (id text PRIMARY KEY, balance numeric);"
                "INSERT INTO account VALUES ('w1', 1000), ('w2', 500);"
                "CREATE SEQUENCE transfer_id; SELECT nextval('transfer_id');"
                "CREATE ROLE reader LOGIN IN ROLE pg_monitor; CREATE ROLE stranger LOGIN;"
                "GRANT SELECT ON transfer_id TO reader")
    server.psql("SELECT pg_create_logical_replication_slot('relay', 'pgoutput')")
    server.psql("BEGIN; UPDATE account SET balance = 900 WHERE id = 'w1';"
                "PREPARE TRANSACTION 'pay-17'")
    prepared_an_hour_ago(server)


def whole(wallet, case, key, server):
    collect(wallet, case, key, server, "reader")
    waits = records(case, "lock_wait")
    xid = int(server.psql("SELECT transaction FROM pg_prepared_xacts"))
    stands = [row for row in waits if row.get("gid") == "pay-17"]
    equal([row["blocker_xid"] for row in stands], [xid, xid], "the prepared one, and who waits for it")
    equal(sorted("xid" in row for row in stands), [False, True], "one of them is a waiter's")
    check(all(row["client_alive"] is False and row["age_ns"] >= 3600 * 10**9 for row in stands),
          f"nobody drives it, for an hour: {stands}")
    others = [row for row in waits if "gid" not in row]
    equal(len(others), 1, f"waits for a session that is there: {waits}")
    check(others[0]["client_alive"] and 0 <= others[0]["age_ns"] < 600 * 10**9, str(others))
    equal(str(others[0]["blocker_xid"]),
          server.psql("SELECT backend_xid FROM pg_stat_activity WHERE state = 'idle in transaction'"
                      " AND application_name = 'psql'"), "whose xid the log has")
    copies = {row["replica"]: row for row in records(case, "replica")}
    lagging = copies["standby"]
    check(lagging["lsn"] < lagging["primary_lsn"], f"the standby lags: {copies}")
    equal(copies["primary"]["lsn"], copies["primary"]["primary_lsn"], "the primary does not")
    equal([(row["relay"], row["op"]) for row in records(case, "relay")], [("relay", "stop")], "slots")
    settings = {row["name"]: row["value"] for row in records(case, "config")}
    equal(settings["postgresql.max_prepared_transactions"], "5", "a setting")
    equal(settings["sequence.public.transfer_id"], "1", "where a sequence stands")
    for source in sources(case):
        entry = source["coverage"][0]
        equal((entry["loss"], entry["from"]), ("none", entry["to"]), f"coverage of {source['path']}")
        check(source["system_version"].startswith("PostgreSQL 1"), "the server's version")
        check(abs(source["clock_offset_ns"]) <= source["clock_error_ns"] + 10**6,
              f"one clock for both: {source}")


def of_a_standby(wallet, case, key, standby):
    collect(wallet, case, key, standby, "reader")
    copies = records(case, "replica")
    equal([(row["replica"], row["role"]) for row in copies], [("standby", "replica")],
          "what a standby says it is")
    check(copies[0]["lsn"] < copies[0]["primary_lsn"], f"and how far it is behind: {copies}")


def diagnosed(wallet, case):
    answer = wallet.run("doctor", "diagnose", case, "--json", code=None).json()
    causes = [(row["fault"], row["label"]) for row in answer["causes"]]
    equal(causes, [("D15", "PROBABLE")], f"what it is: {json.dumps(answer)[:3000]}")
    equal({row["invariant"] for row in answer["violations"]}, {"I60"}, "what is wrong")


def hidden(wallet, case, key, server):
    """To one who may not look at others, the same questions have other answers: they say so."""
    collect(wallet, case, key, server, "stranger")
    losses = {os.path.basename(row["path"])[3:-7]: row["coverage"][0]["loss"]
              for row in sources(case)}
    equal(losses, {"settings": "unknown", "locks": "unknown", "replicas": "unknown",
                   "relays": "none"}, "what was hidden is a loss")
    gids = [row["gid"] for row in records(case, "lock_wait") if "gid" in row]
    check("pay-17" in gids, "a prepared transaction is shown to all")


def refused(wallet, case, key, server):
    for words, code in ((("postgresql://reader:secret@127.0.0.1/x",), USAGE),
                        (("mysql://127.0.0.1/x",), USAGE),
                        ((url(server, "nobody"),), DENIED),
                        ((server.url.replace("/tpwallet", "/none"),), USAGE)):
        done = wallet.run("doctor", "collect", case, "--key", key, "--postgres", *words, code=None)
        check(done.code in (code, REFUSED), f"{words}: {done!r}")
        check("secret" not in done.out + done.err, "no password is repeated")


def main():
    wallet = Wallet("data")
    key = os.path.join(SCRATCH, "anna.key")
    wallet.run("doctor", "key", key, "--name", "anna")
    with Postgres(wal_level="logical", max_prepared_transactions=5) as server:
        prepare(server)
        with server.standby() as standby:
            standby.psql("SELECT pg_wal_replay_pause()", database="postgres")
            server.psql("CREATE TABLE later (id int)")
            first, second, third = server.session(), server.session(), server.session()
            first.do("BEGIN; UPDATE account SET balance = 400 WHERE id = 'w2'")
            second.send("UPDATE account SET balance = 300 WHERE id = 'w2'")
            third.send("UPDATE account SET balance = 800 WHERE id = 'w1'")
            waiting(server, 2)
            before = server.psql(TRACES)
            case = os.path.join(SCRATCH, "case")
            whole(wallet, case, key, server)
            of_a_standby(wallet, case + "-standby", key, standby)
            diagnosed(wallet, case)
            hidden(wallet, case + "-hidden", key, server)
            refused(wallet, case, key, server)
            equal(server.psql(TRACES), before, "transactions, positions of slots")
            for session in (first, second, third):
                session.close()
    print("the state of a PostgreSQL is evidence")


if __name__ == "__main__":
    main()
