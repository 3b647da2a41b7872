#!/bin/bash
# Runs the long tests, tests/soak/*.sh, one after the other against the release build.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
tools/build.sh release || exit 1
TPWALLET=$PWD/build/release/tpwallet
export TPWALLET
count=0
failed=0
for script in tests/soak/*.sh; do
    [ -e "$script" ] || continue
    count=$((count + 1))
    echo "== $script"
    tools/with_scratch.sh bash "$script" </dev/null || failed=$((failed + 1))
done
echo "soak: $count scripts, $failed failed"
[ "$failed" -eq 0 ]
