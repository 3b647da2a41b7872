#!/usr/bin/env python3
"""Makes index-template.json from the fields of the log's lines in the sources: make.py, or --check.

A field is a number where it is filled in as one, text where it is a sentence, and else a keyword.
"""
import glob
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SRC = os.path.join(HERE, "..", "..", "src")
FIELD = re.compile(r'\{\s*(?:\.name = )?STR\("([a-z_0-9]+)"\),\s*(\{ NULL, 0 \})?')
# Made by a function, of one name or of either of two.
CALL = re.compile(r'\b(text|number)_field\(\s*(?:[^()?]*\?\s*)?STR\("([a-z_0-9]+)"\)'
                  r'(?:\s*:\s*STR\("([a-z_0-9]+)"\))?')
BEGIN = re.compile(r"struct log_field \w+(?:\[[^\]]*\])? = (\{)")
WORD, NUMBER, TEXT = {"type": "keyword", "ignore_above": 8192}, {"type": "long"}, {"type": "text"}
SENTENCES = {"detail", "settings"}
# What every line has (adapter/json_log.h).
OWN = {"ts": {"type": "date_nanos"}, "level": WORD, "seq": NUMBER, "writer": WORD, "event": WORD,
       "message": TEXT, "lost": NUMBER, "trace_id": WORD, "span_id": WORD}


def array_of(text, begin):
    depth, at = 1, begin
    while depth > 0:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return text[begin - 1:at]


def fields_of_sources():
    """{name: it is a number} of every struct log_field that is filled in."""
    found = {}
    for path in glob.glob(os.path.join(SRC, "**", "*.c"), recursive=True):
        if path.endswith("_test.c") or "/sim/" in path:
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for begin in BEGIN.finditer(text):
            array = array_of(text, begin.end())
            fields = FIELD.findall(array)
            if not fields and not CALL.search(array):
                sys.exit(f"make.py: {path}: no field is read in the array at {begin.start()}")
            for name, number in fields:
                found[name] = found.get(name, False) or number != ""
        for kind, *names in CALL.findall(text):
            for name in filter(None, names):
                found[name] = found.get(name, False) or kind == "number"
    return found


def template():
    properties = dict(OWN)
    for name, number in fields_of_sources().items():
        properties[name] = NUMBER if number else TEXT if name in SENTENCES else WORD
    return {
        "index_patterns": ["tpwallet-log-*"], "priority": 200,
        "template": {
            "settings": {"index.number_of_shards": 1, "index.mapping.total_fields.limit": 200,
                         "index.sort.field": ["ts", "seq"], "index.sort.order": ["desc", "desc"]},
            "mappings": {"dynamic": "strict", "properties": dict(sorted(properties.items()))}},
        "_meta": {"description": "Lines of tpwallet's log, a document each: docs/observability.md"}}


def main():
    text = json.dumps(template(), indent=2) + "\n"
    path = os.path.join(HERE, "index-template.json")
    if "--check" not in sys.argv:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return
    with open(path, encoding="ascii") as file:
        if file.read() != text:
            sys.exit("fields of the log have changed: run deploy/opensearch/make.py")


if __name__ == "__main__":
    main()
