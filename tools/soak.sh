#!/bin/bash
# Runs the long tests, tests/soak/*.sh, one after the other against the release build.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
tools/build.sh release || exit 1
TPWALLET=$PWD/build/release/tpwallet
export TPWALLET
count=0
failed=0
skipped=0
for script in tests/soak/*.sh; do
    [ -e "$script" ] || continue
    count=$((count + 1))
    echo "== $script"
    code=0
    tools/with_scratch.sh bash "$script" </dev/null || code=$?
    if [ "$code" -eq 77 ]; then
        skipped=$((skipped + 1))
    elif [ "$code" -ne 0 ]; then
        failed=$((failed + 1))
    fi
done
echo "soak: $count scripts, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
