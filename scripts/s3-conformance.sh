#!/usr/bin/env bash
# Runs ceph/s3-tests against a fresh cluster of three nodes (config/s3-tests.toml) and compares the names that pass with
# tests/s3-conformance/passing.txt: a name that leaves the list fails.
#   scripts/s3-conformance.sh [-s] [-u] [-k EXPRESSION] CHECKOUT
# CHECKOUT is a checkout of github.com/ceph/s3-tests, which is not changed; its requirements.txt must be installed for $PYTHON (python3).
# -s uses HTTPS with the cluster's CA instead of plain HTTP; -u writes the list anew; -k runs only a part, as pytest has it.
# JOBS (default 2) is the number of tests at a time, SUITE_SECONDS (default 7200) the longest the run may take. PREDA_DIR is where the cluster and the reports go.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PYTHON=${PYTHON:-python3}
JOBS=${JOBS:-2}
SUITE_SECONDS=${SUITE_SECONDS:-7200}
HOST=127.11.13.1
SUITE=(s3tests/functional/test_s3.py s3tests/functional/test_headers.py)
# Tests that look at all buckets of an account: they run when no other does.
ALONE='test_list_buckets|test_buckets_'
# Of the headers only what holds for every signature version: the others are made for version 2.
HEADERS_MARK=auth_common

usage() {
  echo "usage: scripts/s3-conformance.sh [-s] [-u] [-k EXPRESSION] CHECKOUT" >&2
  exit 2
}

secure=False port=8000 compare=() only=()
while getopts suk: flag; do
  case $flag in
    s) secure=True port=8443 ;;
    u) compare+=(--update) ;;
    k)
      only=(-k "$OPTARG")
      compare+=(--partial)
      ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
[[ $# == 1 ]] || usage
checkout=$(cd "$1" && pwd -P) || die "there is no folder $1"
[[ -f $checkout/${SUITE[0]} ]] || die "$checkout is no checkout of ceph/s3-tests"
[[ $JOBS =~ ^[1-9]$ ]] || die "JOBS must be 1 to 9"
"$PYTHON" -c 'import pytest, boto3' 2> /dev/null \
  || die "$PYTHON has no pytest or boto3: install $checkout/requirements.txt, or set PYTHON to one that has them"
use_cluster s3-tests

out=${PREDA_DIR%/}/s3-tests-run
rm -rf "$out"
mkdir -p "$out"
tidy() {
  "$ROOT/scripts/stop.sh" "$CLUSTER" > /dev/null || true
  "$ROOT/scripts/clean.sh" "$CLUSTER" > /dev/null || true
}
trap tidy EXIT
tidy
"$ROOT/scripts/start.sh" -w "$CLUSTER" > "$out/start.log" 2>&1 || {
  cat "$out/start.log" >&2
  die "the cluster did not start"
}
sed -e "s/@HOST@/$HOST/; s/@PORT@/$port/; s/@SECURE@/$secure/" "$ROOT/tests/s3-conformance/s3tests.conf.in" > "$out/s3tests.conf"
export S3TEST_CONF=$out/s3tests.conf AWS_CA_BUNDLE=$DIR/ca.pem AWS_DEFAULT_REGION=us-east-1 PYTHONDONTWRITEBYTECODE=1
export AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
cd "$checkout"

collect() {
  "$PYTHON" -m pytest -p no:cacheprovider --collect-only -q "$@" 2> /dev/null | grep -F '::' || true
}
{
  collect "${SUITE[0]}" ${only[@]+"${only[@]}"}
  collect -m "$HEADERS_MARK" "${SUITE[1]}" ${only[@]+"${only[@]}"}
} > "$out/names"
[[ -s $out/names ]] || die "no test was collected"
echo "$(wc -l < "$out/names") tests against $([[ $secure == True ]] && echo https || echo http)://$HOST:$port, $JOBS at a time"

# Runs the names of standard input. pytest's own exit code says only that something failed: what counts is the list.
run() {
  local names
  mapfile -t names
  ((${#names[@]})) || return 0
  timeout "$SUITE_SECONDS" "$PYTHON" -m pytest -p no:cacheprovider -q --junitxml="$out/report-$1.xml" -o junit_logging=no "${names[@]}" \
    > "$out/run-$1.log" 2>&1 || true
}
for ((job = 0; job < JOBS; job++)); do
  { grep -vE "$ALONE" "$out/names" || true; } | awk -v jobs="$JOBS" -v job="$job" 'NR % jobs == job' | run "$job" &
done
wait
{ grep -E "$ALONE" "$out/names" || true; } | run alone
ls "$out"/report-*.xml > /dev/null 2>&1 || {
  tail -n 20 "$out"/run-*.log >&2
  die "the suite did not run"
}
"$PYTHON" "$ROOT/tests/s3-conformance/compare.py" "$ROOT/tests/s3-conformance/passing.txt" "$out"/report-*.xml ${compare[@]+"${compare[@]}"}
