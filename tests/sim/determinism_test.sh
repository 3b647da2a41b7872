#!/bin/bash
# Goal: a seed fixes everything that happens, in any process, wherever its memory lies.
# Method: for each workload, runs one range twice, each in a process of its own with addresses
# drawn anew, and compares every byte of the two reports; another range must give another trace
# (the canary).
set -euo pipefail
export LC_ALL=C
seeds=$TPWALLET_BUILD/tests/tests_sim_seeds_test
[ -x "$seeds" ] || { echo "determinism: no $seeds" >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# compare WORKLOAD LAST
compare() {
    local workload=$1 last=$2
    # whether it is right is another test's question
    "$seeds" "$workload" 0 "$last" >"$scratch/first" || true
    # a different environment moves the stack, besides what address randomisation does
    PADDING=$(printf 'x%.0s' {1..3000}) "$seeds" "$workload" 0 "$last" >"$scratch/second" || true
    "$seeds" "$workload" 1 "$((last + 1))" >"$scratch/other" || true
    if ! grep -q "^seeds $((last + 1)), " "$scratch/first"; then
        echo "determinism: $workload: the range was not run" >&2
        exit 1
    fi
    if ! cmp "$scratch/first" "$scratch/second"; then
        diff "$scratch/first" "$scratch/second" | head -20 >&2
        exit 1
    fi
    if [ "$(tail -1 "$scratch/first")" = "$(tail -1 "$scratch/other")" ]; then
        echo "determinism: $workload: two ranges have one trace: the trace says nothing" >&2
        exit 1
    fi
    echo "$workload: $(tail -1 "$scratch/first")"
}

compare ledger 29
compare payments 14
compare lanes 14

replicas=$TPWALLET_BUILD/tests/tests_sim_replicas_test
trace_of() {
    "$replicas" 2>&1 | grep '; trace '
}
first=$(trace_of)
second=$(PADDING=$(printf 'x%.0s' {1..3000}) trace_of)
if [ "$first" != "$second" ]; then
    echo "determinism: replicas: $first, and $second" >&2
    exit 1
fi
echo "replicas: $first"
