"""Goal: a plan is made of what was diagnosed, rehearsed on copies, approved by two others, applied
once, whatever happens in between; anything else is refused and changes nothing.

Method: a ledger in which transfers were made twice by a client without keys; its evidence and a
gateway's log are collected, and the diagnosis names the second ones. The plan is made, and
everything that must be refused is tried: of forged diagnoses, unrehearsed, unapproved, approved by its proposer, by a stranger, twice by one, expired, for
another plan, under another policy, changed files, a ledger that moved on. Then it is applied,
applied again, and verified; books are equal again and the audit log has it.
"""
import html.parser
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "e2e"))
# pylint: disable=wrong-import-position
from cli_harness import (CONFLICT, DENIED, DONE, NOT_FOUND, REFUSED, SCRATCH, TPWALLET,
                         UNAVAILABLE, USAGE, Wallet, check, equal, file_of, new_id, serving)
from custody_harness import KEYS, PUBLIC, put, read, write

PAID = 7
TRIES_MAX = 10
# The gateway has said all that it has.
WHOLE = ("--from", "1970-01-01T00:00:01Z", "--to", "2100-01-01T00:00:00Z")


def key_of(wallet, name):
    path = os.path.join(SCRATCH, f"{name}.key")
    return path, wallet.json("doctor", "key", path, "--name", name)["key"]


def ledger_with_twins(wallet):
    """Accounts, and for each of PAID payments a second transfer that nobody wanted."""
    wallet.run("init")
    bank, shop = new_id(), new_id()
    wallet.run("account", "create", bank, "--kind", "equity")
    wallet.run("account", "create", shop, "--kind", "liability", "--flags",
               "debits_must_not_exceed_credits")
    twins, customers = [], []
    for n in range(PAID):
        customer = new_id()
        customers.append(customer)
        wallet.run("account", "create", customer, "--kind", "liability", "--flags",
                   "debits_must_not_exceed_credits")
        wallet.run("transfer", "create", "--debit", bank, "--credit", customer, "--amount",
                   "100.00")
        twins.append((new_id(), new_id()))
        for twin in twins[-1]:
            wallet.run("transfer", "create", "--id", twin, "--debit", customer, "--credit", shop,
                       "--amount", f"{10 + n}.00")
    return bank, shop, customers, twins


def gateway_log(customers, twins):
    """What a gateway saw: it gave up on the first request of each, and the client asked again."""
    lines = []
    begin = datetime.now(timezone.utc) - timedelta(minutes=1)
    for customer, (first, second) in zip(customers, twins):
        for seconds, tx, status in ((0, first, 504), (5, second, 201)):
            at = (begin + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
            lines.append({"ts": at, "method": "POST", "path": "/v1/transfers", "client": customer,
                          "body_hash": f"body of {customer}", "transaction_id": tx,
                          "status": status})
    return file_of("gateway.log", "".join(json.dumps(line) + "\n" for line in lines))


def net(wallet, account):
    return wallet.json("account", "show", account)["balance"]["net"]


class Case:
    def __init__(self, wallet):
        self.wallet = wallet
        self.folder = os.path.join(SCRATCH, "case")
        self.keys, self.public = {}, {}
        for name in ("anna", "bob", "carol", "mallory"):
            self.keys[name], self.public[name] = key_of(wallet, name)
        KEYS.update(self.keys)
        PUBLIC.update(self.public)
        people = [self.public[name] for name in ("anna", "bob", "carol")]
        self.policy = file_of("repair.policy", "".join(f"approver {key}\n" for key in people) +
                              "max_total EUR 1000.00\nvalid_hours 1\n")

    def run(self, verb, *words, who=None, code=DONE, folder=None, policy=None):
        key = ("--key", self.keys[who]) if who else ()
        return self.wallet.run("doctor", verb, folder or self.folder, "--policy",
                               policy or self.policy, *key, *words, code=code)

    def collect(self, log):
        self.wallet.run("doctor", "collect", self.folder, "--key", self.keys["anna"], "--incident",
                        "7F3A", "--title", "paid twice", "--ours", *WHOLE)
        alone = self.plan(self.diagnosis(), code=DENIED)
        check("the cause is UNKNOWN: that gets no plan" in alone.err, f"{alone!r}")
        self.wallet.run("doctor", "collect", self.folder, "--key", self.keys["anna"], "--log", log,
                        "--system", "gateway", *WHOLE)

    def diagnosis(self, *words, folder=None):
        """What `doctor diagnose --json` says, byte for byte."""
        return self.wallet.run("doctor", "diagnose", folder or self.folder, "--json", *words,
                               code=None).out

    def plan(self, diagnosis, code=DONE, who="anna", policy=None):
        words = () if diagnosis is None else ("--diagnosis", file_of("diagnosis.json", diagnosis))
        return self.run("plan", *words, who=who, code=code, policy=policy)

    def copy(self, name):
        copy = os.path.join(SCRATCH, name)
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder, copy)
        return copy


def forged(text, change):
    """The diagnosis with one thing changed, written as the doctor writes it."""
    found = json.loads(text)
    change(found)
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False) + "\n"


def forged_diagnoses(case, true):
    """A plan is made of what the evidence gives, whatever a file says."""
    def another_amount(found):
        for row in found["causes"][0]["affected"]:
            row["delta"] = str(int(row["delta"]) * 2)

    def another_account(found):
        found["causes"][0]["affected"][0]["account"] = new_id()

    def more_certain(found):
        found["causes"][0]["label"] = "PROBABLE"

    def less_affected(found):
        del found["causes"][0]["affected"][2:]

    def nothing_left(found):
        found["causes"][0]["repair"] = "none"

    equal(forged(true, lambda found: None), true, "a diagnosis that nobody changed")
    for change in (another_amount, another_account, more_certain, less_affected, nothing_left):
        found = case.plan(forged(true, change), code=DENIED)
        check("not what the evidence gives" in found.err and "diagnose again" in found.err and
              "differs from byte" in found.err, f"{change.__name__}: {found!r}")
    found = case.plan(forged(true, lambda d: d.update(rules_sha256="cd" * 32)), code=DENIED)
    check("by other rules" in found.err, f"{found!r}")
    case.plan(forged(true, lambda d: d.update(incident="OTHER")), code=USAGE)
    case.plan("", code=USAGE)
    case.plan("{}", code=USAGE)
    record = json.loads(true)["violations"][0]["record"]["record"]
    found = case.plan(case.diagnosis("--what-if", f"drop={record}"), code=DENIED)
    check("what would be" in found.err and record in found.err and "--what-if" in found.err,
          f"{found!r}")
    found = case.wallet.run("doctor", "report", case.folder, "--html", os.path.join(SCRATCH, "no"),
                            "--diagnosis", file_of("if.json", case.diagnosis(
                                "--what-if", f"drop={record}")), code=DENIED)
    check("what would be" in found.err, f"{found!r}")


def doubtful_plans(case, true):
    forged_diagnoses(case, true)
    case.plan(true, code=USAGE, who=None)
    small = file_of("small.policy", "".join(f"approver {case.public[n]}\n" for n in
                                            ("anna", "bob")) + "max_total EUR 5.00\n")
    case.plan(true, code=DENIED, policy=small)
    unnamed = file_of("unnamed.policy", "".join(f"approver {case.public[n]}\n" for n in
                                                ("anna", "bob", "carol")) + "max_total USD 5.00\n")
    found = case.plan(true, code=DENIED, policy=unnamed)
    check("no max_total of EUR" in found.err, f"{found!r}")
    few = file_of("few.policy", "".join(f"approver {case.public[n]}\n" for n in ("anna", "bob")) +
                  "max_total EUR 500.00\n")
    found = case.plan(true, code=DENIED, policy=few)
    check("1 people who did not propose it" in found.err, f"{found!r}")
    found = case.run("plan", "--sql", who="anna", code=USAGE)
    check("the ledger is ours" in found.err, f"{found!r}")
    found = case.run("plan", "--rules", os.path.join(SCRATCH, "nowhere"), who="anna",
                     code=UNAVAILABLE)
    check("could not be diagnosed" in found.err and "nowhere" in found.err, f"{found!r}")
    check(not os.path.exists(os.path.join(case.folder, "plan", "plan.json")), "no plan was made")


def written_by_hand(case):
    """Evidence that nobody has signed is diagnosed, and the way to a plan is told."""
    copy = case.copy("by-hand")
    for name in ("custody.log", "incident.json", "sources.ndjson"):  # which only `collect` writes
        os.remove(os.path.join(copy, name))
    check(json.loads(case.diagnosis(folder=copy))["causes"], "it is diagnosed")
    for verb, words in (("plan", ("--policy", case.policy, "--key", case.keys["anna"])),
                        ("verify", ()), ("redact", (copy + "2", "--key", case.keys["anna"]))):
        found = case.wallet.run("doctor", verb, copy, *words, code=NOT_FOUND)
        check("has no custody" in found.err and "can be diagnosed" in found.err and
              "tpwallet doctor collect NEW --key FILE" in found.err, f"{verb}: {found!r}")
    found = case.wallet.run("doctor", "verify", SCRATCH, code=NOT_FOUND)
    check("is no bundle of an incident" in found.err, f"{found!r}")


def stale_diagnoses(case, older):
    """The diagnosis is of what the bundle has; the bundle is what its custody has."""
    copy = case.copy("more")
    log = file_of("later.log", '{"ts":"2026-01-02T00:00:00Z","level":"info","msg":"later"}\n')
    case.wallet.run("doctor", "collect", copy, "--key", case.keys["anna"], "--log", log, "--system",
                    "app")
    path = file_of("older.json", older)
    found = case.run("plan", "--diagnosis", path, who="anna", folder=copy, code=DENIED)
    check("evidence that the bundle has now" in found.err and "diagnose again" in found.err,
          f"{found!r}")
    behind = case.copy("behind")
    shutil.rmtree(behind)
    shutil.copytree(copy, behind)
    put(behind, "anna", "manifest.json", read(case.folder, "manifest.json"))
    case.wallet.run("doctor", "verify", behind)
    found = case.run("plan", who="anna", folder=behind, code=DENIED)
    check("evidence that the bundle has now" in found.err and "manifest.json is behind" in found.err,
          f"{found!r}")
    case.wallet.run("doctor", "incident", behind, "--key", case.keys["anna"], "--note", "anew")
    case.run("plan", who="anna", folder=behind)
    newer = case.diagnosis(folder=copy)
    told = [(row["path"], row["sha256"]) for row in json.loads(newer)["sources"]]
    with open(os.path.join(copy, "sources.ndjson"), encoding="utf-8") as file:
        now = [(row["path"], row["sha256"]) for row in map(json.loads, file)]
    equal(told, now, "a diagnosis says what it is of")
    case.run("plan", "--diagnosis", file_of("newer.json", newer), who="anna", folder=copy)
    altered = case.copy("altered")
    evidence = os.path.join(altered, "evidence", "01-ledger.ndjson")
    with open(evidence, encoding="utf-8") as file:
        text = file.read()
    with open(evidence, "w", encoding="utf-8") as file:
        file.write(text.replace('"1000"', '"9000"'))
    found = case.run("plan", "--diagnosis", path, who="anna", folder=altered, code=DENIED)
    check("evidence/01-ledger.ndjson" in found.err and "custody" in found.err, f"{found!r}")
    case.wallet.run("doctor", "verify", case.folder)
    changed_meanwhile(case)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        return file.read().split()


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def held_while_its_child_ends(planning):
    """False: the child had ended, and was taken note of, before it could be looked at."""
    try:
        while not (child := children(planning.pid)):
            if planning.poll() is not None:
                return False
        planning.send_signal(signal.SIGSTOP)
        while state_of(child[0]) != "Z":
            time.sleep(0.01)
    except (FileNotFoundError, ProcessLookupError):
        planning.send_signal(signal.SIGCONT)
        return False
    return True


def changed_meanwhile(case):
    """Evidence that is changed after it was diagnosed: the plan's process is held while its child ends."""
    for attempt in range(TRIES_MAX):
        if changed_in_time(case, case.copy(f"meanwhile-{attempt}")):
            return
    check(False, f"its child had ended {TRIES_MAX} times before it was held")


def changed_in_time(case, copy):
    evidence = os.path.join(copy, "evidence", "01-ledger.ndjson")
    with subprocess.Popen([TPWALLET, "doctor", "plan", copy, "--key", case.keys["anna"], "--policy",
                           case.policy], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          text=True) as planning:
        if not held_while_its_child_ends(planning):
            planning.communicate()
            return False
        write(read(evidence).replace(b'"1000"', b'"9000"'), evidence)
        planning.send_signal(signal.SIGCONT)
        err = planning.stderr.read()
    equal(planning.returncode, DENIED, err)
    check("evidence/01-ledger.ndjson is not as its custody has it" in err, err)
    return True


def mark(case, folder, said=None):
    """As a person does it, who reads what a mark of this folder is."""
    if said is None:
        said = case.run("rehearse", "--staging", folder, who="bob", code=DENIED).err
        check("not marked" in said and "write this line into its file 'staging'" in said, said)
        said = said.split(" by hand: ")[1]
    with open(os.path.join(folder, "staging"), "w", encoding="utf-8") as file:
        file.write(said)


def staging_is_marked(case, staging):
    """A plan that nobody approved is applied only where people said by hand that it may be."""
    totals = staging.json("trial-balance")["rows"]
    mark(case, staging.folder)
    with open(os.path.join(staging.folder, "staging"), encoding="utf-8") as file:
        line = file.read()
    copied = os.path.join(SCRATCH, "copied")               # with its mark
    shutil.copytree(staging.folder, copied, ignore=shutil.ignore_patterns("socket"))
    moved = os.path.join(SCRATCH, "moved")
    os.rename(staging.folder, moved)
    os.rename(copied, staging.folder)                      # in the place of the marked one
    for folder in (staging.folder, moved):
        case.run("rehearse", "--staging", folder, who="bob", code=DENIED)
    shutil.rmtree(staging.folder)
    os.rename(moved, staging.folder)
    for wrong in ("", line + line, "x" + line[1:], line[:-2]):
        mark(case, staging.folder, wrong)
        case.run("rehearse", "--staging", staging.folder, who="bob", code=DENIED)
    equal(staging.json("trial-balance")["rows"], totals, "nothing was changed")
    link = os.path.join(SCRATCH, "linked")
    os.symlink(case.wallet.folder, link)
    for folder in (case.wallet.folder, link):
        found = case.run("rehearse", "--staging", folder, who="bob", code=CONFLICT)
        check("the ledger of --data itself" in found.err, f"{found!r}")
    shared = [Wallet("database-1"), Wallet("database-2")]
    for one in shared:
        shutil.copytree(case.wallet.folder, one.folder, ignore=shutil.ignore_patterns("socket"))
        with open(os.path.join(one.folder, "store"), "w", encoding="utf-8") as file:
            file.write("postgresql://nobody@localhost:1/ledger\n")
    found = shared[0].run(*words_of(case, case.folder, "rehearse", "bob"), "--staging", shared[1].folder,
                          code=CONFLICT)
    check("the ledger of --data itself" in found.err, f"{found!r}")
    another = Wallet("database-3")                         # it was led to another database since
    shutil.copytree(shared[0].folder, another.folder)
    mark(case, another.folder)
    with open(os.path.join(another.folder, "store"), "w", encoding="utf-8") as file:
        file.write("postgresql://nobody@localhost:2/ledger\n")
    found = case.run("rehearse", "--staging", another.folder, who="bob", code=DENIED)
    check("not marked" in found.err, f"{found!r}")
    mark(case, staging.folder, line.rstrip())


def approvals(case):
    case.run("apply", code=NOT_FOUND)                      # unrehearsed
    case.run("rehearse", who="anna", code=DENIED)          # by its proposer
    case.run("approve", who="bob", code=NOT_FOUND)
    wallet = case.wallet
    wallet.run("backup", os.path.join(SCRATCH, "for-staging"))
    staging = Wallet("staging")
    staging.run("restore", os.path.join(SCRATCH, "for-staging"))
    staging.run("restore", "accept")
    empty = Wallet("empty")
    empty.run("init")
    staging_is_marked(case, staging)
    mark(case, empty.folder)
    found = case.run("rehearse", "--staging", empty.folder, who="bob", code=CONFLICT)
    check("staging" in found.err, f"another ledger is no staging system: {found!r}")
    out = case.run("rehearse", "--staging", staging.folder, who="bob").out
    check(f"killed and resumed {PAID} times" in out and "so does staging" in out, out)
    check("nothing that held is broken, and nothing is left" in out, out)
    acts = [act["act"] for act in staging.json("audit", "list")["items"]]
    check("repair" in acts, f"staging went through all of it: {acts}")
    case.run("apply", code=DENIED)                         # unapproved
    case.run("approve", who="anna", code=DENIED)           # its proposer
    case.run("approve", who="mallory", code=DENIED)        # a stranger
    case.run("approve", code=USAGE)                        # nobody
    case.run("approve", who="bob")
    case.run("apply", code=DENIED)                         # one is not two
    twice = case.copy("twice")
    shutil.copy(os.path.join(twice, "approvals", "bob.note"),
                os.path.join(twice, "approvals", "bob2.note"))
    case.run("apply", code=DENIED, folder=twice)           # one person twice
    case.run("approve", who="carol")


def left_is_named(case):
    """The rehearsal looks at all evidence: here at a charge that the ledger does not know."""
    copy = case.copy("stated")
    statement = file_of("stated.csv", "id,object,kind,asset,gross,fee,at\n"
                        "l1,ch_unknown,charge,EUR,5.00,0.00,2026-01-02T00:00:00Z\n")
    columns = file_of("stated.map", "id = id\nkey = object\nkind = kind\ncurrency = asset\n"
                      "amount = gross\nfee = fee\ndate = at\n")
    case.wallet.run("doctor", "collect", copy, "--key", case.keys["anna"], "--statement", statement,
                    "--mapping", columns, "--system", "psp")
    out = case.run("rehearse", who="bob", folder=copy).out
    check("nothing that held is broken; still wrong after it: I" in out and "ch_unknown" in out, out)
    with open(os.path.join(copy, "plan", "rehearsal.json"), encoding="utf-8") as file:
        found = json.load(file)
    equal(found["left_count"], len(found["left"]), "what is left is named")
    check(all(row["key"] == "ch_unknown" for row in found["left"]), f"{found['left']}")
    equal((found["violations_before"], found["violations_after"]), (len(found["left"]) + PAID,) * 2,
          "the entries change nothing of it; what they settle stays told")


def changed_files(case):
    other = file_of("other.policy", "".join(f"approver {case.public[n]}\n" for n in
                                            ("anna", "bob", "mallory")))
    case.run("apply", code=DENIED, policy=other)
    for name in ("plan/plan.json", "plan/rehearsal.json", "approvals/bob.note"):
        copy = case.copy("changed")
        path = os.path.join(copy, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("1", "2", 1) if "plan.json" not in name else
                       text.replace("suspend", "Suspend"))
        found = case.run("apply", code=None, folder=copy)
        check(found.code in (DENIED, USAGE), f"a changed {name}: {found!r}")
    altered = case.copy("altered")
    with open(os.path.join(altered, "evidence", "01-ledger.ndjson"), "a", encoding="utf-8") as file:
        file.write("{}\n")
    for verb, words, who in (("approve", (), "bob"), ("rehearse", (), "bob"), ("apply", (), None),
                             ("apply", ("--execute",), "anna")):
        found = case.run(verb, *words, who=who, folder=altered, code=DENIED)
        check("evidence/01-ledger.ndjson" in found.err, f"{verb} of changed evidence: {found!r}")
    copy = case.copy("elsewhere")
    with open(os.path.join(copy, "plan", "plan.json"), encoding="utf-8") as file:
        plan = file.read()
    with open(os.path.join(copy, "plan", "plan.json"), "w", encoding="utf-8") as file:
        file.write(plan.replace('"amount_minor":"1000"', '"amount_minor":"9000"'))
    case.run("apply", code=DENIED, folder=copy)            # neither rehearsed nor approved


def another(wallet, name):
    """A copy of the ledger, for what must not happen to it."""
    wallet.run("backup", os.path.join(SCRATCH, name))
    other = Wallet(name)
    other.run("restore", "accept")
    return other


def stopped(case, name):
    copy = case.copy(name)
    case.run("step", "--number", "1", "--done", who="anna", folder=copy)
    return copy


def words_of(case, copy, verb="apply", who="anna"):
    return ("doctor", verb, copy, "--policy", case.policy, "--key", case.keys[who])


def entries_of(copy):
    with open(os.path.join(copy, "plan", "plan.json"), encoding="utf-8") as file:
        return [step for step in json.load(file)["steps"] if step["kind"] == "compensate"]


def refused(case, other, copy, told):
    """By the dry run, by a rehearsal and by doing it: nothing is written, and the ticket tells."""
    totals, acts = other.json("trial-balance")["rows"], other.json("audit", "list")["items"]
    for words in (words_of(case, copy), words_of(case, copy, "rehearse", "bob"),
                  (*words_of(case, copy), "--execute")):
        found = other.run(*words, code=CONFLICT)
        for word in told:
            check(word in found.err, f"{word} in {found!r}")
    equal(other.json("trial-balance")["rows"], totals, "nothing was changed")
    equal(other.json("audit", "list")["items"], acts, "nothing was begun")
    notes = other.json("doctor", "incident", copy)["timeline"]
    check("applying the plan failed" in notes[-1]["text"] and told[0] in notes[-1]["text"], f"{notes}")


def moved_on(case, wallet, seconds, before):
    """On a copy of the ledger in which somebody has reversed one by hand."""
    other = another(wallet, "moved")
    copy = stopped(case, "stopped")
    entry = entries_of(copy)[0]
    twin = entry["target"]
    check(twin in seconds, "what came second is taken back")
    amount = f"{10 + seconds.index(twin)}.00"
    other.run("transfer", "reverse", twin, "--amount", "4.00", "--asset", "EUR")
    equal(other.json("transfer", "show", twin)["reversed"], "4.00", "the ledger says how much")
    other.run("transfer", "reverse", twin)
    refused(case, other, copy, (entry["id"], f"{amount} of the {amount} of its target are reversed "
                                "already", twin))
    other.run("transfer", "show", entry["id"], code=NOT_FOUND)
    equal(net(wallet, before[0]), before[1], "the ledger itself")


def frozen_and_unfrozen(case, wallet, shop):
    """The plan's own stop step freezes the shop. Ids that were refused then are not in the way."""
    other = another(wallet, "frozen")
    other.run("account", "freeze", shop)
    copy = stopped(case, "frozen-case")
    entries = entries_of(copy)
    refused(case, other, copy, (entries[0]["id"], f"debit account {shop} is frozen", "unfreeze"))
    other.run("transfer", "reverse", entries[0]["target"], "--id", entries[0]["id"], code=REFUSED)
    other.run("account", "unfreeze", shop)
    owed = sum(10 + n for n in range(PAID))
    for made in (PAID, 0):
        done = json.loads(other.run(*words_of(case, copy), "--execute", "--json").out)
        equal((done["made"], done["repeated"]), (made, PAID - made), "once, however often")
        equal(net(other, shop), f"{owed}.00", "the shop has what it was paid once")
    equal(other.json("transfer", "show", entries[0]["id"])["outcome"], "debit_account_frozen",
          "what was refused stays")
    other.run("check")


def words_are_shown(case):
    """The ticket says repaired, verified when the bundle has it; a closed one is not repaired."""
    for state in ("repaired", "verified"):
        found = case.wallet.run("doctor", "incident", case.folder, "--key", case.keys["anna"],
                                "--state", state, code=DENIED)
        check("the bundle has no" in found.err, f"{found!r}")
    copy = stopped(case, "closed")
    case.wallet.run("doctor", "incident", copy, "--key", case.keys["anna"], "--state", "closed")
    found = case.run("apply", "--execute", who="anna", folder=copy, code=CONFLICT)
    check("the incident is closed" in found.err, f"{found!r}")
    case.run("rehearse", who="bob", folder=copy, code=CONFLICT)


def spent(case, wallet, shop, bank):
    """On a copy in which the shop, which may not owe, has paid its money out."""
    other = another(wallet, "spent")
    paid = 2 * sum(10 + n for n in range(PAID))
    other.run("transfer", "create", "--debit", shop, "--credit", bank, "--amount", f"{paid - 25}.00")
    copy = stopped(case, "spent-case")
    entries = entries_of(copy)
    sums = [int(entry["amount_minor"]) for entry in entries]
    last = next(n for n in range(PAID) if sum(sums[:n + 1]) > 2500)
    left = f"{(2500 - sum(sums[:last])) // 100}.00"
    refused(case, other, copy, (entries[last]["id"], f"account {shop} has left EUR {left}"))
    for entry in entries:
        other.run("transfer", "show", entry["id"], code=NOT_FOUND)


def post(server, transfers):
    connection = http.client.HTTPConnection(server.address, timeout=60)
    connection.request("POST", "/v1/transfers", json.dumps(transfers),
                       {"content-type": "application/json"})
    answer = connection.getresponse()
    check(answer.status in (200, 201), f"{answer.status} {answer.read(1000)!r}")
    connection.close()


def refused_midway(case, wallet, shop, bank):
    """Where all looks well, and the ledger refuses nevertheless: it has no room for so many."""
    other = another(wallet, "midway")
    copy = stopped(case, "midway-case")
    ids = [new_id() for _ in range(1000 - PAID + 1)]
    with serving(other, "--plain", "--anonymous", "--reversals-max", "1000") as server:
        post(server, [{"id": one, "kind": "direct", "debit": bank, "credit": shop, "asset": "EUR",
                       "amount": "0.01"} for one in ids])
        post(server, [{"id": new_id(), "kind": "reversal", "target": one} for one in ids])
        found = other.run(*words_of(case, copy), "--execute", code=CONFLICT)
    check("capacity" in found.err and "new ids" in found.err, f"{found!r}")
    refused_id = next(entry["id"] for entry in entries_of(copy) if entry["id"] in found.err)
    equal(other.json("transfer", "show", refused_id)["outcome"], "capacity", "it is named")
    acts = [act["reason"] for act in other.json("audit", "list")["items"] if act["act"] == "repair"]
    equal(sorted(acts), ["7F3A", "refused:capacity"], "begun, and refused")
    done = json.loads(other.run(*words_of(case, copy), "--execute", "--json").out)
    equal((done["made"], done["repeated"]), (PAID, 0), "under new ids")
    equal(net(other, shop), f"{sum(10 + n for n in range(PAID))}.00", "once")
    other.run("check")


def verified_too_early(case, wallet):
    """How far the plan is, as it is seen by who comes too early, or looks at a ledger from before."""
    other, before, frozen = (another(wallet, name) for name in ("partly", "before", "stilled"))
    copy = stopped(case, "partly-case")
    words = words_of(case, copy, "verify-repair")
    for told in ("not applied yet: none of its", "not applied to the end: 1 of its"):
        found = other.run(*words, "--json", code=REFUSED)
        check(f"{told} {PAID} entries" in found.err and "`tpwallet doctor apply --execute` makes" in found.err
              and found.json()["exit_code"] == REFUSED, f"{found!r}")
        entry = entries_of(copy)[0]
        other.run("transfer", "reverse", entry["target"], "--id", entry["id"])
    target = frozen.json("transfer", "show", entries_of(copy)[0]["target"])
    frozen.run("account", "freeze", target["credit"])
    found = frozen.run(*words, code=REFUSED)
    check("cannot be made" in found.err, f"not there, nor possible: {found!r}")
    other.run(*words_of(case, copy), "--execute")
    found = before.run(*words, code=REFUSED)
    check(f"was applied, and {PAID} of its {PAID} entries are not in this ledger" in found.err, f"{found!r}")


def applied(case, wallet, shop, customers):
    dry = case.run("apply").out
    check("DRY RUN" in dry and f"{PAID} entries would be made" in dry, dry)
    owed = sum(10 + n for n in range(PAID))
    equal(net(wallet, shop), f"{2 * owed}.00", "a dry run changes nothing")
    case.run("apply", "--execute", code=USAGE)             # who applies it?
    found = case.run("apply", "--execute", who="anna", code=DENIED)
    check("step 1" in found.err, f"the bleeding is not stopped: {found!r}")
    case.run("step", "--number", "1", "--done", code=USAGE)
    case.run("step", "--number", "1", "--done", who="mallory", code=DENIED)
    case.run("step", "--done", who="anna", code=USAGE)
    case.run("step", "--number", "1", who="anna", code=USAGE)
    case.run("step", "--number", "99", "--done", who="anna", code=USAGE)
    case.run("step", "--number", "3", "--done", who="anna", code=USAGE)  # an entry
    check("  1 stop       open" in case.run("step").out, "steps are shown")
    case.run("step", "--number", "1", "--done", "--note", "retries are off", who="anna")
    case.run("step", "--number", "1", "--undone", who="anna")
    case.run("apply", "--execute", who="anna", code=DENIED)
    forged = case.copy("forged")
    with open(os.path.join(forged, "plan", "steps.ndjson"), encoding="utf-8") as file:
        lines = file.readlines()
    with open(os.path.join(forged, "plan", "steps.ndjson"), "w", encoding="utf-8") as file:
        file.writelines(lines[:1])                         # without the newest word
    found = case.run("apply", "--execute", who="anna", code=DENIED, folder=forged)
    check("custody" in found.err, f"{found!r}")
    check("  1 stop       done" in
          case.run("step", "--number", "1", "--done", who="anna").out, "the newest word counts")
    with serving(wallet, "--plain", "--anonymous"):
        case.run("apply", "--execute", who="anna")         # by the server, which goes on
        equal(net(wallet, shop), f"{owed}.00", "as the server tells")
    equal(net(wallet, shop), f"{owed}.00", "the shop has what it was paid once")
    equal([net(wallet, customer) for customer in customers],
          [f"{90 - n}.00" for n in range(PAID)], "customers have the rest")
    again = json.loads(case.run("apply", "--execute", "--json", who="anna").out)
    equal((again["made"], again["repeated"]), (0, PAID), "applying twice is nothing")
    equal(net(wallet, shop), f"{owed}.00", "the same books")
    with open(os.path.join(case.folder, "plan", "applied.json"), encoding="utf-8") as file:
        equal(json.load(file)["made"], PAID, "what was done stays told")
    notes = [note["text"] for note in wallet.json("doctor", "incident", case.folder)["timeline"]]
    equal(notes.count("the plan was applied"), 1, "in the timeline, too")
    acts = [act for act in wallet.json("audit", "list")["items"] if act["act"] == "repair"]
    equal((len(acts), acts[0]["reason"]), (1, "7F3A"), "the audit log has it once")


def verified(case, wallet, before):
    case.run("verify-repair", code=USAGE)                  # who collects again?
    case.run("verify-repair", "--diagnosis", file_of("before.json", before), code=USAGE)
    still = json.loads(before)
    still["verdict"] = "still"
    path = file_of("after.json", json.dumps(still))
    case.run("verify-repair", "--diagnosis", path, code=REFUSED)
    still["causes"] = []
    for key, value, code in (("incident", "OTHER", USAGE), ("rules_sha256", "cd" * 32, USAGE),
                             ("truncated", True, REFUSED)):
        other = dict(still, **{key: value})
        case.run("verify-repair", "--diagnosis", file_of("other.json", json.dumps(other)),
                 code=code)
    path = file_of("clean.json", json.dumps(still))
    case.run("verify-repair", "--diagnosis", path)
    found = case.run("verify-repair", "--diagnosis", path, who="anna", code=USAGE)
    check("one of --key and --diagnosis" in found.err, f"nobody signs what any file says: {found!r}")
    check(not os.path.exists(os.path.join(case.folder, "report", "after.json")), "nothing is kept")
    case.run("verify-repair", who="anna")                  # collects and diagnoses by itself
    with open(os.path.join(case.folder, "report", "after.json"), encoding="utf-8") as file:
        after = json.load(file)
    check(after["unexplained_count"] == 0 and not after["exit_bits"] & 1, f"{after['verdict']}")
    equal(wallet.json("doctor", "incident", case.folder)["state"], "verified", "the ticket")
    everyone = ",".join(case.public[n] for n in ("anna", "bob", "carol"))
    wallet.run("doctor", "verify", case.folder, "--keys", everyone)
    wallet.run("doctor", "verify", case.folder, "--keys", case.public["anna"], code=REFUSED)
    equal(wallet.run("check", code=None).code, DONE, "the ledger checks")
    wallet.check_totals()


def reported(case, wallet):
    """One page without scripts; the RCA; the same bytes again; hostile words stay words."""
    page = os.path.join(SCRATCH, "report.html")
    rca = os.path.join(SCRATCH, "rca.md")
    wallet.run("doctor", "incident", case.folder, "--key", case.keys["anna"], "--note",
               "<script>alert(1)</script>")
    wallet.run("doctor", "report", case.folder, "--html", page, "--rca", rca)
    again = os.path.join(SCRATCH, "again.html")
    wallet.run("doctor", "report", case.folder, "--html", again, "--key", case.keys["anna"])
    with open(page, encoding="utf-8") as one, open(again, encoding="utf-8") as two:
        text = one.read()
        check(text == two.read(), "the same bytes from the same bundle")
    chinese = os.path.join(SCRATCH, "chinese.html")
    wallet.run("doctor", "report", case.folder, "--html", chinese, "--language", "zh")
    with open(chinese, encoding="utf-8") as file:
        page_zh = file.read()
    check("<html lang=zh>" in page_zh and "受影响项" in page_zh and "Affected" not in page_zh, "zh")
    wallet.run("doctor", "report", case.folder, "--html", chinese + "2", "--language", "de",
               code=USAGE)
    parser = html.parser.HTMLParser()
    parser.feed(text)
    check("<script" not in text and "src=" not in text and "http" not in text, "no scripts")
    check("prefers-color-scheme:dark" in text and "@media print" in text, "dark, and paper")
    check("were sent again under another key" in text and "<circle" in text, "causes and a timeline")
    with open(rca, encoding="utf-8") as file:
        text = file.read()
    check("| 24 h |" in text and "| 90 d |" in text and "0-48 h" in text, "actions and roadmap")
    check("taking back" in text and "Applied: yes" in text, "the repair")
    wallet.run("doctor", "report", case.folder, code=USAGE)
    wallet.run("doctor", "report", case.folder, "--html", page, code=CONFLICT)
    steps = wallet.json("doctor", "triage", "--bundle", case.folder, "--key", "k")
    check(len(steps) > 15 and steps[0]["command"].endswith(wallet.folder), "the check-list")
    wallet.run("doctor", "verify", case.folder)


def on_another_ledger(case):
    other = Wallet("other")
    other.run("init")
    said = other.run("doctor", "apply", case.folder, "--policy", case.policy, code=CONFLICT)
    check("bundle is of another ledger" in said.err, f"{said!r}")


def main():
    wallet = Wallet("wallet")
    bank, shop, customers, twins = ledger_with_twins(wallet)
    case = Case(wallet)
    case.collect(gateway_log(customers, twins))
    true = case.diagnosis()
    wrong = case.plan("{} {}\n", code=USAGE)
    check("`tpwallet doctor diagnose BUNDLE --json` wrote" in wrong.err, f"no diagnosis: {wrong!r}")
    equal([(cause["fault"], cause["label"]) for cause in json.loads(true)["causes"]],
          [("P01", "CONFIRMED")], "the cause")
    doubtful_plans(case, true)
    written_by_hand(case)
    stale_diagnoses(case, true)
    copy = case.copy("unread")
    case.run("plan", who="anna", folder=copy)              # its own diagnosis, read by nobody
    with open(os.path.join(copy, "report", "diagnosis.json"), encoding="utf-8") as file:
        equal(file.read(), true, "the plan's own is the one that people have read")
    out = case.plan(true).out
    check("2 approvals are needed" in out and out.count(" compensate ") == PAID, out)
    left_is_named(case)
    approvals(case)
    changed_files(case)
    moved_on(case, wallet, [second for _, second in twins], (shop, net(wallet, shop)))
    frozen_and_unfrozen(case, wallet, shop)
    spent(case, wallet, shop, bank)
    refused_midway(case, wallet, shop, bank)
    verified_too_early(case, wallet)
    words_are_shown(case)
    on_another_ledger(case)
    applied(case, wallet, shop, customers)
    verified(case, wallet, true)
    reported(case, wallet)


if __name__ == "__main__":
    main()
