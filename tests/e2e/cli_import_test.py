"""Goal: a file is imported once, however often it is run, with each row's outcome as it must be.

Method: a small made-up bank, its outcomes worked out by a naive twin in this file; broken and
odd files; exports imported into another ledger; and the AMLSim sample where it is at hand.
"""
import csv
import json
import os
import random

from cli_harness import (CONFLICT, NOT_FOUND, REFUSED, SCRATCH, SOURCE, USAGE, Wallet, check,
                         equal, file_of, new_id, serving)

ACCOUNTS_MAP = ("id=nodeid,user_ref=nodeid,opening=init_balance,asset==USD,"
                "flags==debits_must_not_exceed_credits")
TRANSFERS_MAP = "debit=sourceNodeId,credit=targetNodeId,amount=value,code=time,asset==USD"


def cents(text):
    major, _, minor = text.partition(".")
    return int(major) * 100 + int((minor + "00")[:2])


def bank_make(seed, accounts, transfers):
    """Files in the shape of the sample; identical rows and transfers to oneself among them."""
    draw = random.Random(seed)
    nodes = "nodeid,isFraud,init_balance,fraudStep\n"
    for node in range(accounts):
        nodes += f"{node},0,{draw.randrange(100, 200)}.{draw.randrange(100):02},-1\n"
    rows = []
    for step in range(transfers):
        source = draw.randrange(accounts)
        target = source if step % 97 == 50 else (source + 1 + draw.randrange(accounts - 1)) % accounts
        rows.append(f"{source},{target},{draw.randrange(1, 150)}.{draw.randrange(10)},{step}")
        if step % 10 == 0:
            rows.append(rows[-1])  # meant: a second transfer
    return (file_of(f"nodes{seed}.csv", nodes),
            file_of(f"moves{seed}.csv", "sourceNodeId,targetNodeId,value,time\n" +
                    "\n".join(rows) + "\n"))


def twin(nodes, moves):
    """(refused for want of funds, refused as not allowed, {node: balance in cents})."""
    with open(nodes, encoding="ascii") as file:
        balances = {row["nodeid"]: cents(row["init_balance"]) for row in csv.DictReader(file)}
    broke = selfish = 0
    with open(moves, encoding="ascii") as file:
        for row in csv.DictReader(file):
            amount = cents(row["value"])
            if row["sourceNodeId"] == row["targetNodeId"]:
                selfish += 1
            elif balances[row["sourceNodeId"]] < amount:
                broke += 1
            else:
                balances[row["sourceNodeId"]] -= amount
                balances[row["targetNodeId"]] += amount
    return broke, selfish, balances


def import_accounts(wallet, nodes, **options):
    return wallet.json("import", nodes, "--kind", "accounts", "--id-namespace", "bank",
                       "--openings-from", "openings", "--map", ACCOUNTS_MAP, "--quiet",
                       "--refusals", os.path.join(SCRATCH, "refused-accounts.csv"), **options)


def import_transfers(wallet, moves, name="refused.csv"):
    path = os.path.join(SCRATCH, name)
    if os.path.exists(path):
        os.remove(path)
    return wallet.json("import", moves, "--kind", "transfers", "--id-namespace", "bank", "--map",
                       TRANSFERS_MAP, "--quiet", "--refusals", path), path


def bank_is_imported_once(wallet, nodes, moves):
    broke, selfish, balances = twin(nodes, moves)
    made = import_accounts(wallet, nodes)
    equal((made["done"], made["openings"], made["refused"]), (len(balances), len(balances), 0),
          "accounts and openings")
    first, path = import_transfers(wallet, moves)
    equal(first["outcomes"].get("debits_exceed_credits", 0), broke, "refused for want of funds")
    equal(first["outcomes"].get("invalid_value", 0), selfish, "transfers to oneself")
    equal(first["refused"], broke + selfish, "refused in all")
    equal(first["done"] + first["refused"], first["rows"], "every row has an outcome")
    with open(path, encoding="ascii") as file:
        refusals = file.read()
    lines = [int(row["line"]) for row in csv.DictReader(refusals.splitlines())]
    equal(len(lines), broke + selfish, "refused rows in the file")
    check(all(2 <= line <= first["rows"] + 1 for line in lines), "their lines")

    head = wallet.head()
    again = import_accounts(wallet, nodes)
    equal((again["done"], again["repeated"]), (len(balances), len(balances)), "accounts again")
    second, path = import_transfers(wallet, moves)
    equal(second["repeated"], second["rows"] - selfish, "every row was there")
    equal((second["done"], second["refused"]), (first["done"], first["refused"]), "as before")
    equal(wallet.head(), head, "the journal's head after the second run")
    with open(path, encoding="ascii") as file:
        equal(file.read(), refusals, "the same refusals once more")
    for node in random.Random(1).sample(sorted(balances), 20):
        found = wallet.json("balance", f"bank:{node}")["balance"]["net"]
        equal(cents(found), balances[node], f"balance of {node}")
    wallet.check_totals()
    return first


def another_name_is_another_import(wallet, moves):
    head = wallet.head()
    result = wallet.json("import", moves, "--kind", "transfers", "--id-namespace", "bank", "--map",
                         TRANSFERS_MAP, "--name", "another", "--quiet")
    equal(result["repeated"], 0, "other ids")
    check(wallet.head() > head, "the journal grew")


def exports_make_the_same_ledger(wallet):
    copy = Wallet("copy")
    copy.run("init")
    for name in ("accounts", "transfers"):
        for suffix in ("ndjson", "csv"):
            path = os.path.join(SCRATCH, f"{name}.{suffix}")
            wallet.run("export", name, "--format", suffix, "--output", path)
            wallet.run("export", name, "--format", suffix, "--output", path, code=CONFLICT)
    copy.run("import", os.path.join(SCRATCH, "accounts.ndjson"), "--kind", "accounts", "--quiet")
    copy.run("import", os.path.join(SCRATCH, "transfers.ndjson"), "--kind", "transfers", "--quiet")
    equal(copy.totals(), wallet.totals(), "trial balance of the copy")
    head = copy.head()
    copy.run("import", os.path.join(SCRATCH, "accounts.csv"), "--kind", "accounts", "--quiet")
    copy.run("import", os.path.join(SCRATCH, "transfers.csv"), "--kind", "transfers", "--quiet")
    equal(copy.head(), head, "CSV says the same as NDJSON")
    original = {a["id"]: a["balance"] for a in wallet.json("account", "list", "--limit", 1000)["items"]}
    copied = {a["id"]: a["balance"] for a in copy.json("account", "list", "--limit", 1000)["items"]}
    equal(copied, original, "every balance of the copy")


def the_journal_is_exported_as_a_chain(wallet):
    lines = [json.loads(line) for line in wallet.run("export", "journal").out.splitlines()]
    batches = [line for line in lines if line["type"] == "batch"]
    equal([batch["batch"] for batch in batches], list(range(1, wallet.head() + 1)), "every batch")
    equal(batches[0]["previous"], "0" * 64, "the first has none before it")
    for before, after in zip(batches, batches[1:]):
        equal(after["previous"], before["hash"], f"the link of batch {after['batch']}")
    equal(sum(batch["records"] for batch in batches), len(lines) - len(batches), "every record")
    part = wallet.run("export", "journal", "--first", 2, "--last", 2).out.splitlines()
    equal({json.loads(line)["batch"] for line in part}, {2}, "a part of it")


def odd_files(wallet):
    def run(text, code, *words, name="odd.csv"):
        return wallet.run("import", file_of(name, text), "--quiet", "--refusals",
                          os.path.join(SCRATCH, "odd-refused.csv"), *words, code=code)

    accounts = ("--kind", "accounts", "--id-namespace", "odd")
    result = run("id,asset\n1,USD\n2,NOPE\n3\n4,USD\n", REFUSED, *accounts, "--json").json()
    equal((result["done"], result["unreadable"]), (2, 2), "unreadable rows do not stop the others")
    with open(os.path.join(SCRATCH, "odd-refused.csv"), encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    equal([(row["line"], row["field"]) for row in rows], [("3", "asset"), ("4", "")], "which ones")
    broken = run('id,asset\n5,USD\n6,"US\n', USAGE, *accounts)
    check("line 3" in broken.err, f"where the file breaks: {broken!r}")
    wallet.run("account", "show", "odd:5")
    wallet.run("account", "show", "odd:6", code=NOT_FOUND)
    missing = run("id,asset\n", USAGE, *accounts, "--map", "id=nodeid,asset==USD")
    check("nodeid" in missing.err and "id, asset" in missing.err, f"the missing column: {missing!r}")
    run("id,asset\n1,USD\n", USAGE, *accounts, "--map", "ident=id")
    run("id,asset\n1,USD\n", USAGE, *accounts, name="odd.txt")
    run("id,asset\n1,USD\n", USAGE)
    run("id,asset,opening\n8,USD,5\n", USAGE, *accounts)
    wallet.run("import", "nowhere.csv", "--kind", "accounts", code=NOT_FOUND)
    equal(run("", USAGE, *accounts).code, USAGE, "an empty file")


def linked_rows_stand_and_fall_together(wallet):
    wallet.run("account", "create", "ln:bank", "--kind", "equity")
    for name in ("a", "b"):
        wallet.run("account", "create", f"ln:{name}", "--flags", "debits_must_not_exceed_credits")
    rows = [{"debit": "bank", "credit": "a", "amount": "5.00", "flags": ["linked"]},
            {"debit": "a", "credit": "b", "amount": "5.00"},
            {"debit": "bank", "credit": "a", "amount": "1.00", "flags": ["linked"]},
            {"debit": "a", "credit": "b", "amount": "2.00"},
            {"debit": "bank", "credit": "a", "amount": "1.00", "flags": ["linked"]},
            {"debit": "a", "credit": "b", "amount": "bad"},
            {"debit": "bank", "credit": "a", "amount": "3.00"}]
    path = file_of("linked.ndjson", "".join(json.dumps(dict(row, asset="EUR")) + "\n"
                                            for row in rows))
    result = wallet.json("import", path, "--kind", "transfers", "--id-namespace", "ln", "--quiet",
                         code=REFUSED)
    equal((result["done"], result["unreadable"]), (3, 1), "two of a group, and the last")
    equal(result["outcomes"], {"ok": 3, "linked_failed": 1, "debits_exceed_credits": 1,
                               "invalid_value": 1}, "outcomes of linked rows")
    equal(wallet.json("balance", "ln:a")["balance"]["net"], "3.00", "what is left")


def standard_input_is_read(wallet):
    text = f"id,asset\n{new_id()},EUR\n"
    result = wallet.run("import", "-", "--format", "csv", "--kind", "accounts", "--name", "in",
                        "--quiet", input=text)
    check("rows" in result.out, "a summary as text")


def sample_is_imported(folder):
    wallet = Wallet("amlsim")
    wallet.run("init")
    first = bank_is_imported_once(wallet, os.path.join(folder, "nodes.csv"),
                                  os.path.join(folder, "transactions.csv"))
    equal((first["rows"], first["refused"]), (120558, 74020), "rows and refusals of the sample")


small_nodes, small_moves = bank_make(1, 300, 4000)
ledger = Wallet("alone")
ledger.run("init")
bank_is_imported_once(ledger, small_nodes, small_moves)
another_name_is_another_import(ledger, small_moves)
exports_make_the_same_ledger(ledger)
the_journal_is_exported_as_a_chain(ledger)
odd_files(ledger)
linked_rows_stand_and_fall_together(ledger)
standard_input_is_read(ledger)

served = Wallet("served")
served.run("init")
with serving(served, "--plain", "--anonymous"):
    bank_is_imported_once(served, small_nodes, small_moves)

sample = os.path.join(SOURCE, "..", "shared", "data", "amlsim")
if os.path.exists(os.path.join(sample, "transactions.csv")):
    sample_is_imported(sample)
else:
    print("the AMLSim sample is not at hand: its part was left out")
