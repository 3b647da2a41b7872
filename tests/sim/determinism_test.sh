#!/bin/bash
# Goal: a seed fixes everything that happens, in any process, wherever its memory lies.
# Method: runs one range twice, each in a process of its own with addresses drawn anew, and
# compares every byte of the two reports; another range must give another trace (the canary).
set -euo pipefail
export LC_ALL=C
seeds=$TPWALLET_BUILD/tests/tests_sim_seeds_test
[ -x "$seeds" ] || { echo "determinism: no $seeds" >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$seeds" 0 29 >"$scratch/first" || true # whether it is right is another test's question
# a different environment moves the stack, besides what address randomisation does
PADDING=$(printf 'x%.0s' {1..3000}) "$seeds" 0 29 >"$scratch/second" || true
"$seeds" 1 30 >"$scratch/other" || true
grep -q '^seeds 30, ' "$scratch/first" || { echo "determinism: the range was not run" >&2; exit 1; }
if ! cmp "$scratch/first" "$scratch/second"; then
    diff "$scratch/first" "$scratch/second" | head -20 >&2
    exit 1
fi
if [ "$(tail -1 "$scratch/first")" = "$(tail -1 "$scratch/other")" ]; then
    echo "determinism: two ranges have one trace: the trace says nothing" >&2
    exit 1
fi
tail -1 "$scratch/first"
