"""Goal: what a MariaDB says of itself, and what its binlog has, become evidence: who waits for whom,
prepared transactions, and who changed which balance from what to what; what is hidden or not in rows
is a loss; the password is in a file that is its owner's alone.

Method: a real server with a row-based binlog over several files: two sessions that pay out of one
balance, each adding in the application, an XA transaction whose coordinator is gone, columns of every
type, a table that was altered since, one whose name differs in case alone; everything is compared with what was done.
"""
import json
import os
import sys
import time

sys.path[:0] = [os.path.join(os.environ["TPWALLET_SOURCE"], "tests", name)
                for name in ("e2e", "doctor")]
# pylint: disable=wrong-import-position
from cli_harness import (DENIED, DONE, NOT_FOUND, SCRATCH, UNAVAILABLE, USAGE, Wallet, check, equal,
                         file_of)
from mariadb_harness import Mariadb

MAPPING = """table account = app.wallet
key = id
account = id
amount = balance
version = version
currency = currency
table ledger_tx = app.transfer
key = id
tx = id
idem = idem
account = payer
amount = amount
currency == EUR
sign = inverted
table posting = app.entry
tx = transfer
account = wallet
amount = amount
currency == EUR
"""
TABLES = """
CREATE TABLE wallet (id varchar(20) PRIMARY KEY, balance decimal(20,2) NOT NULL,
                     version int unsigned NOT NULL, currency char(3) NOT NULL, at datetime(3),
                     kind enum('a','b'), flags bit(9), rate float, note text, ratio decimal(65,30),
                     born year, seen timestamp NULL, raw varbinary(300), big bigint unsigned);
CREATE TABLE transfer (id int PRIMARY KEY, idem varchar(40) UNIQUE, payer varchar(20),
                       amount decimal(20,2));
CREATE TABLE entry (id int AUTO_INCREMENT PRIMARY KEY, transfer int, wallet varchar(20),
                    amount decimal(20,2));
CREATE TABLE session (id int AUTO_INCREMENT PRIMARY KEY, at timestamp);
INSERT INTO wallet VALUES ('w1', 1000, 1, 'EUR', NOW(3), 'b', b'101', 1.5, 'a note', -12.5, 2026,
                           NOW(), 'x', 18446744073709551615),
                          ('w2', 0, 4294967295, 'EUR', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                           NULL, NULL, NULL), ('w3', -0.01, 1, 'EUR', NULL, 'a', b'1', 2, 't', 0.5,
                           1999, NULL, repeat('y', 300), 0);
CREATE TABLE Wallet (other int, id varchar(20) PRIMARY KEY, balance int);
INSERT INTO Wallet VALUES (1, 'w9', 5);
CREATE USER reader@'%' IDENTIFIED BY 'a secret word';
GRANT PROCESS, REPLICATION SLAVE, BINLOG MONITOR, REPLICA MONITOR, REPLICATION MASTER ADMIN
  ON *.* TO reader@'%';
GRANT SELECT ON app.* TO reader@'%';
CREATE USER stranger@'%' IDENTIFIED BY 'a secret word';
"""


def postings(transfer, payer, payee, amount):
    return (f"INSERT INTO transfer VALUES ({transfer}, 'k{transfer}', '{payer}', {amount});"
            f"INSERT INTO entry (transfer, wallet, amount) VALUES"
            f" ({transfer}, '{payer}', -{amount}), ({transfer}, '{payee}', {amount});"
            f"UPDATE wallet SET balance = balance + {amount}, version = 7 WHERE id = '{payee}'")


def lost_update(server):
    """Both read 1000; the first leaves 700, the second 800: 300 that were paid are there again."""
    first, second = server.session(), server.session()
    for session in (first, second):
        session.do("SET tx_isolation = 'READ-COMMITTED'; BEGIN")
    seen = [float(session.do("SELECT balance FROM wallet WHERE id = 'w1'"))
            for session in (first, second)]
    first.do(postings(1, "w1", "w2", 300))
    first.do(f"UPDATE wallet SET balance = {seen[0] - 300}, version = 2 WHERE id = 'w1'; COMMIT")
    second.do(postings(2, "w1", "w3", 200))
    server.sql("FLUSH BINARY LOGS")
    second.do(f"UPDATE wallet SET balance = {seen[1] - 200}, version = 2 WHERE id = 'w1'; COMMIT")
    first.close()
    second.close()
    equal(server.sql("SELECT balance FROM wallet WHERE id = 'w1'"), "800.00", "an update was lost")


def options_of(server, user="reader", mode=0o600, password="a secret word"):
    path = file_of(f"{user}.cnf", f"[client]\nhost=127.0.0.1\nport={server.port}\nuser={user}\n"
                                  f"password='{password}'\n")
    os.chmod(path, mode)
    return path


def collect(wallet, case, key, options, *words, mapping=MAPPING, since="2026-01-01T00:00:00Z",
            code=DONE):
    if "--mariadb-binlog" in words:
        words += ("--wal-mapping", file_of("wal.map", mapping))
    return wallet.run("doctor", "collect", case, "--key", key, "--from", since,
                      "--mariadb", options, *words, code=code)


def source_of(case, kind):
    with open(os.path.join(case, "manifest.json"), encoding="utf-8") as file:
        found = [row for row in json.load(file)["sources"] if kind in row["kind"]]
    if not found:
        return None, []
    with open(os.path.join(case, found[-1]["path"]), encoding="utf-8") as file:
        return found[-1], [json.loads(line) for line in file]


def the_log(case, server):
    source, rows = source_of(case, "wal")
    commits = [row for row in rows if row["op"] == "commit" and row.get("idem") in ("k1", "k2")]
    equal([(row["tx"], row["idem"]) for row in commits], [("1", "k1"), ("2", "k2")], "transfers")
    xids = [row["xid"] for row in commits]
    updates = [(row["xid"], row["before_amount"], row["after_amount"], row["before_ver"],
                row["after_ver"]) for row in rows
               if row["op"] == "update" and row["account"] == "w1"]
    equal(updates[:2], [(xids[0], "100000", "70000", 1, 2), (xids[1], "70000", "80000", 2, 2)],
          "what became of w1")
    made = [(row["account"], row["after_amount"], row["after_ver"], row["ccy"]) for row in rows
            if row["op"] == "insert" and row["table_name"] == "account"]
    equal(made, [("w1", "100000", 1, "EUR"), ("w2", "0", 4294967295, "EUR"),
                 ("w3", "-1", 1, "EUR")], "numbers as the columns have them")
    entries = [(row["tx"], row["account"], row["after_amount"]) for row in rows
               if row["op"] == "insert" and row["table_name"] == "posting"]
    equal(entries, [("1", "w1", "-30000"), ("1", "w2", "30000"), ("2", "w1", "-20000"),
                    ("2", "w3", "20000")], "postings")
    for xid in {row["xid"] for row in rows}:
        mine = [row for row in rows if row["xid"] == xid]
        equal(mine[0]["op"], "begin", "a transaction begins")
        check(mine[-1]["op"] in ("commit", "prepare", "abort"), f"and ends: {mine}")
        order = [row["pos"] for row in mine]
        equal(order, sorted(order), "positions")
    check(max(row["pos"] for row in rows) >> 32 > min(row["pos"] for row in rows) >> 32,
          "the log goes over several files")
    entry = source["coverage"][0]
    equal((entry["loss"], entry["part"], source["rejected"], source["order"]),
          ("none", "binlog", 0, "total"), "a source without loss")
    name, offset = server.sql("SHOW MASTER STATUS").split("\t")[:2]
    equal((entry["pos_hi"] >> 32, entry["pos_hi"] & 0xffffffff),
          (int(name.rsplit(".", 1)[1]), int(offset)), "the coverage ends with the log")
    gids = [(row["op"], row["gid"]) for row in rows if "gid" in row]
    equal(gids, [("prepare", "pay-16"), ("commit", "pay-16"), ("prepare", "pay-17")],
          "transactions in two phases")
    equal([row["table_name"] for row in rows if row["op"] == "truncate"], ["ledger_tx"], "TRUNCATE")


def diagnosed(wallet, case, key, options, since):
    """The log alone shows that the balance is not its postings, and that an update was lost."""
    collect(wallet, case, key, options, "--mariadb-binlog", "--wal-books", since=since)
    answer = wallet.run("doctor", "diagnose", case, "--json", code=None).json()
    causes = [(row["fault"], row["label"]) for row in answer["causes"]]
    equal(causes, [("D01", "PROBABLE")], json.dumps(answer)[:6000])
    affected = [(row["account"], row["ccy"], row["delta"]) for row in answer["causes"][0]["affected"]]
    equal(affected, [("w1", "EUR", "30000")], "who is affected, and by how much")


def the_state(case):
    source, waits = source_of(case, "lock_wait")
    equal(source["coverage"][0]["from"], source["coverage"][0]["to"], "an instant")
    stands = [row for row in waits if row.get("gid") == "pay-17"]
    equal(sorted("xid" in row for row in stands), [False, True], f"it stands, one waits: {waits}")
    check(all(row["client_alive"] is False and row["age_ns"] >= 0 for row in stands), str(stands))
    equal(len({row["blocker_xid"] for row in stands}), 1, "one blocker")
    others = [row for row in waits if "gid" not in row]
    equal([row["client_alive"] for row in others], [True], f"a wait for one that is there: {waits}")
    settings = {row["name"]: row["value"] for row in source_of(case, "config")[1]}
    equal(settings["mariadb.binlog_format"], "ROW", "a setting")
    source, copies = source_of(case, "replica")
    equal([row["role"] for row in copies], ["primary"], "copies")
    check(copies[0]["lsn"] == copies[0]["primary_lsn"] > 1 << 32, str(copies))
    check(source["system_version"].startswith("MariaDB 1"), "the server's version")
    check(abs(source["clock_offset_ns"]) <= source["clock_error_ns"] + 10**6, "one clock for both")


def waiting(server, count):
    until = time.monotonic() + 60
    while int(server.sql("SELECT count(*) FROM information_schema.INNODB_LOCK_WAITS")) < count:
        check(time.monotonic() < until, f"{count} sessions wait for locks")
        time.sleep(0.05)


def refused(wallet, key, server):
    cases = ((options_of(server, "nobody"), (), DENIED, "does not let us in"),
             (options_of(server, "open", mode=0o644), (), DENIED, "read by others"),
             (os.path.join(SCRATCH, "none.cnf"), (), NOT_FOUND, "cannot open"),
             (options_of(server, "stranger"), ("--mariadb-binlog",), USAGE, "lacks 3 of"))
    for number, (options, words, code, text) in enumerate(cases):
        done = collect(wallet, os.path.join(SCRATCH, f"refused-{number}"), key, options, *words,
                       code=code)
        check(text in done.err, repr(done))
        check("a secret word" not in done.out + done.err, "no password is shown")
    for mapping, text in ((MAPPING.replace("balance", "saldo"), "no column 'saldo'"),
                          (MAPPING.replace("app.entry", "app.entries"), "lacks 1 of")):
        done = collect(wallet, os.path.join(SCRATCH, "mapped"), key, options_of(server),
                       "--mariadb-binlog", mapping=mapping, code=USAGE)
        check(text in done.err, repr(done))
    case = os.path.join(SCRATCH, "hidden")
    collect(wallet, case, key, options_of(server, "stranger"))
    for kind, loss in (("config", "none"), ("lock_wait", "unknown"), ("replica", "unknown")):
        equal(source_of(case, kind)[0]["coverage"][0]["loss"], loss, f"{kind}, of what was hidden")


def losses(wallet, key, server):
    """What is in the log in words only, or of a table that is another now, is counted."""
    server.sql("SET SESSION binlog_format = 'STATEMENT';"
               "UPDATE wallet SET version = 9 WHERE id = 'w3'")
    server.sql("ALTER TABLE entry ADD COLUMN more int")
    case = os.path.join(SCRATCH, "losses")
    collect(wallet, case, key, options_of(server), "--mariadb-binlog")
    source, _ = source_of(case, "wal")
    equal((source["rejected"], source["coverage"][0]["n_lost"]), (3, 3),
          "a statement, and two events of rows from before the altering")


def main():
    wallet = Wallet("data")
    key = os.path.join(SCRATCH, "anna.key")
    wallet.run("doctor", "key", key, "--name", "anna")
    with Mariadb(log_bin="binlog", binlog_format="ROW", server_id=1) as server:
        server.sql(TABLES)
        server.sql("INSERT INTO session VALUES ()")
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        lost_update(server)
        diagnosed(wallet, os.path.join(SCRATCH, "books"), key, options_of(server), since)
        server.stop()
        server.start()
        server.sql("DELETE FROM session; TRUNCATE TABLE app.transfer")
        server.sql("XA START 'pay-16'; UPDATE wallet SET note = 'x' WHERE id = 'w2'; XA END 'pay-16';"
                   "XA PREPARE 'pay-16'; XA COMMIT 'pay-16'")
        server.sql("XA START 'pay-17'; UPDATE wallet SET balance = 700 WHERE id = 'w1';"
                   "XA END 'pay-17'; XA PREPARE 'pay-17'")
        first, second, third = (server.session() for _ in range(3))
        first.do("BEGIN; UPDATE wallet SET note = 'y' WHERE id = 'w3'")
        second.send("UPDATE wallet SET note = 'z' WHERE id = 'w3'")
        third.send("UPDATE wallet SET note = 'z' WHERE id = 'w1'")
        waiting(server, 2)
        case = os.path.join(SCRATCH, "case")
        collect(wallet, case, key, options_of(server), "--mariadb-binlog")
        collect(wallet, case + "-prepared", key, options_of(server), "--mariadb-binlog",
                "--wal-books")
        check(source_of(case + "-prepared", "account")[0]["rejected"] > 0,
              "what is only prepared is no balance, and a loss")
        the_state(case)
        the_log(case, server)
        answer = wallet.run("doctor", "diagnose", case, "--json", code=None).json()
        equal([row["rejected"] for row in answer["sources"]], [0] * 4, "evidence that is taken")
        refused(wallet, key, server)
        for session in (first, second, third):
            session.close()
        server.sql("XA ROLLBACK 'pay-17'")
        losses(wallet, key, server)
        options = options_of(server)
        server.stop()
        collect(wallet, case, key, options, code=UNAVAILABLE)
    print("a MariaDB and its binlog are evidence")


if __name__ == "__main__":
    main()
