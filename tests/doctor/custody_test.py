"""Goal: a bundle that somebody else made, and signed as they liked, changes nothing outside of itself
and is no more believed than its custody; a full disk and a killed writer cost it nothing.

Method: entries of a custody are forged with a key of their own (signed by OpenSSL), with subjects
that lead out; files and folders become links; names of files have line feeds and escapes; a limit on
the size of files plays the full disk; a log is cut at every byte of its last entry.
"""
import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "e2e"))
# pylint: disable=wrong-import-position
from cli_harness import (CONFLICT, DAMAGED, DENIED, DONE, LIMIT, NOT_FOUND, REFUSED, SCRATCH, TPWALLET,
                         USAGE, Wallet, check, equal, file_of)
from custody_harness import KEYS, PUBLIC, entries, key_make, read, unfinished, write

WALLET = Wallet("wallet")
NOT_AS_TAKEN = 8                                        # of `doctor diagnose`
KEPT = "what the victim has\n"


def doctor(*words, who=None, code=DONE, **options):
    key = ("--key", KEYS[who]) if who else ()
    return WALLET.run("doctor", *words, *key, code=code, **options)


def copied(case, name="copy"):
    folder = os.path.join(SCRATCH, name)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(case, folder, symlinks=True)
    return folder


def names_that_lead_out(case):
    victim = os.path.join(SCRATCH, "victim", "rc")
    for subject in ("../victim/rc", victim, "plan/../../victim/rc", "../copy/custody.log",
                    "custody.log", "elsewhere/rc", "plan//plan.json", "./incident.md"):
        write(KEPT.encode(), victim)
        copy = copied(case)
        unfinished(copy, "mallory", subject, b"mallory's\n")
        log = read(copy, "custody.log")
        for who in ("eve", "mallory"):
            doctor("incident", copy, "--note", "seen", who=who, code=DAMAGED)
            equal(read(victim), KEPT.encode(), f"{subject}: the victim's file")
            equal(read(copy, "custody.log"), log, f"{subject}: the custody")
        doctor("verify", copy, code=REFUSED)


def only_ones_own_is_finished(case):
    copy = copied(case)
    unfinished(copy, "mallory", "plan/plan.json", b"mallory's\n")
    err = doctor("incident", copy, "--note", "seen", who="eve", code=CONFLICT).err
    check("a change of plan/plan.json by mallory was not finished" in err, err)
    check(not os.path.exists(os.path.join(copy, "plan", "plan.json")), "nothing took its place")
    doctor("incident", copy)                            # reading goes on
    doctor("incident", copy, "--note", "went on", who="mallory")
    equal(read(copy, "plan", "plan.json"), b"mallory's\n", "its writer's next command finishes it")
    doctor("verify", copy)
    copy = copied(case)
    unfinished(copy, "mallory", "incident.json", read(case, "incident.json").replace(b"paid", b"PAID"))
    check("PAID" in doctor("incident", copy).out, "what was entered last counts, also for readers")
    doctor("incident", copy, "--owner", "eve", who="mallory")
    doctor("verify", copy)


def links_lead_nowhere(case):
    victim = os.path.join(SCRATCH, "victim")
    write(KEPT.encode(), victim, "rc")
    for name in ("evidence", "plan", "report"):
        copy = copied(case)
        shutil.rmtree(os.path.join(copy, name))
        os.symlink(victim, os.path.join(copy, name))
        err = doctor("collect", copy, "--log", file_of("one.log", "x\n"), who="eve", code=DAMAGED).err
        check(f"{name}: Not a directory" in err, err)
        equal(os.listdir(victim), ["rc"], f"nothing was written through {name}")
    for name, code in (("custody.log", DAMAGED), ("incident.json", DAMAGED), ("unfinished", DAMAGED)):
        copy = copied(case)
        path = os.path.join(copy, name)
        moved = os.path.join(SCRATCH, "moved")
        write(read(copy, name) if os.path.exists(path) else b"", moved)
        if os.path.exists(path):
            os.unlink(path)
        os.symlink(moved, path)
        before = read(moved)
        doctor("incident", copy, "--note", "seen", who="eve", code=code)
        equal(read(moved), before, f"{name} as a link")
        doctor("verify", copy, code=NOT_FOUND if name == "custody.log" else REFUSED)
    copy = copied(case)
    os.unlink(os.path.join(copy, "incident.json"))
    os.mkfifo(os.path.join(copy, "incident.json"))
    doctor("incident", copy, code=DAMAGED)              # nobody waits for its other end
    found = WALLET.json("doctor", "verify", copy, code=REFUSED)["findings"]
    equal(found[0], {"file": "incident.json", "problem": "is no plain file"}, "a pipe")


def names_of_any_bytes(case):
    for raw, shown in ((b"a\nb", "a\\nb"), (b"\x1b[2J", "\\x1b[2J"), (b"a\tb", "a\\tb"),
                       ("\u202egpj".encode(), "\\u202egpj"), (b"\xff", "\\xff")):
        copy = copied(case)
        write(b"", copy.encode(), b"plan", raw)
        said = doctor("verify", copy, code=REFUSED)
        check(f"plan/{shown}: is not in the custody\n" in said.out, f"{said!r}")
        found = WALLET.json("doctor", "verify", copy, code=REFUSED)["findings"]
        equal((len(found), found[0]["problem"]), (1, "is not in the custody"), "as JSON")
        said = doctor("plan", copy, "--policy", "p", "--diagnosis", "d", who="mallory", code=DENIED)
        check(f"plan/{shown} is not in the custody" in said.err, f"{said!r}")
        check("\x1b" not in said.err and "\u202e" not in said.err, f"{said!r}")


def tight(size):
    """A disk that takes files up to this size, and tells of it when they grow."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return {"preexec_fn": limit, "restore_signals": False}


def full_disks(case):
    """Room for less and less of the next entry: nothing of it is kept, and nothing else is lost."""
    for room in (0, 1, 5, 200, 400):
        copy = copied(case)
        before = read(copy, "custody.log")
        for _ in range(3):
            said = doctor("incident", copy, "--note", "n", who="mallory", code=LIMIT,
                          **tight(len(before) + room))
            check("cannot write" in said.err and "File too large" in said.err and
                  "make room" in said.err, f"{said!r}")
        equal(read(copy, "custody.log"), before, "the custody is as before")
        doctor("verify", copy)
        doctor("incident", copy, "--note", "room again", who="mallory")
        doctor("verify", copy)
    copy = copied(case)
    before = sorted(os.listdir(os.path.join(copy, "evidence")))
    log = file_of("two.log", '{"ts":"2026-11-23T00:00:00Z","msg":"m"}\n')
    size = len(read(copy, "custody.log"))
    lost = 0
    for room in range(0, 3000, 300):                    # before, within and after its entries
        said = doctor("collect", copy, "--log", log, "--system", "s", who="mallory", code=None,
                      **tight(size + room))
        lost += said.code == LIMIT
        check(said.code in (DONE, LIMIT), f"{said!r}")
        doctor("verify", copy)
        size = len(read(copy, "custody.log"))
    check(lost > 2, "some found no room")
    sources = read(copy, "sources.ndjson").decode().splitlines()
    doctor("collect", copy, "--log", log, "--system", "s", who="mallory")
    equal(len(read(copy, "sources.ndjson").decode().splitlines()), len(sources) + 1, "one more")
    check(len(os.listdir(os.path.join(copy, "evidence"))) > len(before), "with its file")
    doctor("verify", copy)


def torn_logs(case):
    last = entries(case)[-1]
    whole = read(case, "custody.log")
    for size in (1, 3, 4, 5, 100, len(last) - 1):
        copy = copied(case)
        write(whole + last[:size], copy, "custody.log")
        doctor("verify", copy, code=REFUSED)
        doctor("incident", copy)                        # an entry that is being written is none yet
        equal(read(copy, "custody.log"), whole + last[:size], "readers change nothing")
        doctor("incident", copy, "--note", "went on", who="eve")
        doctor("verify", copy)
    for place, byte in ((len(whole) - len(last), b"9"), (len(whole) - 9, b"#")):
        copy = copied(case)
        write(whole[:place] + byte + whole[place + 1:], copy, "custody.log")
        damaged = read(copy, "custody.log")
        doctor("incident", copy, "--note", "x", who="eve", code=DAMAGED)
        equal(read(copy, "custody.log"), damaged, "what is damaged is not cut off")


def ended_within(case):
    """What a killed writer leaves beside the custody is removed, or the way on is told."""
    copy = copied(case)
    policy = file_of("none.policy", "")

    def refused():
        return doctor("approve", copy, "--policy", policy, code=DENIED).err

    write(b"half a fi", copy, "unfinished.4711.new")
    err = refused()
    check("unfinished.4711.new is not in the custody" in err and "the next one with --key" in err, err)
    doctor("incident", copy, "--note", "went on", who="eve")
    doctor("verify", copy)
    left = os.path.join("evidence", "07-app.ndjson")
    write(b"{}\n", copy, left)
    err = refused()
    check(f"{left} is not in the custody" in err and "look at it, remove it" in err, err)
    doctor("incident", copy, "--note", "went on", who="eve")
    equal(read(copy, left), b"{}\n", "what somebody may have put there stays")
    os.unlink(os.path.join(copy, left))
    doctor("verify", copy)


def halves_of_derivatives(case):
    """A derivative is whole, or not there: half of one would verify."""
    new = os.path.join(SCRATCH, "half")
    copy = copied(case)
    log = file_of("more.log", '{"ts":"2026-11-23T00:00:00Z","msg":"more"}\n')
    doctor("collect", copy, "--log", log, "--system", "s", who="eve")
    second = os.path.join("evidence", sorted(os.listdir(os.path.join(copy, "evidence")))[-1])
    write(read(copy, second) + b"{}\n", copy, second)
    said = doctor("redact", copy, new, who="eve", code=DENIED)
    check(f"{second} is not as its custody has it" in said.err, f"{said!r}")
    check(not os.path.exists(new) and not os.path.exists(new + ".unfinished"), "nothing is left")
    doctor("collect", new, "--incident", "7F3A", who="eve")
    before = sorted(os.listdir(new)), read(new, "custody.log")
    doctor("redact", case, new, who="eve", code=CONFLICT)
    equal((sorted(os.listdir(new)), read(new, "custody.log")), before, "another's bundle is no new one")


def killed_derivatives(case):
    """What a killed one leaves has another name than a derivative."""
    new, copy = os.path.join(SCRATCH, "killed"), copied(case)
    line = '{"ts":"2026-11-23T00:00:00Z","msg":"more"}\n'
    doctor("collect", copy, "--log", file_of("long.log", line * 20000), "--system", "s", who="eve")
    for _ in range(10):                                    # one that is faster is begun again
        if os.path.exists(new + ".unfinished"):
            break
        shutil.rmtree(new, ignore_errors=True)
        with subprocess.Popen([TPWALLET, "doctor", "redact", copy, new, "--key", KEYS["eve"]],
                              stdout=subprocess.DEVNULL) as process:
            while process.poll() is None and not os.path.exists(new + ".unfinished/sources.ndjson"):
                pass
            process.kill()
    check(os.path.exists(new + ".unfinished"), "one of ten was killed before it was whole")
    check(not os.path.exists(new), "it is not there under its name")
    said = doctor("redact", copy, new, who="eve", code=CONFLICT)
    check("killed.unfinished is there already" in said.err and "may be removed" in said.err, f"{said!r}")
    shutil.rmtree(new + ".unfinished")
    doctor("redact", copy, new, who="eve")
    doctor("verify", new)
    check(os.path.exists(os.path.join(new, "derived.json")), "now it is whole")
    check(not os.path.exists(new + ".unfinished"), "under its name alone")


def changed(case, name, old, new):
    copy = copied(case)
    data = read(copy, name)
    check(old in data, f"{old!r} in {name}")
    write(data.replace(old, new), copy, name)
    return copy


def evidence_as_it_was_taken(case):
    """Whoever reads a bundle to make something of it reads what is under custody."""
    new = os.path.join(SCRATCH, "new")
    evidence = os.path.join("evidence", sorted(os.listdir(os.path.join(case, "evidence")))[0])
    words = {"redact": ("redact", None, new), "again": ("collect", new, "--incident", "7F3A", "--again", None)}

    def run(verb, copy, code):
        shutil.rmtree(new, ignore_errors=True)
        return doctor(*(copy if word is None else word for word in words[verb]), who="eve", code=code)

    for verb in words:
        run(verb, case, DONE)
        said = run(verb, changed(case, evidence, b"planted", b"PLANTED"), DENIED)
        check(f"{evidence} is not as its custody has it" in said.err, f"{said!r}")
        line = json.loads(read(case, "sources.ndjson").splitlines()[0])
        copy = changed(case, evidence, b"planted", b"PLANTED")
        digest = hashlib.sha256(read(copy, evidence)).hexdigest()
        write(read(copy, "sources.ndjson").replace(line["sha256"].encode(), digest.encode()), copy,
              "sources.ndjson")
        run(verb, copy, DENIED)                         # the list of sources was changed with it
        copy = copied(case)
        os.rename(os.path.join(copy, evidence), os.path.join(SCRATCH, "away"))
        os.symlink(os.path.join(SCRATCH, "away"), os.path.join(copy, evidence))
        run(verb, copy, DAMAGED)
    doctor("incident", changed(case, "incident.json", b"paid", b"PAID"), code=DENIED)
    copy = changed(case, "manifest.json", b"7F3A", b"7F3B")
    text = file_of("found.txt", "found\n")
    doctor("finding", "write", copy, "--text", text, who="eve", code=DENIED)
    doctor("finding", "write", case, "--text", text, who="eve")


def diagnosed_as_it_was_taken(case):
    """Evidence is held against the manifest, and that against the custody, where there is one."""
    evidence = os.path.join("evidence", sorted(os.listdir(os.path.join(case, "evidence")))[0])

    def both(copy, code, told=""):
        said = doctor("diagnose", copy, "--json", code=code)
        check(told in said.err, f"{said!r}")

    sound = doctor("diagnose", case, "--json", code=None).code
    check(sound < 8, f"a diagnosis: {sound}")
    copy = changed(case, evidence, b"planted", b"PLANTED")
    both(copy, NOT_AS_TAKEN, "its SHA-256 is not the manifest's")
    digest = hashlib.sha256(read(copy, evidence)).hexdigest()
    line = json.loads(read(case, "sources.ndjson").splitlines()[0])
    write(read(copy, "manifest.json").replace(line["sha256"].encode(), digest.encode()), copy, "manifest.json")
    both(copy, NOT_AS_TAKEN, "manifest.json is not as its custody has it")
    both(changed(case, "custody.log", b"evidence/", b"evidense/"), NOT_AS_TAKEN)
    os.unlink(os.path.join(copy, "custody.log"))
    both(copy, NOT_AS_TAKEN, "has no custody.log")      # it was collected, and so had one
    for name in ("incident.json", "sources.ndjson"):
        os.unlink(os.path.join(copy, name))
    both(copy, sound)                                   # nobody's word for it: as one by hand


def names_of_keys_that_make_no_file(case):
    path = os.path.join(SCRATCH, "zoe.key")
    public = WALLET.json("doctor", "key", path, "--name", "zo\u00eb")["key"]
    text = file_of("found.txt", "found\n")
    note = os.path.join(SCRATCH, "zoe.note")
    WALLET.run("doctor", "finding", "write", case, "--key", path, "--text", text, "--out", note)
    said = doctor("finding", "add", copied(case), "--note", note, "--experts", public, who="eve",
                  code=USAGE)
    check("no name of a file" in said.err, f"{said!r}")


def mistakes_are_told_with_what_to_do(case):
    """And change nothing."""
    kept = os.path.join(SCRATCH, "kept")
    doctor("redact", case, kept, who="eve")

    def refused(hint, code, *words, who=None):
        before = {path: [read(path, name) for name in ("custody.log", "incident.json")] for path in (case, kept)}
        said = doctor(*words, who=who, code=code)
        check(hint in said.err.split("  hint: ")[1], f"the hint of {words}: {said!r}")
        after = {path: [read(path, name) for name in ("custody.log", "incident.json")] for path in (case, kept)}
        equal(after, before, f"changed by {words}")

    private = read(KEYS["eve"]).decode().split()[0]
    for keys in ("anna+1f2e3d4c+AQ", private, f"{PUBLIC['eve']},eve"):
        refused("`tpwallet doctor key` prints it", USAGE, "verify", case, "--keys", keys)
    check("PRIVATE" not in doctor("verify", case, "--keys", private, code=USAGE).err, "a private key is not shown")
    refused("it can be contained, diagnosed, repaired, verified, closed", USAGE, "incident", case, "--state", "fixed",
            who="mallory")
    refused("name a new one", CONFLICT, "redact", case, kept, who="eve")
    refused("name another", CONFLICT, "key", KEYS["eve"], "--name", "eve")
    for words in (("--wal-books", "--ours"), ("--dead-letters", "x", "--ours"), ("--mapping", "x", "--ours"),
                  ("--payment", "x", "--log", "x")):
        refused("nothing was collected", USAGE, "collect", case, *words, who="mallory")
    refused("2026-11-23T00:00:00Z", USAGE, "collect", case, "--ours", "--from", "2026", who="mallory")
    os.mkdir(os.path.join(SCRATCH, "folder"))
    refused("a folder that is new", CONFLICT, "collect", os.path.join(SCRATCH, "folder"), "--incident", "7F3A",
            who="eve")


def main():
    os.mkdir(os.path.join(SCRATCH, "victim"))
    for name in ("mallory", "eve"):
        key_make(WALLET, name)
    case = os.path.join(SCRATCH, "case")
    log = file_of("app.log", '{"ts":"2026-11-23T00:00:00Z","msg":"planted"}\n')
    doctor("collect", case, "--incident", "7F3A", "--title", "paid twice", "--owner", "o", "--log", log,
           "--system", "api", who="mallory")
    doctor("verify", case)
    names_that_lead_out(case)
    only_ones_own_is_finished(case)
    links_lead_nowhere(case)
    names_of_any_bytes(case)
    full_disks(case)
    torn_logs(case)
    ended_within(case)
    halves_of_derivatives(case)
    killed_derivatives(case)
    evidence_as_it_was_taken(case)
    diagnosed_as_it_was_taken(case)
    names_of_keys_that_make_no_file(case)
    mistakes_are_told_with_what_to_do(case)


if __name__ == "__main__":
    main()
