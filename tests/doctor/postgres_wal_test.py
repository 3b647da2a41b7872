"""Goal: what a PostgreSQL committed is evidence as its log has it: who changed which balance from what
to what, in which transaction; the slot stays where it was, so that whoever reads it misses nothing.

Method: two sessions that pay out of one balance at READ COMMITTED, each adding in the application; the
log is collected, compared with what was done, collected again, and read by the slot's owner; and
everything that is wrong with a slot, a publication or a mapping is refused.
"""
import json
import os
import sys

sys.path[:0] = [os.path.join(os.environ["TPWALLET_SOURCE"], "tests", name)
                for name in ("e2e", "postgres")]
# pylint: disable=wrong-import-position
from cli_harness import CONFLICT, DENIED, DONE, SCRATCH, USAGE, Wallet, check, equal, file_of
from postgres_harness import Postgres

MAPPING = """# a wallet as many are
table account = public.wallet
key = id
account = id
amount = balance
version = version
currency = currency

table ledger_tx = public.transfer
key = id
tx = id
idem = key
account = payer
amount = amount
currency == EUR
sign = inverted

table posting = public.entry
key = id
tx = transfer
account = wallet
amount = amount
currency == EUR
"""
TABLES = """
CREATE TABLE wallet (id text PRIMARY KEY, balance numeric(20,2) NOT NULL, version int NOT NULL,
                     currency text NOT NULL);
CREATE TABLE transfer (id int PRIMARY KEY, key text UNIQUE, payer text, amount numeric(20,2));
CREATE TABLE entry (id serial PRIMARY KEY, transfer int, wallet text, amount numeric(20,2));
CREATE TABLE session (id serial PRIMARY KEY, at timestamptz DEFAULT now());
ALTER TABLE wallet REPLICA IDENTITY FULL;
INSERT INTO wallet VALUES ('w1', 1000, 1, 'EUR'), ('w2', 0, 1, 'EUR'), ('w3', 0, 1, 'EUR');
CREATE PUBLICATION books FOR TABLE wallet, transfer, entry;
CREATE PUBLICATION "w only" FOR TABLE wallet;
CREATE PUBLICATION inserts FOR TABLE wallet, transfer, entry WITH (publish = 'insert');
CREATE ROLE reader LOGIN REPLICATION IN ROLE pg_monitor;
CREATE ROLE stranger LOGIN;
"""


def postings(transfer, payer, payee, amount):
    return (f"INSERT INTO transfer VALUES ({transfer}, 'k{transfer}', '{payer}', {amount});"
            f"INSERT INTO entry (transfer, wallet, amount) VALUES ({transfer}, '{payer}', -{amount}),"
            f"({transfer}, '{payee}', {amount});"
            f"UPDATE wallet SET balance = balance + {amount}, version = version + 1"
            f" WHERE id = '{payee}'")


def read(session):
    return float(session.do("SELECT balance FROM wallet WHERE id = 'w1'"))


def write(session, balance):
    session.do(f"UPDATE wallet SET balance = {balance}, version = 2 WHERE id = 'w1'")


def lost_update(server):
    """Both read 1000; the first leaves 700, the second 800: 300 that were paid are there again."""
    first, second = server.session(), server.session()
    first.do("BEGIN"), second.do("BEGIN")
    seen = (read(first), read(second))
    first.do(postings(1, "w1", "w2", 300))
    write(first, seen[0] - 300)
    second.do(postings(2, "w1", "w3", 200))
    xids = [int(session.do("SELECT pg_current_xact_id()")) for session in (first, second)]
    first.do("COMMIT")
    write(second, seen[1] - 200)
    second.do("COMMIT")
    first.close()
    second.close()
    equal(server.psql("SELECT balance FROM wallet WHERE id = 'w1'"), "800.00", "an update was lost")
    return xids


def collect(wallet, case, key, server, *words, user="reader", slot="books", publication="books",
            mapping=MAPPING, since="2026-01-01T00:00:00Z", code=DONE):
    url = server.url.replace("postgres@", f"{user}@")
    return wallet.run("doctor", "collect", case, "--key", key, "--postgres", url, "--postgres-slot",
                      slot, "--postgres-publication", publication, "--wal-mapping",
                      file_of("wal.map", mapping), "--from", since, *words, code=code)


def wal_of(case):
    with open(os.path.join(case, "manifest.json"), encoding="utf-8") as file:
        source = [row for row in json.load(file)["sources"] if "wal" in row["kind"]][0]
    with open(os.path.join(case, source["path"]), encoding="utf-8") as file:
        return source, [json.loads(line) for line in file]


def as_it_was(source, rows, xids, server):
    for xid in xids:
        mine = [row for row in rows if row["xid"] == xid]
        equal((mine[0]["op"], mine[-1]["op"]), ("begin", "commit"), "a transaction")
        equal(mine[-1]["tx"], str(xids.index(xid) + 1), "whose transfer it was")
        equal(mine[-1]["idem"], f"k{xids.index(xid) + 1}", "and by which key")
        order = [row["pos"] for row in mine]
        equal(order, sorted(order), "positions")
    updates = [(row["xid"], row["before_amount"], row["after_amount"], row["before_ver"],
                row["after_ver"]) for row in rows
               if row["op"] == "update" and row["account"] == "w1"]
    equal(updates, [(xids[0], "100000", "70000", 1, 2), (xids[1], "70000", "80000", 2, 2)],
          "what became of w1")
    entries = [(row["tx"], row["account"], row["after_amount"]) for row in rows
               if row["op"] == "insert" and row["table_name"] == "posting"]
    equal(entries, [("1", "w1", "-30000"), ("1", "w2", "30000"), ("2", "w1", "-20000"),
                    ("2", "w3", "20000")], "postings")
    commits = [row["pos"] for row in rows if row["op"] == "commit"]
    check(all(source["coverage"][0]["pos_lo"] < pos <= source["coverage"][0]["pos_hi"]
              for pos in commits), f"positions in the coverage: {source}")
    end = int(server.psql("SELECT pg_current_wal_flush_lsn() - '0/0'"))
    check(source["coverage"][0]["pos_hi"] <= end, "the coverage ends with the log")
    equal((source["coverage"][0]["loss"], source["rejected"], source["order"]), ("none", 0, "total"),
          "a source without loss")


def diagnosed(wallet, case, key, server, since):
    """The log alone shows that the balance is not its postings, and that an update was lost."""
    collect(wallet, case, key, server, "--wal-books", since=since)
    answer = wallet.run("doctor", "diagnose", case, "--json", code=None).json()
    equal([row["rejected"] for row in answer["sources"]], [0] * 6, "evidence that is taken")
    causes = [(row["fault"], row["label"]) for row in answer["causes"]]
    equal(causes, [("D01", "PROBABLE")], json.dumps(answer)[:6000])
    affected = [(row["account"], row["ccy"], row["delta"]) for row in answer["causes"][0]["affected"]]
    equal(affected, [("w1", "EUR", "30000")], "who is affected, and by how much")
    done = collect(wallet, case, key, server, "--wal-books", code=CONFLICT)
    check("would double" in done.err, f"postings twice: {done!r}")


def left_in_the_slot(server):
    return server.psql("SELECT encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes('books',"
                       " NULL, NULL, 'proto_version', '1', 'publication_names', 'books')")


def refused(wallet, key, server):
    held = server.session()
    server.psql("SELECT pg_create_logical_replication_slot('text', 'test_decoding');"
                "SELECT pg_create_physical_replication_slot('plain')")
    server.psql("CREATE DATABASE other")
    server.psql("SELECT pg_create_logical_replication_slot('far', 'pgoutput')", database="other")
    cases = (({"slot": "none"}, USAGE, "no replication slot"),
             ({"slot": "text"}, USAGE, "not one of pgoutput"),
             ({"slot": "plain"}, USAGE, "not one of pgoutput"),
             ({"slot": "far"}, USAGE, "another database"),
             ({"publication": "none"}, USAGE, "no publication"),
             ({"publication": "w only"}, USAGE, "lacks the table public.transfer"),
             ({"mapping": MAPPING.replace("balance", "saldo")}, USAGE, "no column 'saldo'"),
             ({"mapping": "table x = y\n"}, USAGE, "SCHEMA.NAME"),
             ({"user": "stranger"}, DENIED, "lacks a right"))
    for number, (words, code, text) in enumerate(cases):
        case = os.path.join(SCRATCH, f"refused-{number}")
        done = collect(wallet, case, key, server, code=code, **words)
        check(text in done.err, f"{words}: {done!r}")
        with open(os.path.join(case, "manifest.json"), encoding="utf-8") as file:
            equal([row for row in json.load(file)["sources"] if "wal" in row["kind"]], [],
                  "nothing of a log that was refused")
    held.close()
    case = os.path.join(SCRATCH, "inserts")
    collect(wallet, case, key, server, publication="inserts")
    source, rows = wal_of(case)
    equal(source["coverage"][0]["loss"], "unknown", "inserts alone are not the log")
    check(rows and all(row["op"] in ("begin", "insert", "commit") for row in rows), str(rows))
    done = wallet.run("doctor", "collect", case, "--key", key, "--postgres-slot", "books", code=USAGE)
    check("--postgres-publication" in done.err, repr(done))


def rejected(wallet, key, server):
    """An amount that is none is counted, and the log is not whole without it."""
    server.psql("ALTER TABLE wallet ALTER balance TYPE numeric;"
                "UPDATE wallet SET balance = 'NaN' WHERE id = 'w3'")
    case = os.path.join(SCRATCH, "rejected")
    collect(wallet, case, key, server)
    source, _ = wal_of(case)
    equal((source["rejected"], source["coverage"][0]["n_lost"]), (1, 1), "a row without an amount")


def main():
    wallet = Wallet("data")
    key = os.path.join(SCRATCH, "anna.key")
    wallet.run("doctor", "key", key, "--name", "anna")
    with Postgres(wal_level="logical") as server:
        server.psql(TABLES)
        server.psql("SELECT pg_create_logical_replication_slot('books', 'pgoutput')")
        server.psql("INSERT INTO session DEFAULT VALUES")
        server.psql("UPDATE wallet SET version = 2 WHERE id = 'w2'")
        since = server.psql("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC',"
                            " 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        xids = lost_update(server)
        before = left_in_the_slot(server)
        case = os.path.join(SCRATCH, "case")
        collect(wallet, case, key, server)
        source, rows = wal_of(case)
        as_it_was(source, rows, xids, server)
        collect(wallet, case + "-again", key, server)
        equal(wal_of(case + "-again")[1], rows, "collected again")
        equal(left_in_the_slot(server), before, "what waits for the slot's reader")
        answer = wallet.run("doctor", "diagnose", case, "--json", code=None).json()
        equal([row["rejected"] for row in answer["sources"]], [0] * 5, "evidence that is taken")
        diagnosed(wallet, case + "-books", key, server, since)
        refused(wallet, key, server)
        rejected(wallet, key, server)
    print("the log of a PostgreSQL is evidence")


if __name__ == "__main__":
    main()
