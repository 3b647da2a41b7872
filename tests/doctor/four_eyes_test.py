"""Goal: that two people who did not propose a plan have seen it, that it was rehearsed, that its bleeding
is stopped and its time not over, does not hang on the program of whoever proposes it.

Method: plans, rehearsals and words on steps are put into a bundle by hand, under its custody, signed by
people of the policy and by others; each command that goes by them must refuse what is not by the one
who may say it.
"""
import datetime
import hashlib
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "e2e"))
# pylint: disable=wrong-import-position
from cli_harness import DENIED, DONE, SCRATCH, USAGE, Wallet, check, file_of, on_a_terminal
from custody_harness import KEYS, PUBLIC, key_make, put

WALLET = Wallet("wallet")
CASE = os.path.join(SCRATCH, "case")
POLICY = []
PLAN, REHEARSAL, STEPS = "plan/plan.json", "plan/rehearsal.json", "plan/steps.ndjson"
STOP = {"kind": "stop", "what": "pause retries", "fault": "P01",
        "precondition": "what is to be stopped still runs", "probe": "nothing more of it comes in",
        "undo": "resume what was suspended",
        "command": "tpwallet kafka pause --into BOOK; tpwallet account freeze ID"}
HOUR = datetime.timedelta(hours=1)


def copied(name="copy"):
    folder = os.path.join(SCRATCH, name)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(CASE, folder)
    return folder


def run(verb, folder, *words, who=None, code=DONE):
    key = ("--key", KEYS[who]) if who else ()
    return WALLET.run("doctor", verb, folder, "--policy", POLICY[0], *key, *words, code=code)


def line(value):
    return (json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def plan_by(proposer, made_in=-HOUR / 60, hours=1, **step):
    made = datetime.datetime.now(datetime.timezone.utc) + made_in
    times = [at.strftime("%Y-%m-%dT%H:%M:%S.000000000Z") for at in (made, made + hours * HOUR)]
    with open(POLICY[0], "rb") as file:
        policy = hashlib.sha256(file.read()).hexdigest()
    return line({"format": "tpwallet-plan-1", "incident": "7F3A", "label": "CONFIRMED",
                 "proposer": PUBLIC[proposer], "diagnosis_sha256": "ab" * 32, "rules_sha256": "cd" * 32,
                 "policy_sha256": policy, "made_at": times[0], "expires_at": times[1], "approvals": 2,
                 "steps": [dict(STOP, **step)]})


def rehearsal_of(plan):
    return line({"format": "tpwallet-rehearsal-1", "plan_sha256": hashlib.sha256(plan).hexdigest(),
                 "passed": True, "entries": 0, "left_count": 3})


def told_of(plan, state="done"):
    return line({"plan_sha256": hashlib.sha256(plan).hexdigest(), "step": 1, "state": state})


def case_of(plan, signer="anna", rehearser="bob"):
    copy = copied()
    put(copy, signer, PLAN, plan)
    put(copy, rehearser, REHEARSAL, rehearsal_of(plan))
    WALLET.run("doctor", "verify", copy)
    return copy


def everywhere(copy, told):
    for verb, who in (("approve", "bob"), ("apply", None), ("apply", "anna"), ("step", None),
                      ("rehearse", "anna"), ("verify-repair", "anna")):
        said = run(verb, copy, who=who, code=DENIED)
        check(told in said.err, f"{verb}: {said!r}")


def the_right_one_goes_on():
    copy = case_of(plan_by("anna"))
    said = run("approve", copy, who="bob").out
    for told in ("pause retries", "CONFIRMED: 2 approvals are needed, until",
                 "proposed by anna, rehearsed by bob: 0 entries, 3 things still wrong after it",
                 "tpwallet-approval-1"):
        check(told in said, f"what is approved is shown: {said}")
    run("approve", copy, who="anna", code=DENIED)
    run("approve", copy, who="carol")
    run("step", copy, "--number", "1", "--done", who="carol")
    check("DRY RUN" in run("apply", copy).out, "nothing is missing")
    copy = case_of(plan_by("anna"), rehearser="carol")
    run("approve", copy, who="bob")


def whoever_proposes_says_so():
    for signer in ("bob", "carol"):
        everywhere(case_of(plan_by("anna"), signer=signer),
                   f"another proposer than '{signer}', who put it there")
    everywhere(case_of(plan_by("mallory"), signer="mallory"), "plan/plan.json was put there by 'mallory'")
    everywhere(case_of(plan_by("anna"), signer="mallory"), "plan/plan.json was put there by 'mallory'")


def time_is_the_policys():
    everywhere(case_of(plan_by("anna", hours=2)), "for longer than the policy's 1 hours")
    everywhere(case_of(plan_by("anna", made_in=HOUR)), "dated later than now")


def rehearsals_are_by_people():
    copy = case_of(plan_by("anna"), rehearser="mallory")
    for verb, who in (("approve", "bob"), ("apply", None)):
        said = run(verb, copy, who=who, code=DENIED)
        check("plan/rehearsal.json was put there by 'mallory'" in said.err, f"{said!r}")
    copy = case_of(plan_by("anna"), rehearser="anna")
    for verb, who in (("approve", "bob"), ("apply", None), ("apply", "anna"), ("rehearse", "anna")):
        said = run(verb, copy, who=who, code=DENIED)
        check("'anna' proposes the plan, and so does not rehearse it" in said.err, f"{verb}: {said!r}")
    put(copy, "carol", REHEARSAL, rehearsal_of(plan_by("anna", made_in=-HOUR / 30)))
    said = run("approve", copy, who="bob", code=DENIED)
    check("the rehearsal is of another plan" in said.err, f"nor another plan's: {said!r}")
    said = run("rehearse", copy, who="mallory", code=DENIED)
    check("does not name the key of 'mallory'" in said.err, f"{said!r}")
    run("rehearse", copy, code=USAGE)
    said = run("verify-repair", copy, who="mallory", code=DENIED)
    check("does not name the key of 'mallory'" in said.err, f"{said!r}")


def steps_are_told_by_people():
    plan = plan_by("anna")
    copy = case_of(plan)
    put(copy, "mallory", STEPS, told_of(plan))
    everywhere(copy, "plan/steps.ndjson was put there by 'mallory'")
    said = run("step", copy, code=DENIED)
    check("makes a new plan, of which nothing was said yet" in said.err, f"the way on: {said!r}")
    put(copy, "anna", PLAN, plan_by("anna", made_in=-HOUR / 30))
    check("1 stop       open" in run("step", copy).out, "which leads on")
    check("1 stop       done" in run("step", copy, "--number", "1", "--done", who="bob").out, "as bob says")
    copy = case_of(plan)
    put(copy, "mallory", STEPS, told_of(b"of an earlier plan, under an earlier policy"))
    check("1 stop       open" in run("step", copy).out, "it says nothing of this plan")
    check("1 stop       done" in run("step", copy, "--number", "1", "--done", who="bob").out, "as bob says")


def nothing_commands_the_terminal():
    copy = case_of(plan_by("anna", what="a\x1b[2J\u202eb\nc", fault="P\x07"))
    for said in (run("approve", copy, who="bob").out, run("step", copy).out):
        check("[P\\x07] a\\x1b[2J\\u202eb\\nc\n" in said, f"{said!r}")
        check(not any(mark in said for mark in ("\x1b", "\x07", "\u202e")), f"{said!r}")
    run("approve", copy, who="carol")
    said = run("apply", copy, "--execute", who="anna", code=DENIED).err
    check("a\\x1b[2J" in said and "\x1b" not in said, f"{said!r}")


def nor_does_any_other_text():
    copy = copied()
    note = "a\u202eb\x9bc"
    WALLET.run("doctor", "incident", copy, "--key", KEYS["anna"], "--note", note)
    check(note in WALLET.run("doctor", "incident", copy).out, "a file gets it as it is")
    said = on_a_terminal("doctor", "incident", copy)
    check("a\\u202eb\\u009bc" in said, f"{said!r}")
    check(not any(mark in said for mark in ("\x9b", "\u202e")), f"{said!r}")
    said = json.loads(on_a_terminal("doctor", "incident", copy, "--json"))
    check(said["timeline"][-1]["text"] == note, "JSON is JSON there, too")


def main():
    WALLET.run("init")
    for name in ("anna", "bob", "carol", "mallory"):
        key_make(WALLET, name)
    POLICY.append(file_of("repair.policy", "".join(f"approver {PUBLIC[name]}\n" for name in
                                                   ("anna", "bob", "carol")) + "valid_hours 1\n"))
    WALLET.run("doctor", "collect", CASE, "--key", KEYS["anna"], "--incident", "7F3A")
    the_right_one_goes_on()
    whoever_proposes_says_so()
    time_is_the_policys()
    rehearsals_are_by_people()
    steps_are_told_by_people()
    nothing_commands_the_terminal()
    nor_does_any_other_text()


if __name__ == "__main__":
    main()
