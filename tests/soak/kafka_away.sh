#!/bin/bash
# All brokers of Kafka gone for a while, under load: AWAY_S=n sets for how long (60).
set -euo pipefail
cd "$(dirname "$0")/../.."
export AWAY_S=${AWAY_S:-60} TPWALLET_SOURCE=$PWD
exec /usr/bin/python3 tests/kafka/kafka_faults_test.py
