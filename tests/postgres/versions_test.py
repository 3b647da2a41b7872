"""Goal: journal and lease in PostgreSQL do on other major versions what they do on Debian's.

Method: the tests of journal and lease run on servers of the oldest and of the newest
version that Maven Central has beside Debian's; what the server says of itself must be that version.
All versions and more tests: tests/soak/postgres_versions.sh.
"""
import concurrent.futures
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from postgres_versions import SKIPPED, VERSIONS, unpacked  # noqa: E402

PROGRAMS = ("store_test", "lease_test")
TEST_S = 800


def says_its_version(programs, major):
    said = subprocess.run([f"{programs}/postgres", "--version"], capture_output=True, text=True,
                          check=True).stdout
    if f"(PostgreSQL) {major}." not in said:
        raise SystemExit(f"FAILED: wanted version {major}, found {said}")
    print(said.strip())


def run_all(programs, scratch):
    for name in PROGRAMS:
        done = subprocess.run([os.path.join(os.environ["TPWALLET_BUILD"], "tests",
                                            f"tests_postgres_{name}")],
                              env={**os.environ, "TPWALLET_POSTGRES": programs,
                                   "SCRATCH": scratch},
                              capture_output=True, text=True, check=False, timeout=TEST_S)
        if done.returncode != 0:
            print(done.stdout, done.stderr, file=sys.stderr)
            raise SystemExit(f"FAILED: {name}: exit code {done.returncode}")


def main():
    scratch = os.environ["SCRATCH"]
    os.chmod(scratch, 0o711)  # user postgres passes through
    folders = []
    for major in (min(VERSIONS), max(VERSIONS)):
        programs = unpacked(major, os.path.join(scratch, major))
        if programs is None:
            print(f"skipped: PostgreSQL {major} is not to be had", file=sys.stderr)
            raise SystemExit(SKIPPED)
        says_its_version(programs, major)
        folders.append(programs)
    with concurrent.futures.ThreadPoolExecutor() as pool:  # they wait more than they work
        for done in [pool.submit(run_all, programs, scratch) for programs in folders]:
            done.result()


main()
