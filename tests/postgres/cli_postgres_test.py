"""Goal: with its journal in PostgreSQL a ledger is made, served, killed and checked as any other;
whatever is killed, the server or its database, what was acknowledged is there, once, and nothing
half; and when its database comes back, the server goes on by itself.

Method: the recorder and the clients of tests/e2e/kill_test.py, on a folder made with --store. In
some rounds the tpwallet server is killed (kill -9) under load, in others PostgreSQL is: stopped as
a crash stops it, killed so that its sessions are orphaned, or shut down, and started again under a
server that stays. After each round everything is asked again. KILLS=n sets how often; SEED=n the
choices. Then what cannot work is tried: a password in the URL, a database that is away, or not
there, commands for journals that are in the folder.
"""
import os
import random
import signal
import stat
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import kill_test  # noqa: E402
from cli_harness import (CONFLICT, DONE, START_S, UNAVAILABLE, USAGE, Server, Wallet, check,  # noqa: E402
                         equal, new_id)
from postgres_harness import Postgres  # noqa: E402

KILLS = int(os.environ.get("KILLS", "12"))
SEED = int(os.environ.get("SEED", "1"))


class StoreWallet(Wallet):
    """A wallet whose `init` names a database."""

    def __init__(self, name, url):
        super().__init__(name)
        self.url = url

    def run(self, *words, code=DONE, **options):
        if words[0] == "init":
            words += ("--store", self.url)
        return super().run(*words, code=code, **options)


def folder_is_ours(wallet, url):
    path = os.path.join(wallet.folder, "store")
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode of DIR/store")
    with open(path, encoding="utf-8") as file:
        equal(file.read(), url + "\n", "DIR/store")
    check(not os.path.exists(os.path.join(wallet.folder, "journal.db")), "no journal in the folder")


def load(server, recorder, accounts, draw):
    """Clients that go on until their connection breaks."""
    clients = [threading.Thread(target=kill_test.client_run,
                                args=(server, recorder, accounts, draw.getrandbits(64)))
               for _ in range(kill_test.CLIENTS)]
    for client in clients:
        client.start()
    return clients


def wait_for_writes(server):
    """Until a write is answered again; the server must come back by itself."""
    deadline = time.monotonic() + START_S
    status, said = 0, None
    while time.monotonic() < deadline:
        connection = server.connection(timeout_s=START_S)
        status, said = kill_test.post(connection, "/v1/accounts",
                                       {"id": new_id(), "asset": "EUR", "kind": "liability"})
        connection.close()
        if status in (200, 201):
            return
        check(status in (429, 500, 503), f"a write is answered {status} {said}")
        time.sleep(0.05)
    check(False, f"the server does not go on: {status} {said} {server.tail()}")


def database_goes_and_comes(database, server, recorder, accounts, draw):
    """The tpwallet server stays. Its clients see errors, and write down what they were told."""
    clients = load(server, recorder, accounts, draw)
    threading.Event().wait(draw.uniform(0.05, 0.4))
    database.restart(draw.choice([signal.SIGQUIT, signal.SIGINT, signal.SIGKILL]))
    wait_for_writes(server)
    threading.Event().wait(draw.uniform(0.02, 0.1))
    server.kill()  # ends the clients; what they heard is in the recorder
    for client in clients:
        client.join()


def rounds(database, server, recorder, accounts, draw):
    server.start()
    for number in range(KILLS):
        if number % 2 == 0:
            kill_test.load_and_kill(server, recorder, accounts, draw)
        else:
            database_goes_and_comes(database, server, recorder, accounts, draw)
        server.start()
        kill_test.look(server, recorder, True)
    kill_test.all_once_more(server, recorder)
    check(recorder.acknowledged > 20 * KILLS, f"only {recorder.acknowledged} acknowledged")
    kill_test.canary(server, recorder)
    server.wallet.check_totals()


def check_finds_damage(database, wallet):
    wallet.run("check")
    database.psql("UPDATE tpwallet.batch SET data = set_byte(data, 200, get_byte(data, 200) # 4) "
                  "WHERE sequence = 3")
    found = wallet.run("check", code=5)
    check("batch 3" in found.err, f"the damaged batch is named: {found!r}")
    database.psql("UPDATE tpwallet.batch SET data = set_byte(data, 200, get_byte(data, 200) # 4) "
                  "WHERE sequence = 3")
    wallet.run("check")


def second_folder(database, wallet):
    """Another folder for the same ledger, as another replica has."""
    other = StoreWallet("second", database.url)
    made = other.json("init")
    equal(made["new_ledger"], False, "the ledger was there")
    equal(len(other.json("account", "list", "--limit", "1000")["items"]),
          len(wallet.json("account", "list", "--limit", "1000")["items"]), "accounts seen by both")


def benches_leave_nothing(database, wallet):
    """What is measured in a database has a schema of its own, and never a ledger that is there."""
    database.psql("CREATE DATABASE empty ENCODING 'UTF8' TEMPLATE template0", database="postgres")
    url = database.url.replace("/tpwallet", "/empty")
    api = wallet.json("bench", "api", "--store", url, "--duration-s", "1", "--accounts", "100")
    equal(api["failures"], 0, f"transfers over HTTP that were not done: {api}")
    ledger = wallet.json("bench", "ledger", "--store", url, "--transfers", "20k", "--batch", "1000",
                         "--accounts", "100", "--projection", "--rate", "burst")
    check(0 < ledger["projected_per_second"] <= ledger["transfers_per_second"],
          f"the tables are done after the answers: {ledger}")
    equal(database.psql("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'tpwallet%'",
                        database="empty"), "0", "schemas that a bench left")
    said = wallet.run("bench", "api", "--store", database.url, code=CONFLICT)
    check("that is a ledger" in said.err, f"a ledger that is there is refused: {said!r}")
    wallet.run("check")


def what_cannot_work(database, wallet):
    secret = Wallet("secret")
    said = secret.run("init", "--store", database.url.replace("postgres@", "postgres:geheim@"),
                      code=USAGE)
    check("PGPASSFILE" in said.err and "geheim" not in said.err, f"password refused: {said!r}")
    check(not os.path.exists(secret.folder), "nothing was made")
    said = secret.run("init", "--store", database.url.replace("/tpwallet", "/nowhere"), code=USAGE)
    check("nowhere" in said.err, f"no such database: {said!r}")
    said = wallet.run("archive", "--keep-batches", "1", code=None)
    check(said.code != DONE and "database" in said.err, f"refused: {said!r}")
    database.kill(signal.SIGINT)
    said = wallet.run("account", "list", code=UNAVAILABLE)
    check("cannot be reached" in said.err, f"the database is away: {said!r}")


def main():
    draw = random.Random(SEED)
    with Postgres() as database:
        wallet = StoreWallet("stored", database.url)
        accounts = kill_test.ledger_make(wallet)
        folder_is_ours(wallet, database.url)
        recorder = kill_test.Recorder()
        server = Server(wallet, "--plain", "--anonymous")
        try:
            rounds(database, server, recorder, accounts, draw)
        finally:
            if server.process is not None and server.process.poll() is None:
                server.kill()
        check_finds_damage(database, wallet)
        second_folder(database, wallet)
        benches_leave_nothing(database, wallet)
        what_cannot_work(database, wallet)
        print(f"{KILLS} rounds, {recorder.acknowledged} acknowledged")


if __name__ == "__main__":
    main()
