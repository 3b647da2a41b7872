#!/usr/bin/env python3
"""One row of the table of tools/bench.sh: the median and range of some fields over some runs."""
import json
import statistics
import sys


def value(document, field):
    for part in field.split("."):
        document = document[part]
    return document


def main():
    name, command, fields, folder, runs = sys.argv[1:6]
    documents = []
    for run in range(int(runs)):
        with open(f"{folder}/{run}.json", encoding="utf-8") as file:
            documents.append(json.load(file))
    cells = []
    for field in fields.split():
        values = [value(document, field) for document in documents]
        low, high = min(values), max(values)
        cells.append(f"{field} {int(statistics.median(values)):,} ({low:,}–{high:,})")
    command = command.replace(folder, "$WORK")
    print(f"| {name} | {'; '.join(cells)} | `{command}` |", flush=True)


if __name__ == "__main__":
    main()
