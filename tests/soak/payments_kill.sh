#!/bin/bash
# The server killed under payments, again and again: KILLS=n sets how often (300).
set -euo pipefail
cd "$(dirname "$0")/../.."
export KILLS=${KILLS:-300} TPWALLET_SOURCE=$PWD
exec /usr/bin/python3 tests/e2e/payments_kill_test.py
