#!/bin/bash
# All tests of PostgreSQL, and those of replicas before one, on each major version that Maven
# Central has: MAJORS="16 18" chooses. What needs the server's own tools of that version stays out.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CTEST_OUTPUT_ON_FAILURE=1
out='versions_test|database_faults_test|patroni_test'
failed=0
chmod 711 "$SCRATCH" # user postgres passes through
for major in ${MAJORS:-16 17 18}; do
    rc=0
    programs=$(/usr/bin/python3 tests/postgres/postgres_versions.py "$major" "$SCRATCH/$major") || rc=$?
    if [ "$rc" -eq 77 ]; then
        echo "PostgreSQL $major: not to be had, left out"
        continue
    fi
    [ "$rc" -eq 0 ] || exit "$rc"
    "$programs/postgres" --version
    TPWALLET_POSTGRES=$programs ctest --test-dir build/release -L '^(postgres|ha)$' -E "$out" ||
        failed=1
done
exit "$failed"
