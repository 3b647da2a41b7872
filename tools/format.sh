#!/bin/bash
# Formats the C sources: format.sh [--check] [FILE...]. With --check it only tells.
set -euo pipefail
cd "$(dirname "$0")/.." || exit 1
mode=-i
if [ "${1:-}" = --check ]; then
    mode=--check
    shift
fi
if [ "$#" -gt 0 ]; then
    files=("$@")
else
    mapfile -t files < <(find src tests \( -name '*.c' -o -name '*.h' \) -type f | sort)
fi
if [ "${#files[@]}" -eq 0 ]; then
    echo "format: no files, so nothing was checked" >&2
    exit 1
fi
if [ "$mode" = --check ]; then
    if ! clang-format-14 --dry-run --Werror --ferror-limit=1 "${files[@]}"; then
        echo "format: run 'make format', or tools/format.sh FILE... for your own files" >&2
        exit 1
    fi
    echo "format: ${#files[@]} files, all formatted"
else
    clang-format-14 -i "${files[@]}"
fi
