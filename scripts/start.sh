#!/usr/bin/env bash
# Starts what is not running of a development cluster on loopback, building it first where sources changed.
#   scripts/start.sh [-w] 3node|5node|7node
# -w waits until every node is ready and prints endpoint, CA file, keys and commands to try.
# PREDA_DIR (default /tmp/predastore) is where clusters live; S3D_ARGS is added to every node's command line.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

READY_SECONDS=${READY_SECONDS:-60}

usage() {
  echo "usage: scripts/start.sh [-w] CLUSTER    CLUSTER is one of: $(cluster_names)" >&2
  exit 2
}

add_loopback_alias() {
  # On Linux all of 127.0.0.0/8 is loopback; macOS has 127.0.0.1 alone.
  [[ $(uname) == Darwin ]] || return 0
  ifconfig lo0 | grep -q "inet $1 " || sudo ifconfig lo0 alias "$1" up
}

prepare() {
  mkdir -p "$DIR/pids" "$DIR/logs"
  : > "$DIR/$MARKER"
  local fresh=1 node
  for node in "$DIR"/node-*; do
    [[ -d $node ]] && fresh=0
  done
  if [[ ! -f $DIR/master.key ]]; then
    [[ $fresh == 1 ]] || die "$DIR/master.key is gone but data sealed under it is there; bring it back or run scripts/clean.sh $CLUSTER"
    s3d keygen --out "$DIR/master.key" > /dev/null
  fi
  s3d certs --config "$CONFIG" --out "$DIR/certs" > /dev/null
  cp -f "$DIR/certs/ca.pem" "$DIR/ca.pem"
}

start_node() {
  local node=$1 host=$2 pid build
  local detach=(nohup)
  command -v setsid > /dev/null && detach=(setsid nohup)
  if pid=$(running_pid "$node"); then
    echo "node $node runs (pid $pid)"
    return
  fi
  add_loopback_alias "$host"
  build=$(cd "$ROOT/artifacts/s3d/current" && pwd -P)
  # shellcheck disable=SC2086 # S3D_ARGS is a list of words
  "${detach[@]}" dotnet "$build/s3d.dll" --config "$CONFIG" --node "$node" --base-path "$DIR" --tls-ca "$DIR/ca.pem" \
    --tls-cert "$DIR/certs/node-$node.pem" --tls-key "$DIR/certs/node-$node-key.pem" \
    --encryption-key-file "$DIR/master.key" ${S3D_ARGS:-} >> "$DIR/logs/node-$node.log" 2>&1 < /dev/null 9>&- &
  pid=$!
  echo "$pid" > "$DIR/pids/node-$node.pid.new"
  mv "$DIR/pids/node-$node.pid.new" "$DIR/pids/node-$node.pid"
  echo "node $node started (pid $pid), log $DIR/logs/node-$node.log"
}

start_all() {
  publish_s3d_locked
  prepare
  local node host
  while read -r node host <&3; do
    start_node "$node" "$host"
  done 3< <(s3d check --config "$CONFIG" --list-nodes)
}

publish_s3d_locked() {
  # Another lock than the cluster's: two clusters share one build.
  (with_lock "$ROOT/artifacts/build.lock" publish_s3d)
}

show_log() {
  echo "--- last lines of $DIR/logs/node-$1.log" >&2
  tail -n 15 "$DIR/logs/node-$1.log" >&2 || true
}

wait_ready() {
  local deadline=$((SECONDS + READY_SECONDS)) answer node
  while :; do
    if answer=$(s3d wait --config "$CONFIG" --tls-ca "$DIR/ca.pem" --timeout 2 --guide "$DIR" 2>&1); then
      printf '%s\n' "$answer"
      return
    fi
    for node in $(nodes_with_pid_file); do
      running_pid "$node" > /dev/null && continue
      show_log "$node"
      die "node $node has ended; its log says why"
    done
    if ((SECONDS >= deadline)); then
      for node in $(nodes_with_pid_file); do
        show_log "$node"
      done
      die "not ready after $READY_SECONDS s: ${answer#s3d: }"
    fi
  done
}

WAIT=0
while getopts w flag; do
  case $flag in
    w) WAIT=1 ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
[[ $# == 1 ]] || usage
use_cluster "$1"
require_dotnet
with_lock "$DIR/.lock" start_all
[[ $WAIT == 0 ]] || wait_ready
