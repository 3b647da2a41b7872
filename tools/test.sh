#!/bin/bash
# Builds and tests presets, by default all of them: test.sh [PRESET...]
# Ends with minutes per label and one line: N passed, N failed, N skipped.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

unit='^(base|crypto|model|port|ledger|tlog|payment|webhook|sandbox|risk|iso20022|wallet|doctor|api|sim|adapter|cmd|fuzz)$'
threaded='^(wallet|adapter|api|port)$'
# What waits for real servers, and the exam's cases by the hundred: once is enough.
servers='^(postgres|kafka|redis|ha|otel)$'
exam='^tests_doctor_exam_test$'
# Whole processes, servers and clocks: one that fails runs once more, alone, and is told if it passes.
processes='^(e2e|cases|postgres|kafka|redis|ha|otel)$'

presets=("$@")
[ "${#presets[@]}" -gt 0 ] || presets=(debug asan tsan clang)

tools/setup.sh --for test || echo "test: going on with what is installed" >&2

failed_builds=()
for preset in "${presets[@]}"; do
    echo "== $preset: build"
    rm -f "build/$preset/junit.xml" "build/$preset/again.xml" "build/$preset/build_seconds"
    start=$SECONDS
    if ! tools/build.sh "$preset" >"/tmp/tpwallet-build.$$" 2>&1; then
        grep -E -A8 'error|FAILED' "/tmp/tpwallet-build.$$" | head -80
        rm -f "/tmp/tpwallet-build.$$"
        failed_builds+=("$preset")
        continue
    fi
    rm -f "/tmp/tpwallet-build.$$"
    echo $((SECONDS - start)) >"build/$preset/build_seconds"
    labels=()
    case "$preset" in
        asan) labels=(-LE "$servers" -E "$exam") ;;
        tsan) labels=(-L "$threaded") ;;
        clang) labels=(-L "$unit") ;;
    esac
    echo "== $preset: test"
    output=(--output-on-failure --test-output-size-passed 1000000
        --test-output-size-failed 1000000)
    ctest --test-dir "build/$preset" -j "$(nproc)" --no-tests=error "${output[@]}" \
        --output-junit junit.xml "${labels[@]}" </dev/null && continue
    failed=$(cut -d: -f2 "build/$preset/Testing/Temporary/LastTestsFailed.log" | paste -sd '|')
    [ -n "$failed" ] || continue
    echo "== $preset: those of processes once more, alone"
    ctest --test-dir "build/$preset" -R "^($failed)\$" -L "$processes" "${output[@]}" \
        --output-junit again.xml </dev/null
done

arguments=()
for preset in "${failed_builds[@]}"; do arguments+=(--failed-build "$preset"); done
exec /usr/bin/python3 tools/test_summary.py "${arguments[@]}" "${presets[@]}"
