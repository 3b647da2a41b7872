#!/bin/bash
# Measures what docs/performance.md quotes: bench.sh [RUNS]. Each line is the median of RUNS runs
# (3 unless told otherwise) of one command, with the range; the commands are printed with it.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${1:-${BENCH_RUNS:-3}}
tools/build.sh release >/dev/null
binary=build/release/tpwallet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null

# measure NAME FIELD... -- COMMAND...: runs the command, prints the median of each field.
measure() {
    local name=$1
    shift
    local fields=()
    while [ "$1" != -- ]; do
        fields+=("$1")
        shift
    done
    shift
    for ((run = 0; run < runs; run++)); do "$binary" "$@" --json >"$work/$run.json"; done
    /usr/bin/python3 tools/bench_median.py "$name" "tpwallet $*" "${fields[*]}" "$work" "$runs"
}

echo "machine: $(nproc) cores, $(awk '/model name/ { sub(/.*: /, ""); print; exit }' /proc/cpuinfo), $(uname -r)"
echo "runs: $runs each"
echo
echo '| measure | median (range) | command |'
echo '|---|---|---|'
ledger=(transfers_per_second calls.p99_us bytes_written_per_transfer resident_bytes recovery_ms)
measure "batch 8,190, 10 k accounts" "${ledger[@]}" -- bench ledger --transfers 10M
measure "the same, 1 M accounts" "${ledger[@]}" -- bench ledger --transfers 10M --accounts 1M
measure "one hot account" "${ledger[@]}" -- bench ledger --transfers 10M --distribution hot
measure "random ids" "${ledger[@]}" -- bench ledger --transfers 10M --id-order random
measure "two-phase" "${ledger[@]}" -- bench ledger --transfers 5M --two-phase 100
measure "one per call, 64 callers" transfers_per_second calls.p50_us calls.p99_us -- \
    bench ledger --transfers 500k --batch 1 --clients 64
measure "the same callers, hosted by 2 threads" transfers_per_second calls.p50_us calls.p99_us -- \
    bench ledger --transfers 500k --batch 1 --clients 64 --threads 2
measure "four bulk callers, 16 single beside" transfers_per_second single_calls.p50_us \
    single_calls.p99_us -- bench ledger --transfers 4M --singles 16
measure "the verifiable log, in memory" leaves_per_second appends_per_second inclusion_p99_us \
    consistency_p99_us sum_tree_ms sum_proof_p99_us -- bench log
http=(transfers_per_second p50_ns p99_ns failures)
measure "HTTP, one a request, 64 connections" "${http[@]}" -- bench api
measure "the same, 2 threads in the server" "${http[@]}" -- bench api --threads 2
measure "the same over TLS 1.3" "${http[@]}" -- \
    bench api --tls-cert "$work/cert.pem" --tls-key "$work/key.pem"
measure "HTTP, JSON array of 8,190, 4 connections" "${http[@]}" -- \
    bench api --form array --connections 4
measure "HTTP, binary of 8,190, 4 connections" "${http[@]}" -- \
    bench api --form binary --connections 4
measure "payments, wallet to wallet" requests_per_second p50_us p99_us failures -- \
    bench payments wallet
measure "pay-ins through the sandbox, 1,500 a second" succeeded_per_second ended_p99_ms \
    told_per_second told_p99_ms failed -- bench payments pay-in --rate 1500 --webhooks
measure "pay-ins through the sandbox, as fast as they are taken" succeeded_per_second \
    requests_per_second failed -- bench payments pay-in
measure "restart with 100,000 pay-ins in flight" listen_ms resumed_ms ended_ms in_flight -- \
    bench payments restart
measure "a ledger of 200,000 transactions collected" records bytes collect_ms processor_ms \
    resident_bytes -- bench collect --transactions 200k
measure "a bundle of 200,000 transactions diagnosed" records load_ms examine_ms total_ms \
    processor_ms resident_bytes -- bench doctor --transactions 200k
