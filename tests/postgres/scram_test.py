"""Goal: a database that wants a password by SCRAM is used with one from a password file or a service
file; without it, or with a wrong one, the error says so; and no output, log or file of ours ever has
the password.

Method: a PostgreSQL whose pg_hba.conf wants scram-sha-256 of the ledger's user, and whose own files
show that it keeps a SCRAM verifier. A ledger is made, served and checked with a password file; then
with a service file. Without a password, with a wrong one, with a file that others may read, and with
a service that is not there, commands and a server are refused. At last the password is changed under
a server, whose sessions are ended: it says why it cannot go on, and goes on when the file has the
new one. Everything that was said is searched for the passwords.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "ha")]

from cli_harness import (DENIED, DONE, SCRATCH, START_S, TPWALLET, USAGE, Wallet, check,  # noqa: E402
                         equal, new_id, serving)
from ha_harness import wait_for  # noqa: E402
from postgres_harness import Postgres  # noqa: E402

SECRETS = ("correct-horse-7261", "battery-staple-9034", "wrong-guess-5517")
SAID = []


class Quiet(Wallet):
    """What its commands say is kept, to be searched."""

    def run(self, *words, code=DONE, **options):
        said = super().run(*words, code=code, **options)
        SAID.append(said.out + said.err)
        return said


def database_open(server):
    """The user's password is wanted, by SCRAM; the others' are not."""
    server.psql(f"CREATE ROLE wallet LOGIN PASSWORD '{SECRETS[0]}'")
    server.psql("GRANT CREATE ON DATABASE tpwallet TO wallet")
    kept = server.psql("SELECT rolpassword FROM pg_authid WHERE rolname = 'wallet'")
    check(kept.startswith("SCRAM-SHA-256$"), "what the server keeps")
    path = os.path.join(server.folder, "data", "pg_hba.conf")
    with open(path, encoding="utf-8") as file:
        rules = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write("host all wallet 127.0.0.1/32 scram-sha-256\n" + rules)
    server.psql("SELECT pg_reload_conf()")
    wait_for("the server to want it", lambda: server.psql(
        "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'scram-sha-256'") == "1")
    return server.url.replace("postgres@", "wallet@")


def private(name, text, mode=0o600):
    path = os.path.join(SCRATCH, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def passes(server, secret, **options):
    return private("passes", f"127.0.0.1:{server.port}:tpwallet:wallet:{secret}\n", **options)


def use(passfile=None, service=None):
    """For all that is started from here on; nothing of the machine's own."""
    for name, value in (("PGPASSFILE", passfile or "/dev/null"), ("PGSERVICEFILE", service)):
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def refused(wallet, words, *parts, code=DENIED):
    said = wallet.run(*words, code=code)
    for part in parts:
        check(part in said.err, f"'{part}' is said: {said!r}")


def nothing_without(server, url):
    wallet = Quiet("refused")
    init = ("init", "--store", url)
    use()
    refused(wallet, init, "does not let us in", "no password supplied", "PGPASSFILE")
    use(passes(server, SECRETS[2]))
    refused(wallet, init, "does not let us in", "password authentication failed", "PGPASSFILE")
    use(passes(server, SECRETS[0], mode=0o644))
    refused(wallet, init, "no password supplied")
    use(service=private("services", "[other]\nhost=127.0.0.1\n"))
    refused(wallet, ("init", "--store", "postgresql:///tpwallet?service=bank"), "bank",
            "PGSERVICEFILE", code=USAGE)
    check(not os.path.exists(wallet.folder), "nothing was made")
    equal(server.psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'tpwallet'"), "0",
          "and nothing in the database")


def paid_with(wallet):
    bank, shop = new_id(), new_id()
    wallet.run("account", "create", bank, "--kind", "equity")
    wallet.run("account", "create", shop)
    wallet.run("transfer", "create", "--debit", bank, "--credit", shop, "--amount", "5.00")
    equal(wallet.json("balance", shop)["balance"]["net"], "5.00", "what was paid")


def with_a_password_file(server, url):
    use(passes(server, SECRETS[0]))
    wallet = Quiet("passfile")
    wallet.run("init", "--store", url)
    with serving(wallet, "--plain", "--anonymous", "--projection", "on"):
        paid_with(wallet)
    wallet.run("check")
    use(passes(server, SECRETS[2]))
    refused(wallet, ("account", "list"), "password authentication failed")
    done = subprocess.run([TPWALLET, "serve", "--data", wallet.folder, "--plain", "--anonymous",
                           "--listen", "127.0.0.1:0"], capture_output=True, text=True, check=False,
                          cwd=SCRATCH, timeout=START_S)
    equal(done.returncode, DENIED, f"exit code of a server: {done.stderr}")
    SAID.append(done.stdout + done.stderr)
    return wallet


def with_a_service_file(server):
    text = (f"[bank]\nhost=127.0.0.1\nport={server.port}\nuser=wallet\ndbname=tpwallet\n"
            f"password={SECRETS[0]}\n")
    use(service=private("services", text))
    wallet = Quiet("service")
    wallet.run("init", "--store", "postgresql://?service=bank")
    with serving(wallet, "--plain", "--anonymous"):
        paid_with(wallet)
    wallet.run("check")


def changed_under_a_server(server, wallet):
    use(passes(server, SECRETS[0]))
    with serving(wallet, "--plain", "--anonymous") as serve:
        paid_with(wallet)
        server.psql(f"ALTER ROLE wallet PASSWORD '{SECRETS[1]}'")
        server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE usename = 'wallet'")
        check(wallet.run("account", "create", new_id(), code=None).code != DONE, "it cannot write")
        wait_for("it to say why", lambda: "password authentication failed" in serve.tail())
        passes(server, SECRETS[1])
        wait_for("it to go on", lambda: wallet.run("account", "create", new_id(),
                                                   code=None).code == DONE)
        paid_with(wallet)


def nobody_told():
    for folder, _, names in os.walk(SCRATCH):
        for name in names:
            if name in ("passes", "services") or folder.startswith(os.path.join(SCRATCH, "postgres-")):
                continue  # where they belong
            with open(os.path.join(folder, name), "rb") as file:
                SAID.append(file.read().decode("utf-8", "replace"))
    check(any("serve.ready" in text for text in SAID), "the server's log was searched")
    for secret in SECRETS:
        check(not any(secret in text for text in SAID), f"{secret} is nowhere")


def main():
    with Postgres() as server:
        url = database_open(server)
        nothing_without(server, url)
        wallet = with_a_password_file(server, url)
        with_a_service_file(server)
        changed_under_a_server(server, wallet)
    nobody_told()


if __name__ == "__main__":
    main()
