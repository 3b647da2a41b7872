"""Goal: another's ledger becomes the same evidence wherever its tables are read from; a mapping that
does not fit, and a dump that was cut off, are named, and nothing of them is added.

Method: a real PostgreSQL makes each ledger; it is read live, out of dumps by COPY and by INSERT, and out
of a SQLite file with the same rows; all must give the records of the dump that is kept as an example.
Mappings are broken at one place, dumps at one line, and the bundle must be as it was, byte for byte.
"""
import json
import os
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "doctor"))
# pylint: disable=wrong-import-position
from foreign_harness import LEDGERS, dumped, example, made, program
from cli_harness import (CONFLICT, DENIED, NOT_FOUND, SCRATCH, TPWALLET, USAGE, Wallet, check, equal,
                         file_of)
from postgres_harness import Postgres

WINDOW = ("--from", "2026-11-16T00:00:00Z", "--to", "2026-11-22T00:00:00Z")


def folder_bytes(folder):
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            with open(path, "rb") as file:
                found[path] = file.read()
    return found


class Cases:
    """New bundles, one after the other."""

    def __init__(self):
        self.wallet = Wallet("wallet")
        self.key = os.path.join(SCRATCH, "anna.key")
        self.count = 0
        self.wallet.run("doctor", "key", self.key, "--name", "anna")

    def collect(self, source, mapping, *words, code=0, case=None):
        if case is None:
            self.count += 1
            case = os.path.join(SCRATCH, f"case{self.count}")
        done = self.wallet.run("doctor", "collect", case, "--key", self.key, "--incident", "7F3A",
                               *WINDOW, "--tables", source, "--tables-mapping", mapping, *words,
                               code=code)
        return case, done

    def records(self, source, mapping):
        case, _ = self.collect(source, mapping)
        self.wallet.run("doctor", "verify", case)
        with open(os.path.join(case, "evidence", "01-tables.ndjson"), encoding="utf-8") as file:
            return sorted(file.read().splitlines())


def sqlite_of(server, ledger):
    """The tables of the mapping, as they are, in a SQLite file."""
    path = os.path.join(SCRATCH, f"{ledger}.sqlite")
    with sqlite3.connect(path) as db:
        for table in mapping_of(ledger)["tables"]:
            names = list(table["columns"])
            name = table["table"].split(".")[-1]
            listed = ", ".join(f'"{column}"' for column in names)
            db.execute(f'CREATE TABLE "{name}" ({listed})')
            rows = program(server, "psql", "-X", "-A", "-t", "-d", ledger, "-c",
                           f"SELECT json_build_array({', '.join(c + '::text' for c in names)})"
                           f" FROM {table['table']}")
            for row in rows.splitlines():
                db.execute(f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(names))})',
                           json.loads(row))
    db.close()
    return path


def mapping_of(ledger):
    with open(os.path.join(os.environ["TPWALLET_SOURCE"], "doctor", "mappings", f"{ledger}.json"),
              encoding="utf-8") as file:
        return json.load(file)


def the_same_from_everywhere(cases, server):
    for ledger in LEDGERS:
        made(server, ledger)
        wanted = cases.records(example(f"{ledger}.dump.sql"), ledger)
        check(len(wanted) > 50, f"{ledger}: there are records")
        program(server, "psql", "-X", "-q", "-d", ledger, "-c",
                f"CREATE ROLE {ledger}_reader LOGIN; GRANT pg_read_all_data TO {ledger}_reader")
        url = f"postgresql://{ledger}_reader@127.0.0.1:{server.port}/{ledger}"
        sources = {
            "live": url,
            "copy": dumped(server, ledger, f"{ledger}.copy.sql"),
            "inserts": dumped(server, ledger, f"{ledger}.inserts.sql", "--inserts"),
            "columns": dumped(server, ledger, f"{ledger}.columns.sql", "--column-inserts",
                              "--rows-per-insert=7"),
            "sqlite": sqlite_of(server, ledger),
        }
        for name, source in sources.items():
            equal(cases.records(source, ledger), wanted, f"{ledger}, read from {name}")


def coverage_is_honest(cases):
    with open(example("pgledger.dump.sql"), encoding="utf-8") as file:
        text = file.read()
    whole, _ = cases.collect(example("pgledger.dump.sql"), "pgledger")
    cut, _ = cases.collect(file_of("cut.sql", text[:text.rindex("-- PostgreSQL database dump")]),
                           "pgledger")
    for case, loss in ((whole, "none"), (cut, "unknown")):
        with open(os.path.join(case, "manifest.json"), encoding="utf-8") as file:
            source = json.load(file)["sources"][0]
        equal({row["kind"]: row["loss"] for row in source["coverage"]},
              dict.fromkeys(("hold", "account", "posting", "ledger_tx"), loss), "coverage")
        equal((source["system"], source["rejected"]), ("pgledger", 0), "the source")
    answer = cases.wallet.run("doctor", "diagnose", cut, "--json", code=None).json()
    check(all(row["holds"] == "unknown" for row in answer["invariants"] if row["id"] in ("I01", "I02")),
          "what a cut dump does not show is unknown")


def what_is_taken_back_is_named(cases):
    """A transfer names the one that it reverses as our repairs write it, or what it was made for."""
    with open(example("pgledger.dump.sql"), encoding="utf-8") as file:
        text = file.read().replace('{"idempotency_key": "order-1"}', '{"reverses": "pglt_000005"}') \
                          .replace('{"idempotency_key": "order-2"}', '{"reference": "order-0"}')
    rows = [json.loads(row) for row in cases.records(file_of("back.sql", text), "pgledger")]
    told = {row["tx"]: (row["type"], row.get("reversal_of"), row.get("reference")) for row in rows
            if row["kind"] == "ledger_tx"}
    equal([told[name] for name in ("pglt_000005", "pglt_000008", "pglt_000011")],
          [("transfer", None, None), ("reversal", "pglt_000005", None), ("transfer", None, "order-0")],
          "what takes back another")


def changed(ledger, change):
    mapping = mapping_of(ledger)
    change(mapping)
    return file_of("changed.json", json.dumps(mapping))


def nothing_is_added(cases, case, source, mapping, told):
    before = folder_bytes(case)
    code = NOT_FOUND if told.startswith("cannot open") else None
    _, done = cases.collect(source, mapping, code=code, case=case)
    check(done.code != 0 and told in done.err, f"{told!r} was wanted: {done!r}")
    equal(folder_bytes(case), before, f"the bundle after: {told}")


def wrong_mappings(cases, server):
    dump = example("pgledger.dump.sql")
    url = f"postgresql://postgres@127.0.0.1:{server.port}/pgledger"
    case = os.path.join(SCRATCH, "mappings")
    cases.wallet.run("doctor", "collect", case, "--key", cases.key, "--incident", "7F3A", *WINDOW)

    def table(place):
        return lambda mapping: mapping["tables"][place]

    def columns(place, **more):
        return lambda mapping: table(place)(mapping)["columns"].update(more)

    def query(place, old, new):
        def change(mapping):
            lines = mapping["records"][place]["query"]
            text = "\n".join([lines] if isinstance(lines, str) else lines)
            check(old in text, f"{old} is in the mapping")
            mapping["records"][place]["query"] = text.replace(old, new)
        return change

    wrong = (
        (columns(0, colour="text"), "table pgledger_accounts has no column colour"),
        (lambda m: table(2)(m).update(table="public.entries"), "has no table public.entries"),
        (columns(0, name="integer"), "row 1, column name (integer): '"),
        (columns(1, created_at="boolean"), "column created_at (boolean)"),
        (lambda m: (columns(1, created_at="local_time")(m), m.update(timezone="+00:00")),
         "two time zones are mixed"),
        (query(1, "minor(balance, currency)", "minor(balance, 'GOLD')"),
         "'GOLD' is an asset without decimals"),
        (query(1, "id AS account", "id AS acount"), "account has no field 'acount'"),
        (query(1, "id AS account, ", ""), "(account), row 1: a required field is missing"),
        (query(2, "e.account_version AS ver", "'x' AS ver"), "(posting), row 1"),
        (query(3, "THEN 'transfer' ELSE", "THEN 'gift' ELSE"), "(ledger_tx), row 1"),
        (query(1, "FROM pgledger_accounts", "FROM nowhere"), "no such table: nowhere"),
    )
    for change, told in wrong:
        nothing_is_added(cases, case, dump, changed("pgledger", change), told)
    nothing_is_added(cases, case, url, changed("pgledger", columns(0, colour="text")),
                     "table public.pgledger_accounts is not as the mapping says")
    nothing_is_added(cases, case, os.path.join(SCRATCH, "pgledger.sqlite"),
                     changed("pgledger", columns(0, colour="text")), "no such column: colour")
    nothing_is_added(cases, case, dump, "nobody", "cannot open 'nobody'")
    nothing_is_added(cases, case, os.path.join(SCRATCH, "nothing.sql"), "pgledger", "cannot open")
    nothing_is_added(cases, case, url + "x", "pgledger", "does not let us in")


def hostile_files(cases):
    """Views of a SQLite file are not run, and pages that lead to one another many times end."""
    case = os.path.join(SCRATCH, "mappings")
    ledger = mapping_of("pgledger")
    columns = list(ledger["tables"][0]["columns"])
    name = ledger["tables"][0]["table"].rsplit(".", maxsplit=1)[-1]
    listed = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(["NULL"] * len(columns))
    endless = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)"
    wrong = (
        (f'CREATE VIEW "{name}"({listed}) AS {endless} SELECT {values} FROM r', "it is a view"),
        (f'CREATE VIRTUAL TABLE "{name}" USING fts5({listed})', "it is a virtual"),
        ("CREATE TABLE other(a)", "there is no such table"),
    )
    for place, (sql, told) in enumerate(wrong):
        path = os.path.join(SCRATCH, f"hostile{place}.sqlite")
        with sqlite3.connect(path) as db:
            # what the file has of this name is not asked
            db.execute("CREATE TABLE pragma_table_list(schema, name, type)")
            db.execute("INSERT INTO pragma_table_list VALUES('main', ?, 'table')", (name,))
            db.execute(sql)
        db.close()
        nothing_is_added(cases, case, path, "pgledger", told)
    nothing_is_added(cases, case, folded(name, listed, len(columns)), "pgledger",
                     "more rows than its file can hold")
    nothing_is_added(cases, case, swollen(name, listed), "pgledger", "larger than 16 MiB")


def swollen(name, listed):
    path = os.path.join(SCRATCH, "swollen.sqlite")
    with sqlite3.connect(path) as db:
        db.execute(f'CREATE TABLE "{name}"({listed})')
        db.execute(f'INSERT INTO "{name}" VALUES(zeroblob(17 << 20){", NULL" * listed.count(",")})')
    db.close()
    return path


def folded(name, listed, count):
    """A file of a few pages, of which each level leads to one page of the next many times."""
    path = os.path.join(SCRATCH, "folded.sqlite")
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA page_size = 512")
        db.execute(f'CREATE TABLE "{name}"({listed})')
        db.executemany(f'INSERT INTO "{name}" VALUES({", ".join(["NULL"] * count)})', [()] * 12000)
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()[0]
    db.close()
    with open(path, "rb") as file:
        data = bytearray(file.read())

    def children(page):
        """Where the page keeps the numbers of the pages below it; none: it has rows."""
        start = (page - 1) * 512
        if data[start] != 5:
            return []
        cells = int.from_bytes(data[start + 3:start + 5], "big")
        places = [int.from_bytes(data[start + 12 + 2 * i:start + 14 + 2 * i], "big") for i in range(cells)]
        return [start + place for place in places] + [start + 8]

    def number(place):
        return int.from_bytes(data[place:place + 4], "big")

    level = [number(place) for place in children(root)]
    check(len(level) > 3 and children(level[0]), "the file has three levels")
    leaf = number(children(level[0])[0])
    chain = [root] + level[:3] + [leaf]
    for page, below in zip(chain, chain[1:]):
        for place in children(page):
            data[place:place + 4] = below.to_bytes(4, "big")
    with open(path, "wb") as file:
        file.write(data)
    return path


def mixed_zones(cases):
    """In one column, as when a server's rows were put together from two systems."""
    with open(example("pgledger.dump.sql"), encoding="utf-8") as file:
        text = file.read()
    case = os.path.join(SCRATCH, "mappings")
    mixed = text.replace("2026-11-21 18:00:00+00", "2026-11-21 18:00:00", 1)
    check(mixed != text, "a time lost its offset")
    nothing_is_added(cases, case, file_of("mixed.sql", mixed), "pgledger", "two time zones are mixed")


def wrong_dumps(cases, server):
    with open(example("pgledger.dump.sql"), encoding="utf-8") as file:
        text = file.read()
    case = os.path.join(SCRATCH, "mappings")
    rows = text.index("COPY public.pgledger_entries")
    inside = text.index("\n", rows + 200) + 1
    custom = os.path.join(SCRATCH, "custom.dump")
    program(server, "pg_dump", "-Fc", "-f", custom, "pgledger")
    wrong = (
        (text[:inside], "ends inside of the rows of pgledger_entries"),
        (text[:inside] + "one\ttwo\n" + text[inside:], "no row of the 8 columns of pgledger_entries"),
        (text + "SELECT 'open", "ends inside of a statement"),
        ("\\connect postgres\n" + text, "a command of psql's"),
    )
    for bad, told in wrong:
        nothing_is_added(cases, case, file_of("bad.sql", bad), "pgledger", told)
    nothing_is_added(cases, case, custom, "pgledger", "not in the plain format")


def one_bundle_one_ledger(cases):
    case, _ = cases.collect(example("pgledger.dump.sql"), "pgledger")
    before = folder_bytes(case)
    cases.collect(example("blnk.dump.sql"), "blnk", code=CONFLICT, case=case)
    equal(folder_bytes(case), before, "a second ledger is not added")
    diagnosis = file_of("diagnosis.json",
                        cases.wallet.run("doctor", "diagnose", case, "--json", code=None).out)
    policy = file_of("policy", "")
    done = cases.wallet.run("doctor", "plan", case, "--key", cases.key, "--diagnosis", diagnosis,
                            "--policy", policy, code=None)
    check(done.code != 0, "another's ledger gets no plan of ours")
    cases.wallet.run("doctor", "plan", case, "--key", cases.key, "--diagnosis", diagnosis, code=USAGE)
    equal(folder_bytes(case), before, "and nothing was written")


def mapping_as_it_was_taken(cases):
    """One that is changed after the bundle was verified: --diagnosis is read in between."""
    case, _ = cases.collect(example("pgledger.dump.sql"), "pgledger")
    diagnosis = cases.wallet.run("doctor", "diagnose", case, "--json", code=None).out
    mapping, pipe = os.path.join(case, "tables.json"), os.path.join(SCRATCH, "diagnosis.pipe")
    os.mkfifo(pipe)
    with subprocess.Popen([TPWALLET, "doctor", "plan", case, "--key", cases.key, "--diagnosis", pipe,
                           "--sql"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          text=True) as planning:
        with open(pipe, "w", encoding="utf-8") as file:
            with open(mapping, "a", encoding="utf-8") as changed:
                changed.write(" ")
            file.write(diagnosis)
        err = planning.stderr.read()
    equal(planning.returncode, DENIED, err)
    check("tables.json is not as its custody has it" in err, err)


def ours_gets_no_sql(cases):
    cases.wallet.run("init")
    case = os.path.join(SCRATCH, "ours")
    cases.wallet.run("doctor", "collect", case, "--key", cases.key, "--incident", "7F3A", "--ours")
    diagnosis = file_of("ours.json",
                        cases.wallet.run("doctor", "diagnose", case, "--json", code=None).out)
    done = cases.wallet.run("doctor", "plan", case, "--key", cases.key, "--diagnosis", diagnosis,
                            "--sql", code=USAGE)
    check("the ledger is ours" in done.err, "our ledger is repaired by a plan")


def mappings_are_shown(cases):
    listed = cases.wallet.json("doctor", "mappings")
    equal([row["name"] for row in listed], sorted(LEDGERS), "mappings that are built in")
    text = cases.wallet.run("doctor", "mappings", "formance").out
    equal(json.loads(text), mapping_of("formance"), "one of them, as it is")
    done = cases.wallet.run("doctor", "mappings", file_of("bad.json", text.replace('"kind"', '"king"', 1)),
                            code=USAGE)
    check("/records/0" in done.err, f"a mapping is checked: {done!r}")


def main():
    cases = Cases()
    with Postgres() as server:
        the_same_from_everywhere(cases, server)
        wrong_mappings(cases, server)
        wrong_dumps(cases, server)
    hostile_files(cases)
    coverage_is_honest(cases)
    what_is_taken_back_is_named(cases)
    mixed_zones(cases)
    one_bundle_one_ledger(cases)
    mapping_as_it_was_taken(cases)
    ours_gets_no_sql(cases)
    mappings_are_shown(cases)
    print("tables: 3 ledgers from 5 kinds of places each, and what does not fit is named")


if __name__ == "__main__":
    main()
