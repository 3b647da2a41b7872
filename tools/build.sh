#!/bin/bash
# Configures and builds presets: build.sh PRESET...
# One build at a time in each build directory: ninja does not guard against a second one.
set -euo pipefail
cd "$(dirname "$0")/.." || exit 1
mkdir -p build
for preset in "$@"; do
    exec 9>"build/$preset.lock"
    flock 9
    if ! log=$(cmake --preset "$preset" 2>&1); then
        printf '%s\n' "$log" >&2
        echo "build: configuring '$preset' failed" >&2
        exit 1
    fi
    cmake --build "build/$preset" -j "$(nproc)"
    exec 9>&-
done
