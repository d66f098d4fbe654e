#!/usr/bin/env bash
# Stops the nodes of a development cluster, or one of them, by their pid files: TERM, then KILL for what is still there.
#   scripts/stop.sh CLUSTER [NODE]
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

STOP_SECONDS=${STOP_SECONDS:-40}

[[ $# == 1 || $# == 2 ]] || {
  echo "usage: scripts/stop.sh CLUSTER [NODE]    CLUSTER is one of: $(cluster_names)" >&2
  exit 2
}
use_cluster "$1"
if [[ $# == 2 ]]; then
  [[ $2 =~ ^[0-9]+$ ]] || die "'$2' is no node number"
  nodes=$2
else
  nodes=$(nodes_with_pid_file)
fi

stopping=()
for node in $nodes; do
  if pid=$(running_pid "$node"); then
    kill -TERM "$pid" 2> /dev/null || true
    stopping+=("$node")
  else
    rm -f "$DIR/pids/node-$node.pid"
    echo "node $node does not run"
  fi
done

deadline=$((SECONDS + STOP_SECONDS))
for node in ${stopping[@]+"${stopping[@]}"}; do
  while pid=$(running_pid "$node") && ((SECONDS < deadline)); do
    sleep 0.1
  done
  if pid=$(running_pid "$node"); then
    echo "node $node (pid $pid) is still there after $STOP_SECONDS s: killed" >&2
    kill -KILL "$pid" 2> /dev/null || true
    while running_pid "$node" > /dev/null; do
      sleep 0.1
    done
  else
    echo "node $node stopped"
  fi
  rm -f "$DIR/pids/node-$node.pid"
done
