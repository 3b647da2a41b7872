#!/usr/bin/env python3
"""Writes docs/doctor.md: how the doctor is used, and a page for each fault, made from its rule.

doctor_doc.py            writes it
doctor_doc.py --check    fails when the file is not what would be written
"""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = os.path.join(ROOT, "docs", "doctor.md")
MARK = "<!-- from here on made by tools/doctor_doc.py from doctor/rules/faults/*.rule -->"
PARTS = re.compile(r"^(require|forbid|separate|trigger) (?:([A-Z]\d\d) )?([a-z0-9_]+)(?: \((.*)\))?:")
LAYERS = ("config time keys edge transport persistence saga arithmetic cache chain settlement "
          "observability evidence").split()


def rule_read(path):
    """Properties, and the parts with their names; bodies are left to `rules explain`."""
    rule = {"parts": []}
    name = None
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            if line.startswith("fault "):
                rule["id"] = line.split()[1]
            elif found := PARTS.match(line):
                rule["parts"].append(found.groups())
                name = None
            elif found := re.match(r"^([a-z_]+): (.*)$", line):
                name = found.group(1)
                rule[name] = found.group(2)
            elif line.startswith(" ") and name is not None:
                rule[name] += " " + line.strip()
            else:
                name = None
    return rule


def parts_of(rule, kind):
    for part, other, name, needs in rule["parts"]:
        if part != kind:
            continue
        text = name.replace("_", " ")
        if other:
            text = f"{other}: {text}"
        kinds = re.search(r"needs ([a-z_ ]+)", needs or "")
        yield text + (f" (asks {', '.join(f'`{k}`' for k in kinds.group(1).split())})" if kinds
                      else "")


def page(rule):
    yield f"\n### {rule['id']} {rule['name']}\n"
    if "why" in rule:
        yield rule["why"] + "\n"
    yield f"- says: {rule['title']}"
    for kind, words in (("require", "holds when"), ("forbid", "never when"),
                        ("separate", "is not the look-alike")):
        for text in parts_of(rule, kind):
            yield f"- {words}: {text}"
    if rule.get("lookalikes"):
        yield f"- looks like: {', '.join(rule['lookalikes'].split())}"
    if "stop" in rule:
        yield f"- stop the bleeding: {rule['stop']}"
    posts = "posts" if rule.get("ledger_entry") == "yes" else "posts nothing"
    outside = ", money moves outside" if rule.get("psp_money") == "yes" else ""
    yield f"- repair: `{rule['repair']}` ({posts}{outside})"
    yield f"- prevention: {rule['prevention']}"
    if rule.get("benign") == "yes":
        yield "- benign: it is named, and no alarm"
    if "limits" in rule:
        yield f"- limits: {rule['limits']}"


def made():
    rules = [rule_read(path) for path in
             sorted(glob.glob(os.path.join(ROOT, "doctor", "rules", "faults", "*.rule")))]
    yield MARK
    yield f"\nThe doctor knows {len(rules)} faults. `tpwallet doctor rules explain ID` shows how each " \
          "asks, word for word."
    for layer in LAYERS:
        of_layer = [rule for rule in rules if rule["layer"] == layer]
        if of_layer:
            yield f"\n## {layer}"
        for rule in of_layer:
            yield from page(rule)


def main():
    with open(OUT, encoding="utf-8") as file:
        found = file.read()
    wanted = found.split(MARK)[0] + "\n".join(made()) + "\n"
    if sys.argv[1:] == ["--check"]:
        if found != wanted:
            sys.exit("doctor_doc: docs/doctor.md is out of date: run tools/doctor_doc.py")
        print("doctor_doc: docs/doctor.md is up to date")
        return
    if sys.argv[1:]:
        sys.exit("usage: doctor_doc.py [--check]")
    with open(OUT, "w", encoding="utf-8") as file:
        file.write(wanted)


main()
