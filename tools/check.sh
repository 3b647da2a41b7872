#!/bin/bash
# The quick check before a commit: the house, the format, a debug build, the pure unit tests.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
python=/usr/bin/python3
pure='^(base|crypto|model|ledger|tlog|payment|webhook|sandbox|risk|iso20022|wallet|doctor)$'
failed=()

step() {
    local name=$1
    shift
    if "$@"; then return; fi
    failed+=("$name")
}

step house "$python" tools/house.py
step format tools/format.sh --check
step helpers tools/helpers.sh --check
step faults "$python" tools/doctor_doc.py --check
step shellcheck tools/shellcheck.sh
step build tools/build.sh debug
step objects "$python" tools/house.py objects build/debug
step tests ctest --test-dir build/debug -j "$(nproc)" -L "$pure" --no-tests=error \
    --output-on-failure -Q </dev/null

if [ "${#failed[@]}" -gt 0 ]; then
    echo "check: failed: ${failed[*]} (${SECONDS} s)"
    exit 1
fi
echo "check: passed (${SECONDS} s)"
