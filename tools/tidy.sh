#!/bin/bash
# clang-tidy over src/, changed files first, then the pure layers, then the rest, until
# TIDY_SECONDS (600) are over: tidy.sh [FILE...]. A finding fails; running out of time is told.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
budget=${TIDY_SECONDS:-600}

tools/build.sh clang >/dev/null || {
    echo "tidy: the clang build fails, so its compile commands cannot be trusted" >&2
    exit 1
}
files=("$@")
if [ "${#files[@]}" -eq 0 ]; then
    mapfile -t files < <({
        git diff --name-only HEAD~1 -- 'src/*.c' 2>/dev/null
        ls src/{base,crypto,model,ledger,tlog,payment,webhook,sandbox,risk,iso20022,wallet,doctor}/*.c 2>/dev/null
        ls src/*/*.c 2>/dev/null
    } | grep -v '_test\.c$' | awk '!seen[$0]++' | while read -r file; do
        [ -e "$file" ] && echo "$file"
    done)
fi
if [ "${#files[@]}" -eq 0 ]; then
    echo "tidy: no files, so nothing was checked" >&2
    exit 1
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
deadline=$((SECONDS + budget))
one() {
    local file=$1 log
    log=$work/$(tr / _ <<<"$file")
    if ! clang-tidy-14 -p build/clang --quiet "$file" >"$log" 2>&1; then
        grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header' "$log"
        echo "$file" >>"$work/failed"
    fi
}
running=0
left=0
for file in "${files[@]}"; do
    if [ "$SECONDS" -ge "$deadline" ]; then
        left=$((left + 1))
        continue
    fi
    if [ "$running" -ge "$(nproc)" ]; then
        wait -n
        running=$((running - 1))
    fi
    one "$file" &
    running=$((running + 1))
done
wait
failed=0
[ -e "$work/failed" ] && failed=$(wc -l <"$work/failed")
echo "tidy: ${#files[@]} files, $failed with findings, $left left out for lack of time ($SECONDS s)"
[ "$failed" -eq 0 ]
