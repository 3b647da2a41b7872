#!/usr/bin/env python3
"""Turns a file into the inside of a C array initialiser: embed.py IN OUT.

static const unsigned char openapi_yaml[] = {
#include "api/openapi_yaml.inc"
};
"""
import sys


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: embed.py IN OUT")
    with open(sys.argv[1], "rb") as source:
        data = source.read()
    lines = []
    for start in range(0, len(data), 20):
        lines.append(",".join(str(byte) for byte in data[start:start + 20]))
    with open(sys.argv[2], "w", encoding="ascii") as out:
        out.write(",\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
