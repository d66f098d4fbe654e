#!/usr/bin/env bash
# Restores, builds and runs all tests; the last line is "N passed, N failed[, N skipped]", the exit code 0 only if all passed.
#   scripts/test.sh [PROJECT-PATTERN...]     e.g. scripts/test.sh Shards Http
# Two may run at once, in one clone too: they keep results apart, take turns building the clone and, for one user of the machine, running
# the tests: processes of clusters have deadlines, and two runs beside each other take no less time than one after the other.
# TEST_JOBS: test projects at once (default 2; the cluster tests always run alone). TEST_CONFIGURATION: default Release.
# TEST_ANALYZERS=true: analyzers in the build, which then takes half as long again; dotnet build and continuous integration have them.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

JOBS=${TEST_JOBS:-2}
CONFIGURATION=${TEST_CONFIGURATION:-Release}
ANALYZERS=${TEST_ANALYZERS:-false}
HANG_LIMIT=10m

# Test processes live for seconds: the compiler that works for long-lived ones would take a third of the cores. (The threshold is hexadecimal.)
export DOTNET_TieredPGO=${DOTNET_TieredPGO:-0} DOTNET_TC_CallCountThreshold=${DOTNET_TC_CallCountThreshold:-100}
RESULTS=$ROOT/artifacts/test-results/$(date +%Y%m%d-%H%M%S)-$$

# Gives way from here on: tests of another run may be waiting for real clocks.
yield_cores() {
  # The bash of macOS does not know its subshells' ids.
  [[ -z ${BASHPID:-} ]] || renice -n 19 -p "$BASHPID" > /dev/null 2>&1 || true
}

build_all() {
  local stamp=$ROOT/artifacts/tests-$CONFIGURATION.stamp log=$RESULTS/build.log
  if ! sources_newer_than "$stamp"; then
    return 0
  fi
  echo "building ($CONFIGURATION)"
  yield_cores
  : > "$RESULTS/stamp"
  if ! compile build "$ROOT/Predastore.sln" -c "$CONFIGURATION" -v quiet -p:RunAnalyzers="$ANALYZERS" > "$log" 2>&1; then
    grep -E 'error|warn' "$log" | sort -u | head -n 40 >&2
    return 1
  fi
  mv "$RESULTS/stamp" "$stamp"
}

run_project() {
  local project=$1 name
  name=$(basename "$project")
  local log=$RESULTS/$name.log started=$SECONDS
  # It counts no time but its own, on all cores; the tests beside it have deadlines.
  [[ $name != *Simulation.Tests ]] || yield_cores
  # --no-build: a build during the other script's run would replace assemblies it has loaded.
  dotnet test "$project" -c "$CONFIGURATION" --no-build --results-directory "$RESULTS/$name" --logger "trx;LogFileName=$name.trx" \
    --blame-hang-timeout "$HANG_LIMIT" --blame-hang-dump-type none > "$log" 2>&1 < /dev/null 9>&- || true
  printf '%s\n' "$(count "$name") ($((SECONDS - started)) s) $name"
}

# "P passed, F failed, S skipped" of a project from its result file; a run without one has failed.
count() {
  local counters
  counters=$(grep -o '<Counters [^>]*>' "$RESULTS/$1/$1.trx" 2> /dev/null | tail -n 1) || true
  if [[ -z $counters ]] || grep -qiE 'test run (was )?(aborted|canceled)' "$RESULTS/$1.log"; then
    echo "0 passed, 1 failed, 0 skipped"
    return
  fi
  local passed total failed
  passed=$(attribute "$counters" passed)
  total=$(attribute "$counters" total)
  failed=$(($(attribute "$counters" failed) + $(attribute "$counters" error) + $(attribute "$counters" timeout) + $(attribute "$counters" aborted)))
  echo "$passed passed, $failed failed, $((total - passed - failed)) skipped"
}

attribute() {
  local value
  value=$(sed -n "s/.* $2=\"\([0-9]*\)\".*/\1/p" <<< "$1")
  echo "${value:-0}"
}

finish() {
  local passed=0 failed=0 skipped=0 p f s name log
  for log in "$RESULTS"/Predastore*.log; do
    [[ -e $log ]] || continue
    name=$(basename "$log" .log)
    read -r p f s <<< "$(count "$name" | tr -dc '0-9 ')"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if ((f > 0)); then
      echo "--- $name (all of it in $log)"
      grep -E -A 25 '^ *Failed |error|Unhandled|aborted' "$log" | head -n 200 || tail -n 40 "$log"
    fi
  done
  if ((failed == 0 && passed == 0)); then
    echo "no test ran" >&2
    failed=1
  fi
  if ((skipped > 0)); then
    echo "$passed passed, $failed failed, $skipped skipped"
  else
    echo "$passed passed, $failed failed"
  fi
  ((failed == 0))
}

require_dotnet
mkdir -p "$RESULTS"
if ! (with_lock "$ROOT/artifacts/build.lock" build_all); then
  echo "the build failed"
  echo "0 passed, 1 failed"
  exit 1
fi

alone=() together=()
for project in "$ROOT"/tests/*.Tests; do
  name=$(basename "$project")
  wanted=$(($# == 0))
  for pattern in "$@"; do
    [[ $name == *"$pattern"* ]] && wanted=1
  done
  ((wanted)) || continue
  case $name in
    *Cluster.Tests) alone+=("$project") ;;
    # It takes longest, and would run on alone at the end.
    *Simulation.Tests) together=("$project" ${together[@]+"${together[@]}"}) ;;
    *) together+=("$project") ;;
  esac
done

run_all() {
  local project
  for project in ${together[@]+"${together[@]}"}; do
    while (($(jobs -rp | wc -l) >= JOBS)); do
      wait -n 2> /dev/null || sleep 0.2
    done
    run_project "$project" &
  done
  wait
  if ((${#alone[@]} > 0)); then
    "$ROOT/scripts/clients.sh"
  fi
  for project in ${alone[@]+"${alone[@]}"}; do
    run_project "$project"
  done
}

with_lock "${TMPDIR:-/tmp}/predastore-tests-$(id -u).lock" run_all
finish
