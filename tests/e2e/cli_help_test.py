"""Goal: help teaches every command, and docs/cli.md says the same.

Method: the list of commands is taken from the help itself; each is explained, each example
begins with a command that exists, and the document of the binary is compared with the file.
"""
import json
import os
import re
import subprocess

from cli_harness import (CONFLICT, LIMIT, NOT_FOUND, SOURCE, TPWALLET, USAGE, Wallet, check, equal)


def run(*words):
    return subprocess.run([TPWALLET, *words], capture_output=True, text=True, check=False)


def listed_commands():
    text = run("help").stdout
    body = text.split("Commands:\n")[1].split("\nEvery command")[0]
    names = re.findall(r"^  ([a-z-]+(?: [a-z-]+)?)(?:  |$)", body, re.M)
    check(len(names) > 30, f"help lists the commands: {names}")
    return names


def every_command_is_explained(names):
    for name in names:
        done = run("help", *name.split())
        equal(done.returncode, 0, f"help {name}")
        for heading in ("Usage:", "Examples:", "Exit codes:", "--data", "--json"):
            check(heading in done.stdout, f"help {name} has {heading}")
        same = run(*name.split(), "--help")
        equal(same.stdout, done.stdout, f"{name} --help is the same")
        examples = done.stdout.split("Examples:\n")[1].split("\nExit codes:")[0]
        commands = re.findall(r"^  tpwallet (.*)$", examples, re.M)
        check(commands, f"help {name} has an example")
        for example in commands:
            check(any(example == n or example.startswith(n + " ") for n in names),
                  f"the example '{example}' begins with a command")
        check(max(len(line) for line in done.stdout.split("\n")) <= 120, f"lines of {name}")


def a_command_with_codes_of_its_own_has_no_others():
    codes = run("help", "doctor", "diagnose").stdout.split("\nExit codes:\n")[1]
    equal([int(line.split()[0]) for line in codes.splitlines()], [0, 1, 2, 4, 8, 64], codes)
    check("already there" not in codes and "manifest" in codes, codes)
    equal(run("doctor", "diagnose", "/nowhere").returncode, 64, "and ends with them")


def groups_and_unknown_words_are_answered():
    done = run("help", "account")
    equal(done.returncode, 0, "help account")
    check("account create" in done.stdout, "a group lists its commands")
    done = run("account")
    equal(done.returncode, USAGE, "a group alone")
    done = run("acount", "list")
    equal(done.returncode, USAGE, "a word that is none")
    check("did you mean 'account list'" in done.stderr, f"the nearest name: {done.stderr}")
    equal(run("help", "nothing").returncode, NOT_FOUND, "help of nothing")
    done = run("balance", "x", "--att", "1")
    check("did you mean '--at'" in done.stderr, f"the nearest option: {done.stderr}")
    equal(run().returncode, USAGE, "no command at all")
    equal(run("--version").returncode, 0, "--version")


def every_wrong_command_line_says_what_to_do():
    for words, hint in ((("doctor", "help"), "`tpwallet help doctor` lists"),
                        (("exam", "--case", "17"), "`tpwallet help exam` shows"),
                        (("exam", "--class", "NOPE"), "`tpwallet help exam` shows"),
                        (("exam", "--pairs", "--clean"), "`tpwallet help exam` shows"),
                        (("--at", "1"), "`tpwallet help` lists")):
        done = run(*words)
        equal(done.returncode, USAGE, f"{words} is refused")
        check(hint in done.stderr.split("  hint: ")[1], f"the hint of {words}: {done.stderr}")


def output_that_is_not_taken():
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([TPWALLET, "help"], stdout=write_end, stderr=subprocess.PIPE, text=True,
                          check=False)
    os.close(write_end)
    equal((done.returncode, done.stderr), (LIMIT, ""), "whose reader has seen enough")
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([TPWALLET, "help"], stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False)
    equal(done.returncode, LIMIT, "a full disk")
    check("standard output: No space left" in done.stderr, f"says so: {done.stderr}")


def exit_codes_are_one_table():
    text = run("help", "exit-codes").stdout
    equal(len(re.findall(r"^  \d  ", text, re.M)), CONFLICT + 1, "exit codes listed")


def errors_are_json_when_asked_for():
    wallet = Wallet("nowhere")
    problem = wallet.json("account", "list", code=NOT_FOUND)
    equal(problem["exit_code"], NOT_FOUND, "exit code in the document")
    check(problem["title"] and problem["hint"], f"title and hint: {problem}")


def the_document_is_up_to_date():
    text = run("help", "--document").stdout
    path = os.path.join(SOURCE, "docs", "cli.md")
    with open(path, encoding="utf-8") as file:
        check(file.read() == text, "docs/cli.md differs: make it anew with "
                                   "`tpwallet help --document > docs/cli.md`")


def the_diagrams_are_up_to_date():
    text = run("payment", "states", "--format", "mermaid").stdout
    path = os.path.join(SOURCE, "docs", "payments.md")
    with open(path, encoding="utf-8") as file:
        drawn = file.read().split("a test compares them -->\n\n")[1]
    check(drawn == text, "the end of docs/payments.md differs: put the output of "
                         "`tpwallet payment states --format mermaid` there")
    equal(drawn.count("```mermaid"), 7, "a diagram for every kind")
    for kind in ("merchant", "exchange"):
        one = run("payment", "states", "--format", "mermaid", "--kind", kind).stdout
        check(one in text, f"the diagram of {kind}")


def the_moves_are_printed_in_three_forms():
    rows = run("payment", "states").stdout.splitlines()[1:]
    moves = json.loads(run("payment", "states", "--json").stdout)["moves"]
    equal([" ".join(row.split()) for row in rows],
          [" ".join((m["kind"], m["state"], m["cause"], m["next_state"])) for m in moves], "moves")
    merchant = run("payment", "states", "--kind", "merchant").stdout.splitlines()[1:]
    equal(merchant, [row for row in rows if row.startswith("merchant ")], "of one kind")
    equal(run("payment", "states", "--kind", "gift").returncode, USAGE, "a kind that is none")
    equal(run("payment", "states", "--format", "png").returncode, USAGE, "a format that is none")


def the_version_is_the_projects():
    found = json.loads(run("version", "--json").stdout)["version"]
    with open(os.path.join(SOURCE, "CMakeLists.txt"), encoding="utf-8") as file:
        equal(re.search(r"project\(tpwallet VERSION (\S+)", file.read()).group(1), found, "version")
    with open(os.path.join(SOURCE, "api", "openapi.yaml"), encoding="utf-8") as file:
        equal(re.search(r"^  version: (\S+)", file.read(), re.M).group(1), found, "version")


commands_listed = listed_commands()
every_command_is_explained(commands_listed)
groups_and_unknown_words_are_answered()
exit_codes_are_one_table()
errors_are_json_when_asked_for()
the_document_is_up_to_date()
the_diagrams_are_up_to_date()
the_moves_are_printed_in_three_forms()
the_version_is_the_projects()
