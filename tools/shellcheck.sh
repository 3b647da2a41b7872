#!/bin/bash
# Runs shellcheck over every shell script of the tree.
set -euo pipefail
cd "$(dirname "$0")/.." || exit 1
mapfile -t files < <(find tools tests deploy .ci -type f \( -name '*.sh' -o -path '.ci/run' \) \
    2>/dev/null | sort)
if [ "${#files[@]}" -eq 0 ]; then
    echo "shellcheck: no files, so nothing was checked" >&2
    exit 1
fi
shellcheck -x "${files[@]}"
echo "shellcheck: ${#files[@]} scripts, clean"
