#!/bin/bash
# Three replicas before PostgreSQL, Kafka and Redis, killed while they pay; then the books compared.
set -euo pipefail
cd "$(dirname "$0")/.." || exit 1
tools/setup.sh --for test
tools/build.sh release
export TPWALLET="$PWD/build/release/tpwallet" TPWALLET_SOURCE="$PWD"
exec tools/with_scratch.sh /usr/bin/python3 tools/demo_cluster.py
