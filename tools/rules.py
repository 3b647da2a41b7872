#!/usr/bin/env python3
"""All rules, or all mappings, of a folder in one text: rules.py FOLDER OUT.

Each file stands after a line "%file NAME", in order of name, rules before fixtures, as
src/doctor/rule.h wants them.
"""
import os
import sys


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: rules.py FOLDER OUT")
    names = []
    for folder, _, files in os.walk(sys.argv[1]):
        for name in files:
            if name.endswith((".rule", ".fixtures", ".json")):
                names.append(os.path.relpath(os.path.join(folder, name), sys.argv[1]))
    data = bytearray()
    for name in sorted(names):
        data += b"%file " + name.encode("ascii") + b"\n"
        with open(os.path.join(sys.argv[1], name), "rb") as source:
            text = source.read()
        data += text if text.endswith(b"\n") else text + b"\n"
    with open(sys.argv[2], "wb") as out:
        out.write(data)


if __name__ == "__main__":
    main()
