"""Goal: every difference between a statement and a ledger is found, once, under its name, to the cent.

Method: a served wallet takes real payments through a sandbox whose statement is compared with the
journal, as it is and with lines dropped, doubled, altered, cut off and in another currency; a PSP
and an account that are none; statements of a
seed with planted differences are compared with a plain matcher written here; hostile files; 38
digits, totals over 128 bits; payouts as the third way; the same in memory and through files.
"""
import csv
import io
import os
import random
import sys

sys.path.insert(0, os.path.join(os.environ["TPWALLET_SOURCE"], "tests", "e2e"))
# pylint: disable=wrong-import-position
from cli_harness import (CONFLICT, DONE, LIMIT, NOT_FOUND, REFUSED, SCRATCH, USAGE, Wallet, check,
                         equal, file_of)
from payments_harness import account, all_rest, pay_in, paying, rested, settle

SANDBOX_MAP = file_of("sandbox.map", """# the sandbox's daily statement
id = id
key = reference
ref = object
kind = kind
currency = asset
amount = gross
fee = fee
date = at
negative_kinds = refund, pay_out, chargeback
""")
PSP_MAP = file_of("psp.map", "id = id\nkey = ref\namount = gross\ncurrency = cur\ndate = day\n"
                             "kind = kind\nbatch = batch\nfee = fee\n")
OURS_MAP = file_of("ours.map", "key = ref\namount = amount\ncurrency = cur\ndate = day\n"
                               "kind = kind\n")
NOBODY = "019ab000-0000-7000-8000-00000000dead"
BANK_MAP = file_of("bank.map", "key = batch\namount = amount\ncurrency = cur\ndate = day\n")


def rules_of(answer, comparison=0):
    return {row["rule"]: row["results"] for row in answer["comparisons"][comparison]["rules"]}


def table(name, head, rows):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head.split(","))
    writer.writerows(rows)
    return file_of(name, out.getvalue())


def against_the_journal(wallet):
    """Real payments, the PSP's own statement, and what is done to it."""
    with paying(wallet) as (sandbox, _):
        customer = account(wallet)
        payments = [pay_in(wallet, customer, f"{10 + n}.50", "pm_card_visa") for n in range(8)]
        for payment in payments:
            equal(rested(wallet, payment), "succeeded", "a pay-in")
        refund = wallet.json("payment", "refund", payments[0], "--amount", "3.00", "--asset",
                             "EUR")["id"]
        equal(rested(wallet, refund), "succeeded", "the refund")
        all_rest(wallet)
        _, day = settle(wallet, sandbox)
        text = sandbox.raw("GET", f"/statements/{day}?from=0&limit=1000")[2].decode()
    words = ("reconcile", "--mapping", SANDBOX_MAP, "--psp", "sandbox", "--statement")
    answer = wallet.json(*words, file_of("statement.csv", text))
    equal(rules_of(answer), {"key": 9}, "rules of a right statement")
    equal(answer["reconciled"], True, "a right statement")
    total = answer["comparisons"][0]["currencies"][0]
    equal((total["ours"], total["theirs"], total["drift"]), ("109.00", "109.00", "0.00"), "totals")
    lines = text.splitlines()
    broken = [lines[0], *lines[2:], lines[3], lines[4].replace(lines[4].split(",")[0], "twice")]
    columns = broken[5].split(",")
    columns[4] = "USD"
    broken[5] = ",".join(columns)
    answer = wallet.json(*words, file_of("broken.csv", "\n".join(broken) + "\n"), "--due-days", "0",
                         code=REFUSED)
    equal(rules_of(answer), {"key": 7, "currency_differs": 1, "repeated_line": 1,
                             "duplicate_theirs": 1, "missing_in_statement": 1},
          "rules of a broken statement")
    cut_off(wallet, words, lines)
    wallet.run("reconcile", "--mapping", SANDBOX_MAP, "--psp", "nosuch", "--statement",
               file_of("statement.csv", text), code=NOT_FOUND)
    wallet.run("reconcile", "--mapping", SANDBOX_MAP, "--account", NOBODY, "--statement",
               file_of("statement.csv", text), code=NOT_FOUND)
    equal(rules_of(wallet.json("reconcile", "--mapping", SANDBOX_MAP, "--account", customer,
                               "--window-hours", "0", "--statement",
                               file_of("statement.csv", text), code=REFUSED))
          ["missing_in_ledger"], 9, "an account that is there, under other names")


def cut_off(wallet, words, lines):
    """What a statement does not reach is neither right nor wrong; nobody is told that all is well."""
    empty = wallet.run(*words, file_of("empty.csv", lines[0] + "\n"), code=USAGE)
    check("has no line to compare" in empty.err, "an empty statement is an error")
    rows = os.path.join(SCRATCH, "rows.csv")
    wallet.run(*words, file_of("empty.csv", lines[0] + "\n"), "--csv", rows, code=USAGE)
    check(not os.path.exists(rows), "what failed leaves no results that look like all of them")
    by_time = sorted(lines[1:], key=lambda line: line.split(",")[lines[0].split(",").index("at")])
    short = file_of("short.csv", "\n".join([lines[0], *by_time[:3]]) + "\n")
    answer = wallet.json(*words, short, code=REFUSED)
    equal((rules_of(answer), answer["reconciled"], answer["comparisons"][0]["open"]),
          ({"key": 3, "not_covered": 6}, False, 6), "a statement that was cut off")
    told = wallet.run(*words, short, code=REFUSED).out
    check("6 lines are later than the newest one" in told and "\nNOT RECONCILED as of" in told,
          "and in words")
    answer = wallet.json(*words, short, "--as-of", answer["as_of"])
    equal((rules_of(answer), answer["reconciled"]), ({"key": 3, "in_transit": 6}, True),
          "the same, said to be whole: there is time yet")
    wallet.run(*words, short, "--as-of", answer["as_of"], "--due-days", "0", code=REFUSED)


def planted(seed, count):
    """Two files with planted differences, and what must be found."""
    chance = random.Random(seed)
    ours, theirs, wanted = [], [], {}

    def want(rule):
        wanted[rule] = wanted.get(rule, 0) + 1

    for n in range(count):
        minor = chance.randrange(100, 10 ** chance.randrange(3, 12))
        day = f"2026-11-{chance.randrange(2, 14):02d}"
        mine = [f"k{n}", f"{minor / 100:.2f}" if minor < 10 ** 9 else
                f"{minor // 100}.{minor % 100:02d}", "EUR", day, "charge"]
        line = [f"l{n}", mine[0], mine[1], "EUR", day, "charge", "", "0"]
        turn = chance.random()
        ours.append(mine)
        if turn < 0.9:
            theirs.append(line)
            want("key")
        elif turn < 0.92:
            want("missing_in_statement")
        elif turn < 0.94:
            theirs.append(line)
            theirs.append(["m" + line[0], *line[1:]])
            want("key")
            want("duplicate_theirs")
        elif turn < 0.95:
            theirs.append(line)
            theirs.append(line)
            want("key")
            want("repeated_line")
        elif turn < 0.97:
            theirs.append([*line[:2], f"{minor // 100 + 1}.{minor % 100:02d}", *line[3:]])
            want("amount_differs")
        elif turn < 0.98:
            theirs.append([*line[:3], "USD", *line[4:]])
            want("currency_differs")
        elif turn < 0.99:
            part = minor // 3
            for name, piece in (("a", part), ("b", minor - part)):
                theirs.append([line[0] + name, line[1], f"{piece // 100}.{piece % 100:02d}",
                               *line[3:]])
            want("key_split")
        else:
            ours.pop()
            theirs.append(line)
            want("missing_in_ledger")
    chance.shuffle(ours)
    chance.shuffle(theirs)
    return ours, theirs, wanted


def planted_differences(wallet):
    for seed, count in ((1, 300), (2, 5000), (3, 60000)):
        ours, theirs, wanted = planted(seed, count)
        words = ("reconcile", "--as-of", "2026-11-28", "--window-hours", "0",
                 "--statement", table(f"t{seed}.csv", "id,ref,gross,cur,day,kind,batch,fee", theirs),
                 "--mapping", PSP_MAP,
                 "--ledger", table(f"o{seed}.csv", "ref,amount,cur,day,kind", ours),
                 "--ledger-mapping", OURS_MAP)
        answer = wallet.run(*words, "--json", code=REFUSED)
        equal(rules_of(answer.json()), wanted, f"planted with seed {seed}")
        small = wallet.run(*words, "--json", "--memory", "16777216", code=REFUSED)
        check(small.out == answer.out, "the same bytes through files")
        rows = os.path.join(SCRATCH, f"rows{seed}.csv")
        wallet.run(*words, "--csv", rows, code=REFUSED)
        with open(rows, encoding="utf-8", newline="") as file:
            seen = [(row["side"], row["line"]) for row in csv.DictReader(file)]
        equal(len(seen), len(set(seen)), "lines in the results: each once")
        equal(len(seen), len(ours) + len(theirs), "lines in the results: all")
    wallet.run(*words, "--csv", rows, code=CONFLICT)


def three_ways(wallet):
    theirs = [[f"l{n}", f"k{n}", "100.00", "EUR", "2026-11-02", "charge", f"po_{n // 4}", "1.50"]
              for n in range(12)]
    theirs.append(["x", "k99", "100.00", "EUR", "2026-11-02", "charge", "", "1.50"])
    ours = [[line[1], line[2], "EUR", line[4], "charge"] for line in theirs]
    bank = [["po_0", "394.00", "EUR", "2026-11-03"], ["po_1", "393.00", "EUR", "2026-11-03"],
            ["po_7", "5.00", "EUR", "2026-11-28"]]
    words = ["reconcile", "--statement",
             table("s3.csv", "id,ref,gross,cur,day,kind,batch,fee", theirs), "--mapping", PSP_MAP,
             "--ledger", table("o3.csv", "ref,amount,cur,day,kind", ours), "--ledger-mapping",
             OURS_MAP, "--payouts", table("b3.csv", "batch,amount,cur,day", bank),
             "--payouts-mapping", BANK_MAP, "--window-hours", "0"]
    answer = wallet.json(*words, code=REFUSED)
    equal(rules_of(answer, 0), {"key": 13}, "the statement")
    equal(rules_of(answer, 1), {"key": 1, "amount_differs": 1, "missing_in_statement": 1,
                                "missing_in_ledger": 1}, "the payouts")
    drift = [row["drift"] for row in answer["comparisons"][1]["differences"]
             if row["rule"] == "amount_differs"]
    equal(drift, ["-1.00"], "what the bank was short")
    fees = file_of("fees", "charge EUR 2026-01-01 1.2% 0.25\n")
    answer = wallet.json(*words, "--fees", fees, code=REFUSED)
    equal(rules_of(answer, 0), {"key": 13, "fee_differs": 13}, "fees that are not the contract's")
    equal(answer["comparisons"][0]["rules"][1]["drift"], {"EUR": "0.65"}, "what was taken too much")


def copies_and_currencies(wallet):
    """The second of two is the copy, whatever their ids; drifts add up to those of the totals."""
    head = "id,ref,gross,cur,day,kind,batch,fee"
    theirs = [[f"l{n}", f"k{n % 8}", "5.00", "EUR", "2026-11-02", "c", "", ""] for n in range(16)]
    theirs.append(["l99", "k99", "7.00", "USD", "2026-11-02", "c", "", ""])
    ours = [[f"k{n}", "5.00", "EUR", "2026-11-02", "c"] for n in range(8)]
    ours.append(["k99", "7.00", "EUR", "2026-11-02", "c"])
    rows = os.path.join(SCRATCH, "copies.csv")
    answer = wallet.json("reconcile", "--statement", table("t4.csv", head, theirs), "--mapping",
                         PSP_MAP, "--ledger", table("o4.csv", "ref,amount,cur,day,kind", ours),
                         "--ledger-mapping", OURS_MAP, "--csv", rows, code=REFUSED)
    equal(rules_of(answer), {"key": 8, "duplicate_theirs": 8, "currency_differs": 1}, "copies")
    copies = [row["lines"][0]["line"] for row in answer["comparisons"][0]["differences"]
              if row["rule"] == "duplicate_theirs"]
    equal(sorted(copies), list(range(10, 18)), "lines that are copies")
    totals = {row["currency"]: row["drift"] for row in answer["comparisons"][0]["currencies"]}
    equal(totals, {"EUR": "33.00", "USD": "7.00"}, "drifts of the totals")
    drifts = [row["drifts"] for row in answer["comparisons"][0]["differences"]
              if row["rule"] == "currency_differs"]
    equal(drifts, [{"EUR": "-7.00", "USD": "7.00"}], "what another currency adds to them")
    with open(rows, encoding="utf-8", newline="") as file:
        seen = [row["drift"] for row in csv.DictReader(file) if row["rule"] == "currency_differs"]
    equal(seen, ["-7.00", "7.00"], "and in the rows")


def hostile_files(wallet):
    good = table("good.csv", "ref,amount,cur,day,kind", [["k", "1.00", "EUR", "2026-11-02", "c"]])

    def against(text, code, *more):
        words = ("reconcile", "--statement", file_of("hostile.csv", text), "--mapping", OURS_MAP,
                 "--ledger", good, "--ledger-mapping", OURS_MAP, *more)
        return wallet.run(*words, "--json", code=code)

    head = "ref,amount,cur,day,kind\n"
    most = "999999999999999999999999999999999999.99"
    answer = against(f"{head}k,{most},EUR,2026-11-02,c\n", REFUSED).json()
    equal(answer["comparisons"][0]["differences"][0]["drift"],
          "999999999999999999999999999999999998.99", "38 digits")
    answer = against(f"{head}k,{most},EUR,2026-11-02,c\n" * 1 +
                     "".join(f"{n},{most},EUR,2026-11-02,c\n" for n in range(40)), REFUSED).json()
    equal((answer["refused"], answer["refusals"][0]["reason"]), (40, "the total passes 128 bits"),
          "totals over 128 bits")
    answer = against(f"{head}k,1{most},EUR,2026-11-02,c\nk,1.00,EUR,2026-11-02,c\n", REFUSED).json()
    equal((answer["refused"], answer["refusals"][0]["line"], rules_of(answer)), (1, 2, {"key": 1}),
          "a line over 128 bits")
    answer = against(f"{head}k,1.00,USD,2026-11-02,c\n", REFUSED).json()
    equal(rules_of(answer), {"currency_differs": 1}, "a statement in another currency")
    for text, code in (("", USAGE), (head + "k,\"1.00\n", USAGE), (head + "k,1.0\0,EUR\n", USAGE),
                       ("ref,amount,cur\n", USAGE), ("ref,ref,amount,cur,day,kind\n", USAGE),
                       (head + "x" * (2 << 20) + "\n", LIMIT)):
        against(text, code)
    answer = against(head + "k,1.00\nk,1e2,EUR,2026-11-02,c\nk,1.00,EUR,2026-02-30,c\n"
                     "k,1.00,EUX,2026-11-02,c\n", REFUSED).json()
    equal((answer["refused"], answer["as_of"]), (4, None), "rows that are no lines")
    answer = against(f"{head}k,1.000,EUR,2026-11-02,c\nk,1.00,EUR,2026-11-02,c\n", REFUSED).json()
    equal((answer["refused"], answer["refusals"][0]["line"]), (1, 2), "more decimals than there are")
    against(head, USAGE)
    answer = against(f"{head}x9,1.00,EUR,2026-11-02,c\n", REFUSED).json()
    equal(rules_of(answer), {"missing_in_ledger": 1, "in_transit": 1},
          "the same amount under keys that contradict each other")
    flood = head + "".join("k,1.00,EUR,2026-11-02,c\n" for _ in range(70000))
    answer = against(flood, REFUSED).json()
    equal(rules_of(answer), {"key_overused": 70001}, "one key on everything")
    wallet.run("reconcile", "--statement", "nowhere.csv", "--mapping", OURS_MAP, "--ledger", good,
               "--ledger-mapping", OURS_MAP, code=NOT_FOUND)
    wallet.run("reconcile", "--statement", good, "--mapping", OURS_MAP, code=USAGE)
    wallet.run("reconcile", "--statement", good, "--mapping", good, "--ledger", good,
               "--ledger-mapping", OURS_MAP, code=USAGE)


def main():
    wallet = Wallet("wallet")
    against_the_journal(wallet)
    planted_differences(wallet)
    three_ways(wallet)
    copies_and_currencies(wallet)
    hostile_files(wallet)
    equal(wallet.run("check", code=None).code, DONE, "the ledger was only read")


if __name__ == "__main__":
    main()
