"""Goal: the SQL tables say what the journal says, whatever is killed while they are filled: no row
twice, none missing, balances those of the ledger; a lag is bounded when that is wanted; what was
changed in them by hand is found, and what is cleared comes back.

Method: the clients of tests/e2e/kill_test.py on a server with --projection, its journal in
PostgreSQL; server and PostgreSQL are killed in turn. The tables are compared with the journal
(`tpwallet projection check`) and with the API's own answers. To see the check fail, rows are
changed, added and taken away, one at a time. A lock on a table holds the tables up, so that the
gate before the journal has something to wait for. Last, a journal in a folder fills a database.
"""
import os
import random
import signal
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import kill_test  # noqa: E402
from cli_harness import START_S, Server, Wallet, check, equal, new_id, sample, serving  # noqa: E402
from postgres_harness import Postgres  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "2"))
SEED = int(os.environ.get("SEED", "1"))
OPTIONS = ("--plain", "--anonymous", "--projection")
BEHIND = 9
HELD_S = 2.5  # more than the lag that is allowed
HELD_TRANSFERS = 10


def metric(server, name):
    connection = server.connection(timeout_s=START_S)
    connection.request("GET", "/metrics")
    page = connection.getresponse().read().decode()
    connection.close()
    found = sample(page, name)
    check(found is not None, f"no metric {name}")
    return found


def wait_until_filled(server):
    connection = server.connection(timeout_s=START_S)
    kill_test.wait_until_ready(connection)
    connection.close()
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        head = metric(server, "tpwallet_journal_batch")
        if metric(server, "tpwallet_projection_batch") >= head:
            return
        time.sleep(0.02)
    check(False, f"the tables are not filled: {server.tail()}")


def post(server, path, document):
    connection = server.connection(timeout_s=START_S)
    status, body = kill_test.post(connection, path, document)
    connection.close()
    return status, body


def payments_make(server, accounts):
    """Wallet to wallet: they need no PSP."""
    wallet, other = new_id(), new_id()
    post(server, "/v1/accounts", [
        {"id": wallet, "asset": "EUR", "kind": "liability"},
        {"id": other, "asset": "EUR", "kind": "liability"}])
    for amount in ("12345.67", "100000000.00", "0.01", "1000000000000000000000000000000.00"):
        status, body = post(server, "/v1/transfers", [{
            "id": new_id(), "debit": accounts[0], "credit": wallet, "asset": "EUR",
            "amount": amount}])
        check(status == 200 and body["results"][0]["outcome"] == "ok", f"{status} {body}")
    for amount in ("2.50", "10000.00"):
        status, body = post(server, "/v1/payments", {
            "id": new_id(), "kind": "wallet", "wallet": wallet, "to": other, "asset": "EUR",
            "amount": amount})
        equal(status, 201, f"a payment: {body}")


def hold_expires(server, database, accounts):
    """An expiry is nobody's transfer: it has no id, and is a row like the others."""
    hold = new_id()
    status, body = post(server, "/v1/transfers", [{
        "id": hold, "kind": "hold", "debit": accounts[0], "credit": accounts[1], "asset": "EUR",
        "amount": "7.00", "timeout_s": 1}])
    check(status == 200 and body["results"][0]["outcome"] == "ok", f"{status} {body}")
    deadline = time.monotonic() + START_S
    query = ("SELECT count(*) FROM tpwallet.transfer WHERE kind = 'expire' AND id IS NULL"
             f" AND target = '{hold}' AND released = 700")
    while database.psql(query) != "1":
        check(time.monotonic() < deadline, f"no row of the expiry: {server.tail()}")
        time.sleep(0.05)
    equal(database.psql(f"SELECT closed FROM tpwallet.hold WHERE id = '{hold}'"), "t", "it is closed")


def sql_is_the_ledger(database, wallet):
    """Against the API's answers, which do not come from the same code."""
    rows = dict(line.split("|", 1) for line in database.psql(
        "SELECT id, debits_posted, debits_pending, credits_posted, credits_pending"
        " FROM tpwallet.account").splitlines())
    names = ("debits_posted", "debits_pending", "credits_posted", "credits_pending")
    accounts = wallet.json("account", "list", "--limit", "1000")["items"]
    equal(len(rows), len(accounts), "accounts")
    for account in accounts:
        told = "|".join(str(int(account["balance"][name].replace(".", ""))) for name in names)
        equal(rows[account["id"]], told, f"balances of {account['id']}")
    equal(database.psql("SELECT count(*) FROM tpwallet.hold WHERE NOT closed AND remaining <="
                        " 0"), "0", "open holds that reserve nothing")
    pending = database.psql("SELECT sum(remaining) FROM tpwallet.hold")
    equal(pending or "0", database.psql("SELECT sum(debits_pending) FROM tpwallet.account"),
          "what holds reserve is what is pending")
    equal(database.psql("SELECT count(*) FROM tpwallet.payment WHERE state = 'succeeded'"), "2",
          "payments that succeeded")


def everything_has_a_comment(database):
    lacking = database.psql(
        "SELECT c.relname || '.' || coalesce(a.attname, '') FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'tpwallet'"
        " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " WHERE c.relkind IN ('r', 'v') AND (obj_description(c.oid, 'pg_class') IS NULL"
        " OR col_description(c.oid, a.attnum) IS NULL)")
    equal(lacking, "", "tables and columns without a comment")


def changed_rows_are_found(database, wallet):
    """Each is undone by its inverse; between them the check must be content again."""
    one = "(SELECT ctid FROM tpwallet.{0} ORDER BY batch DESC, slot DESC LIMIT 1)"
    plans = [
        ("UPDATE tpwallet.transfer SET amount = amount + 1 WHERE ctid = " + one.format("transfer"),
         "UPDATE tpwallet.transfer SET amount = amount - 1 WHERE ctid = " + one.format("transfer")),
        ("UPDATE tpwallet.account SET credits_posted = credits_posted + 1 WHERE ctid = "
         + one.format("account"),
         "UPDATE tpwallet.account SET credits_posted = credits_posted - 1 WHERE ctid = "
         + one.format("account")),
        ("UPDATE tpwallet.payment SET state = 'failed' WHERE state = 'succeeded'",
         "UPDATE tpwallet.payment SET state = 'succeeded' WHERE state = 'failed'"),
        ("UPDATE tpwallet.payment_event SET fee = 7 WHERE fee = 0",
         "UPDATE tpwallet.payment_event SET fee = 0 WHERE fee = 7"),
        ("INSERT INTO tpwallet.transfer SELECT lane, batch, slot + 1, unit, made_at, id, kind,"
         " 'twice', flags, debit, credit, asset, amount, requested, released, target, user_ref,"
         " value_date, timeout_s, code, principal, trace FROM tpwallet.transfer WHERE ctid = "
         + one.format("transfer"),
         "DELETE FROM tpwallet.transfer WHERE outcome = 'twice'"),
    ]
    for harm, mend in plans:
        database.psql(harm)
        found = wallet.run("projection", "check", code=5)
        check("journal" in found.err or "come to" in found.err, f"{harm}: {found!r}")
        database.psql(mend)
        wallet.run("projection", "check")


def killed_in_turn(database, server, recorder, accounts, draw):
    for number in range(ROUNDS):
        if number % 2 == 0:
            kill_test.load_and_kill(server, recorder, accounts, draw)
        else:
            clients = [threading.Thread(target=kill_test.client_run,
                                        args=(server, recorder, accounts, draw.getrandbits(64)))
                       for _ in range(2)]
            for client in clients:
                client.start()
            threading.Event().wait(draw.uniform(0.1, 0.3))
            database.restart(signal.SIGQUIT)
            threading.Event().wait(1)
            server.kill()
            for client in clients:
                client.join()
        server.start()
        kill_test.look(server, recorder, False)
        wait_until_filled(server)
        server.wallet.run("projection", "check")


def cleared_comes_back(database, wallet, server):
    before = database.psql("SELECT count(*), sum(amount) FROM tpwallet.transfer")
    wallet.run("projection", "clear")
    deadline = time.monotonic() + START_S
    while database.psql("SELECT count(*), sum(amount) FROM tpwallet.transfer") != before:
        check(time.monotonic() < deadline, f"not filled again: {server.tail()}")
        time.sleep(0.05)
    wait_until_filled(server)
    wallet.run("projection", "check")


def held_up(database, server, accounts, wanted):
    """How often commits waited while the table could not be written: until one did, when that is
    wanted, and else for two seconds and a half."""
    before = metric(server, "tpwallet_projection_waits_total")

    def waits():
        return metric(server, "tpwallet_projection_waits_total") - before
    locker = database.session()
    locker.do("BEGIN; LOCK TABLE tpwallet.transfer IN ACCESS EXCLUSIVE MODE")
    connection = server.connection(timeout_s=START_S)
    draw = random.Random(SEED)
    begun, count = time.monotonic(), 0
    while waits() == 0 if wanted else time.monotonic() < begun + HELD_S or count < HELD_TRANSFERS:
        check(time.monotonic() < begun + START_S, f"{count} transfers, and none waited")
        status, body = kill_test.post(connection, "/v1/transfers",
                                      [kill_test.direct(draw, accounts)])
        equal(status, 200, f"a transfer meanwhile: {body}")
        count += 1
    connection.close()
    locker.do("COMMIT")
    locker.close()
    wait_until_filled(server)
    return waits()


def lag_is_bounded_when_wanted(database, wallet, accounts):
    for lag_max, wanted in (("1", True), ("0", False)):
        server = Server(wallet, *OPTIONS, "on", "--projection-lag-max", lag_max).start()
        try:
            wait_until_filled(server)
            waits = held_up(database, server, accounts, wanted)
            equal(waits > 0, wanted, f"commits waited with --projection-lag-max {lag_max}")
            server.stop()
        finally:
            if server.process.poll() is None:
                server.kill()


def behind_is_told(wallet):
    """Where nobody fills the tables, what is in them is right and does not count as all."""
    for _ in range(2):
        wallet.run("account", "create")
    found = wallet.run("projection", "check", "--json", code=BEHIND).json()
    equal(found["behind"], found["head"] - found["batch"], f"batches that are lacking: {found}")
    check(found["behind"] >= 2, f"what came since: {found}")
    check("behind" in wallet.run("projection", "check", code=BEHIND).out, "it is said")
    with serving(wallet, *OPTIONS, "on") as server:
        wait_until_filled(server)
        equal(wallet.json("projection", "check")["behind"], 0, "they have all again")


def journal_in_a_folder(database):
    database.psql("DROP SCHEMA tpwallet CASCADE")
    wallet = Wallet("folder")
    accounts = kill_test.ledger_make(wallet)
    server = Server(wallet, *OPTIONS, database.url).start()
    try:
        payments_make(server, accounts)
        wait_until_filled(server)
        found = wallet.json("projection", "check", "--url", database.url)
        equal((found["transfers"], found["accounts"]), (6, len(accounts) + 2), "rows")
        sql_is_the_ledger(database, wallet)
        server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()


def main():
    draw = random.Random(SEED)
    with Postgres() as database:
        wallet = Wallet("projected")
        url = database.url
        wallet.run("init", "--store", url)
        accounts = [wallet.json("account", "create", "--kind", "equity")["id"]]
        accounts += [wallet.json("account", "create", "--flags",
                                 "debits_must_not_exceed_credits")["id"] for _ in range(9)]
        recorder = kill_test.Recorder()
        server = Server(wallet, *OPTIONS, "on").start()
        try:
            payments_make(server, accounts)
            hold_expires(server, database, accounts)
            killed_in_turn(database, server, recorder, accounts, draw)
            wallet.run("account", "freeze", accounts[3], code=None)
            wait_until_filled(server)
            sql_is_the_ledger(database, wallet)
            everything_has_a_comment(database)
            changed_rows_are_found(database, wallet)
            cleared_comes_back(database, wallet, server)
            server.stop()
        finally:
            if server.process.poll() is None:
                server.kill()
        lag_is_bounded_when_wanted(database, wallet, accounts)
        wallet.run("projection", "check")
        behind_is_told(wallet)
        journal_in_a_folder(database)
        print(f"{ROUNDS} rounds, {recorder.acknowledged} acknowledged")


if __name__ == "__main__":
    main()
