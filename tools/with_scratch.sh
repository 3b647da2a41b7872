#!/bin/sh
# Runs a command with an own empty directory in $SCRATCH (and $TMPDIR).
# The directory goes when the command succeeds or was skipped (77), and stays when it fails.
set -u
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/tpwallet.XXXXXX") || exit 1
export SCRATCH
export TMPDIR="$SCRATCH"
"$@"
rc=$?
if [ "$rc" -eq 0 ] || [ "$rc" -eq 77 ]; then
    rm -rf "$SCRATCH"
else
    echo "with_scratch: exit $rc, files kept in $SCRATCH" >&2
fi
exit "$rc"
