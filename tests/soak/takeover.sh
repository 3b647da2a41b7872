#!/bin/bash
# Kills the owner of a lane with TRANSFERS=n of history behind it (50,000,000) and tells how long it
# was until the other replica answered: a figure for docs/performance.md, and a failure past 10 s.
set -euo pipefail
cd "$(dirname "$0")/../.."
export TRANSFERS=${TRANSFERS:-50000000} TPWALLET_SOURCE=$PWD TAKEOVER_S_MAX=10
needed=$((TRANSFERS * 600)) # bytes: the journal 160 each, two indexes 30, WAL, room to merge
free=$(df --output=avail "$SCRATCH" | tail -1)
if [ "$((free * 1024))" -lt "$needed" ]; then
    echo "takeover: $TRANSFERS transfers want $((needed >> 30)) GiB in $SCRATCH" >&2
    exit 1
fi
exec /usr/bin/python3 tests/ha/takeover.py
