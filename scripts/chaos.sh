#!/usr/bin/env bash
# Breaks real clusters for as long as it is told, with the code of the tests, and fails if anything acknowledged was lost.
#   scripts/chaos.sh kill [ROUNDS]           kill -9 of one or all of three nodes under load (default 500); then an exact census, and none left when all is deleted
#   scripts/chaos.sh power [ROUNDS]          power loss of all nodes: what was not synced is gone (default 100); needs a C compiler
#   scripts/chaos.sh loss [OBJECTS MIB]      any one of three nodes is killed over OBJECTS objects of MIB in all (default 300 1024)
#   scripts/chaos.sh restart [ROUNDS KEYS]   all nodes stop and start over KEYS keys (default 100 10000); then one after the other under load
#   scripts/chaos.sh histories [N]           N races (default 100) under kills, freezes and cuts, each judged for linearizability
#   scripts/chaos.sh freeze [SECONDS]        frozen nodes (default 15 s): a new leader, p99 of the others, the return
#   scripts/chaos.sh errors                  syncs, reads and writes that fail with EIO (needs strace)
#   scripts/chaos.sh disk                    data on small file systems of their own, filled (needs the right to mount)
#   scripts/chaos.sh damage                  Raft journals damaged in the middle and at their end; an old image of a node put back
#   scripts/chaos.sh partition               cut, one-way, bridged, flapping and slow links
# Figures go to the terminal and are added to $CHAOS_REPORT (default artifacts/chaos.txt). CHAOS_SEED repeats a run's draws,
# CHAOS_NODES=5 takes five nodes and RS(3,2) for kill, power and restart, CHAOS_WRITERS (4) sets the load, CHAOS_ORPHAN_SECONDS (900) how long leftovers may lie.
# CHAOS_PRECOMPILED=1 runs s3d compiled ahead of time: a minute more before the first round, and starts in two thirds of the time.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  sed -n '2,15s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

require_dotnet
what=${1:-}
case $what in
  kill)
    filter=KillSpecs
    export CHAOS_ROUNDS=${2:-500}
    ;;
  power)
    filter=PowerLossSpecs
    export CHAOS_ROUNDS=${2:-100}
    ;;
  loss)
    filter=NodeLossSpecs
    export CHAOS_OBJECTS=${2:-300} CHAOS_MEBIBYTES=${3:-1024}
    ;;
  restart)
    filter=RestartSpecs
    export CHAOS_ROUNDS=${2:-100} CHAOS_KEYS=${3:-10000}
    ;;
  histories)
    filter=HistorySpecs
    export CHAOS_HISTORIES=${2:-100}
    ;;
  freeze)
    filter=FreezeSpecs
    export CHAOS_FREEZE_SECONDS=${2:-15}
    ;;
  errors) filter=DiskErrorSpecs ;;
  disk) filter=FullDiskSpecs ;;
  damage) filter='JournalDamageSpecs|FullyQualifiedName~OldImageSpecs' ;;
  partition) filter=LinkSpecs ;;
  *) usage ;;
esac
[[ ${CHAOS_ROUNDS:-1} =~ ^[1-9][0-9]*$ && ${CHAOS_HISTORIES:-1} =~ ^[1-9][0-9]*$ && ${CHAOS_OBJECTS:-1} =~ ^[1-9][0-9]*$ && ${CHAOS_KEYS:-1} =~ ^[1-9][0-9]*$ && ${CHAOS_MEBIBYTES:-1} =~ ^[1-9][0-9]*$ && ${CHAOS_FREEZE_SECONDS:-1} =~ ^[1-9][0-9]*$ ]] || usage

export CHAOS_ORPHAN_SECONDS=${CHAOS_ORPHAN_SECONDS:-900} CHAOS_ORPHAN_INTERVAL=${CHAOS_ORPHAN_INTERVAL:-0}
export CHAOS_LONG=1
export CHAOS_REPORT=${CHAOS_REPORT:-$ROOT/artifacts/chaos.txt}
mkdir -p "$(dirname "$CHAOS_REPORT")"
if [[ ${CHAOS_PRECOMPILED:-} == 1 ]]; then
  precompile_s3d
fi
run_specs Predastore.Cluster.Tests "$filter" normal
