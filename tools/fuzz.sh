#!/bin/bash
# Runs each fuzz target for FUZZ_SECONDS (60): fuzz.sh [NAME...]. What it finds to be new goes
# to build/fuzz/corpus, findings to build/fuzz/findings; tests/fuzz/corpus holds the keepers.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
seconds=${FUZZ_SECONDS:-60}

tools/build.sh fuzz || exit 1
names=("$@")
if [ "${#names[@]}" -eq 0 ]; then
    for source in tests/fuzz/*_fuzz.c; do
        [ -e "$source" ] && names+=("$(basename "$source" _fuzz.c)")
    done
fi
if [ "${#names[@]}" -eq 0 ]; then
    echo "fuzz: no targets in tests/fuzz" >&2
    exit 1
fi

failed=0
for name in "${names[@]}"; do
    mkdir -p "build/fuzz/corpus/$name" "build/fuzz/findings/$name"
    corpora=("build/fuzz/corpus/$name")
    [ -d "tests/fuzz/corpus/$name" ] && corpora+=("tests/fuzz/corpus/$name")
    log=build/fuzz/findings/$name/log
    if "build/fuzz/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="build/fuzz/findings/$name/" "${corpora[@]}" >"$log" 2>&1 </dev/null; then
        echo "fuzz: $name: $(grep -E '^Done' "$log" || tail -1 "$log")"
    else
        failed=$((failed + 1))
        tail -40 "$log"
        echo "fuzz: $name: FOUND SOMETHING, see build/fuzz/findings/$name"
    fi
done
echo "fuzz: ${#names[@]} targets, $failed with findings, $seconds s each"
[ "$failed" -eq 0 ]
