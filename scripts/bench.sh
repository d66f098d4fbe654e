#!/usr/bin/env bash
# Measures a fresh development cluster, or the disk alone, and prints a table.
#   scripts/bench.sh 3node|5node|7node|disk|listing
# listing measures pages of buckets of 10,000 and of 1,000,000 keys in one metadata database; above 1.5 times the cost it exits 1.
# BENCH_DIR (default $PREDA_DIR/bench) is the disk that is measured; BENCH_SECONDS (default 5) the length of each cell.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

BENCH_SECONDS=${BENCH_SECONDS:-5}

[[ $# == 1 ]] || {
  echo "usage: scripts/bench.sh disk|listing|CLUSTER    CLUSTER is one of: $(cluster_names)" >&2
  exit 2
}
require_dotnet

BENCH_DIR=${BENCH_DIR:-${PREDA_DIR%/}/bench}
mkdir -p "$BENCH_DIR"
BENCH_DIR=$(cd "$BENCH_DIR" && pwd -P)

build_benchmark() {
  local log=$ROOT/artifacts/bench-build.log
  compile build "$ROOT/tests/Predastore.Benchmarks" -c Release -v quiet > "$log" 2>&1 || {
    grep -E 'error|warn' "$log" | sort -u | head -n 20 >&2
    die "the build failed; all of it is in $log"
  }
}

benchmark() {
  dotnet "$ROOT/tests/Predastore.Benchmarks/bin/Release/net10.0/Predastore.Benchmarks.dll" "$@"
}

load() {
  benchmark load --seconds "$BENCH_SECONDS" "$@"
}

(with_lock "$ROOT/artifacts/build.lock" build_benchmark)

if [[ $1 == disk ]]; then
  load --folder "$BENCH_DIR"
  exit
fi
if [[ $1 == listing ]]; then
  benchmark listing --folder "$BENCH_DIR"
  exit
fi

# A data folder of its own: measured on a fresh cluster, and nobody's data is touched.
export PREDA_DIR=$BENCH_DIR
use_cluster "$1"
tidy() {
  "$ROOT/scripts/stop.sh" "$CLUSTER" > /dev/null || true
  "$ROOT/scripts/clean.sh" "$CLUSTER" > /dev/null || true
}
trap tidy EXIT
tidy
"$ROOT/scripts/start.sh" -w "$CLUSTER" > "$BENCH_DIR/start.log" || {
  cat "$BENCH_DIR/start.log" >&2
  die "the cluster did not start; if another one has its addresses, stop that one first"
}

args=(--folder "$BENCH_DIR" --ca "$DIR/ca.pem")
for node in $(nodes_with_pid_file); do
  args+=(--pid "$(running_pid "$node")")
done
while read -r host; do
  args+=(--endpoint "https://$host:8443")
done < <(s3d check --config "$CONFIG" --list-nodes | cut -d ' ' -f 2)
export AWS_DEFAULT_REGION=ap-southeast-2 AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE
export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
load "${args[@]}"
