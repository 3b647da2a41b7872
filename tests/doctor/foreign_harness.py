"""The ledgers of others that the tests of the doctor look at: made by a real PostgreSQL, and dumped."""
import os
import subprocess
import sys

sys.path[:0] = [os.path.join(os.environ["TPWALLET_SOURCE"], "tests", folder)
                for folder in ("e2e", "postgres")]
# pylint: disable=wrong-import-position
from cli_harness import SCRATCH, SOURCE, check

LEDGERS = ("pgledger", "blnk", "formance")
EXAMPLES = os.path.join(SOURCE, "doctor", "mappings", "examples")


def example(name):
    return os.path.join(EXAMPLES, name)


def environment(server):
    """For psql and its kin, and for pages: where the server is."""
    return dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(server.port), PGUSER="postgres",
                SERVER=f"postgresql://postgres@127.0.0.1:{server.port}",
                PATH=f"{server.programs}:{os.environ['PATH']}")


def program(server, *words, code=0):
    """A client of PostgreSQL's; its standard output."""
    done = subprocess.run(words, env=environment(server), capture_output=True, text=True,
                          check=False, cwd=SCRATCH, timeout=120)
    check(code is None or done.returncode == code, f"{words}: {done.returncode}\n{done.stderr}")
    return done.stdout


def made(server, ledger):
    """A database with the ledger and its incident, by what really happened to it."""
    program(server, "createdb", ledger)
    program(server, "psql", "-X", "-q", "-d", ledger, "-f", example(f"{ledger}.sql"))


def dumped(server, database, name, *words):
    path = os.path.join(SCRATCH, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(program(server, "pg_dump", *words, database))
    return path
