#!/bin/bash
# Lists the functions that the layers offer and the binary does not contain: dead code, or used
# by tests alone. Information for reviewers; it fails only when there is no debug build.
# shellcheck disable=SC2086 # names of functions have no spaces
set -euo pipefail
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C
binary=build/debug/tpwallet
if [ ! -x "$binary" ]; then
    echo "unused: no $binary: run tools/build.sh debug" >&2
    exit 1
fi
unused=$(comm -23 \
    <(nm --defined-only build/debug/libtpwallet_*.a 2>/dev/null | awk '$2 == "T" { print $3 }' | sort -u) \
    <(nm --defined-only "$binary" | awk '{ print $3 }' | sort -u))
echo "unused: $(grep -c . <<<"$unused" || true) functions are not in the binary"
if [ -n "$unused" ]; then printf '  %s\n' $unused; fi
