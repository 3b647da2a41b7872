#!/bin/bash
# Goal: every case that the doctor's rules ship with is diagnosed as it says.
# Method: all of them, with the rules built in; then a rule is broken, and the check must see it.
set -euo pipefail
cd "$SCRATCH"

"$TPWALLET" doctor rules check

cp -r "$TPWALLET_SOURCE/doctor/rules" ./rules
"$TPWALLET" doctor rules check B03 --rules ./rules
sed -i "s/a.result = 'effect' AND b.result/a.result = 'error' AND b.result/" rules/faults/B03.rule
if "$TPWALLET" doctor rules check B03 --rules ./rules; then
    echo "a broken require was not seen" >&2
    exit 1
fi
rm rules/faults/B03.fixtures
if out=$("$TPWALLET" doctor rules check --rules ./rules 2>&1); then
    echo "a fault without cases was loaded" >&2
    exit 1
fi
grep -q "rule B03: it has no fixtures" <<<"$out"
sed -i 's/^require same_offset.*/require x:\n    DELETE FROM applied/' rules/faults/B03.rule
cp "$TPWALLET_SOURCE/doctor/rules/faults/B03.fixtures" rules/faults/
out=$("$TPWALLET" doctor rules check --rules ./rules 2>&1) && exit 1
grep -q "the query is refused" <<<"$out"

# What a rule says must be there: else the folder does not load, and the error names the place.
refused() {
    out=$("$TPWALLET" doctor rules check --rules ./rules 2>&1) && exit 1
    grep -q "$1" <<<"$out"
    rm -r rules
    cp -r "$TPWALLET_SOURCE/doctor/rules" ./rules
}
rm -r rules
cp -r "$TPWALLET_SOURCE/doctor/rules" ./rules
sed -i 's/^title: .*/title: group {grouping} replayed/' rules/faults/B03.rule
refused "faults/B03.rule:[0-9]*: rule B03, trigger offset_went_back: the title names"
sed -i 's/^lookalikes: .*/lookalikes: B04 Q99/' rules/faults/B03.rule
refused "faults/B03.rule:5: rule B03: a look-alike is no fault"
sed -i '0,/^severity: money/s//severity: gold/' rules/invariants/books.rule
refused "invariants/books.rule:[0-9]*: there is no such severity"
rm rules/faults/*
refused "rules/faults: there is no fault"
none=$(grep -L '^start:' rules/faults/*.rule || true) # what its code says differs between versions
if [ -n "$none" ]; then
    echo "faults that do not say when they began: $none" >&2
    exit 1
fi
