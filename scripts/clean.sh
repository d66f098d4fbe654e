#!/usr/bin/env bash
# Removes everything of a stopped development cluster: data, keys, certificates, logs.
#   scripts/clean.sh CLUSTER
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[[ $# == 1 ]] || {
  echo "usage: scripts/clean.sh CLUSTER    CLUSTER is one of: $(cluster_names)" >&2
  exit 2
}
use_cluster "$1"

clean() {
  local node pid
  for node in $(nodes_with_pid_file); do
    if pid=$(running_pid "$node"); then
      die "node $node runs (pid $pid); run scripts/stop.sh $CLUSTER first"
    fi
  done
  # Only what start.sh made is removed, whatever PREDA_DIR says.
  [[ -f $DIR/$MARKER ]] || die "$DIR was not made by scripts/start.sh; remove it yourself if it is yours"
  rm -rf "${DIR:?}"
  echo "removed $DIR"
}

if [[ ! -e $DIR ]]; then
  echo "nothing at $DIR"
  exit 0
fi
with_lock "$DIR/.lock" clean
