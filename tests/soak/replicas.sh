#!/bin/bash
# Many seeds of replicas in the simulated world: REPLICA_SEEDS=n sets how many (3,000).
set -euo pipefail
cd "$(dirname "$0")/../.."
export REPLICA_SEEDS=${REPLICA_SEEDS:-3000}
exec build/release/tests/tests_sim_replicas_test
