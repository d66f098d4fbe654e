#!/usr/bin/env bash
# Runs seeds of the simulations: Raft groups and whole clusters. A failing seed is named; -s runs it again and shrinks it.
#   scripts/simulate.sh [-r | -c] [FROM TO]        seeds FROM..TO (1 10000) of Raft (-r), of clusters (-c), or of both
#   scripts/simulate.sh -s SEED                    one cluster seed; PREDA_BUG, PREDA_TROUBLES and PREDA_UNTIL change it
#   scripts/simulate.sh --planted [FROM TO]        looks for every planted bug in the seeds and prints the first that finds it
#   scripts/simulate.sh --crash [WORKLOADS]        cuts the power at every I/O step of so many workloads (200)
#   scripts/simulate.sh --flips [COUNT]            turns so many bits, over every kind of file (1000000)
# SIMULATE_SECONDS: no further seed is begun after it (a day). PREDA_THREADS: threads (2). Every hundredth seed runs twice.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SIMULATION=$ROOT/tests/Predastore.Simulation.Tests
SHARDS=$ROOT/tests/Predastore.Shards.Tests
export PREDA_SECONDS=${SIMULATE_SECONDS:-86400}

run() {
  local project=$1 filter=$2
  dotnet test "$project" -c Release --no-build --filter "FullyQualifiedName~$filter" --logger 'console;verbosity=detailed' |
    { grep -vE '^(Test run for|VSTest|Starting test|A total of|\[xUnit)' || true; }
}

require_dotnet
what=both
case ${1:-} in
  -r) what=raft; shift ;;
  -c) what=cluster; shift ;;
  -s) what=one; shift ;;
  --planted) what=planted; shift ;;
  --crash) what=crash; shift ;;
  --flips) what=flips; shift ;;
  -*) sed -n '2,8p' "${BASH_SOURCE[0]}" | cut -c3-; exit 2 ;;
esac

compile build "$SIMULATION" -c Release -v quiet -nologo
case $what in
  one) PREDA_SEED=${1:?a seed} run "$SIMULATION" ClusterSimulationSpecs.Cluster_should ;;
  planted) PREDA_SEEDS=${1:-1}-${2:-10000} PREDA_HUNT=1 run "$SIMULATION" PlantedBugSpecs ;;
  crash)
    compile build "$SHARDS" -c Release -v quiet -nologo
    PREDA_WORKLOADS=${1:-200} run "$SHARDS" Every_crash_point
    ;;
  flips) PREDA_FLIPS=${1:-1000000} run "$SIMULATION" BitFlipSpecs ;;
  *)
    export PREDA_SEEDS=${1:-1}-${2:-10000}
    code=0
    if [[ $what != cluster ]]; then run "$SIMULATION" RaftSimulationSpecs.Group_should || code=1; fi
    if [[ $what != raft ]]; then run "$SIMULATION" ClusterSimulationSpecs.Cluster_should || code=1; fi
    exit "$code"
    ;;
esac
