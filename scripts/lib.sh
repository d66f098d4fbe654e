# shellcheck shell=bash
# What the scripts share. Sourced, never run.
# Everything of a development cluster is below $PREDA_DIR/<cluster>: certs/, ca.pem, master.key, pids/, logs/, node-N/.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
PREDA_DIR=${PREDA_DIR:-/tmp/predastore}
# shellcheck disable=SC2034 # used by the scripts that source this
MARKER=.predastore-cluster
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
# Servers that outlive a build would hold its lock.
export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false DOTNET_CLI_USE_MSBUILD_SERVER=0

die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# Sets CLUSTER, CONFIG and DIR from a cluster's name.
use_cluster() {
  CLUSTER=${1:?}
  # The name becomes a folder that clean.sh removes: no slash, no dots.
  [[ $CLUSTER =~ ^[A-Za-z0-9_-]+$ ]] || die "'$CLUSTER' is no cluster name; use one of: $(cluster_names)"
  CONFIG=$ROOT/config/$CLUSTER.toml
  [[ -f $CONFIG ]] || die "there is no config/$CLUSTER.toml; use one of: $(cluster_names)"
  [[ $PREDA_DIR == /* && $PREDA_DIR != / ]] || die "PREDA_DIR must be an absolute folder, and is '$PREDA_DIR'"
  DIR=${PREDA_DIR%/}/$CLUSTER
}

cluster_names() {
  local file
  for file in "$ROOT"/config/*.toml; do
    printf '%s ' "$(basename "$file" .toml)"
  done
}

require_dotnet() {
  command -v dotnet > /dev/null || die "dotnet is not on the PATH; install the .NET 10 SDK"
}

# The command line of a process, words separated by spaces; nothing if there is no such process or it is a zombie.
command_of() {
  if [[ -d /proc/self ]]; then
    [[ -r /proc/$1/cmdline ]] && tr '\0' ' ' < "/proc/$1/cmdline" 2> /dev/null
  else
    ps -ww -o args= -p "$1" 2> /dev/null
  fi
  return 0
}

# The process of node $1 as its pid file says, if it runs and is that node: a pid is reused after a reboot or a crash.
running_pid() {
  local pid words
  pid=$(cat "$DIR/pids/node-$1.pid" 2> /dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] || return 1
  words=$(command_of "$pid")
  [[ $words == *"s3d.dll "*" --node $1 --base-path $DIR "* ]] || return 1
  echo "$pid"
}

# Node numbers that have a pid file.
nodes_with_pid_file() {
  local file
  for file in "$DIR"/pids/node-*.pid; do
    [[ -e $file ]] || continue
    file=${file##*/node-}
    echo "${file%.pid}"
  done | sort -n
}

# Runs the rest of the arguments while holding the lock file $1; without flock (macOS) it just runs them.
with_lock() {
  local file=$1
  shift
  mkdir -p "$(dirname "$file")"
  if command -v flock > /dev/null; then
    # Children that outlive the script must not inherit the lock: they close descriptor 9.
    {
      flock -w 1200 9 || die "another script holds $file for 20 minutes; end it or remove the file"
      "$@"
    } 9> "$file"
  else
    "$@"
  fi
}

# True if a file that a build reads or copies is newer than the file $1, or one was removed: then its folder is newer. Folders of
# projects, whose names have a dot, are newer after every first build.
sources_newer_than() {
  [[ -e $1 ]] || return 0
  [[ -n $(find "$ROOT" -mindepth 1 \( -name bin -o -name obj -o -name artifacts -o -name '.*' -o -name __pycache__ \
    -o -name scripts -o -name config -o -name '*.md' \) -prune -o \( -type f -o -type d ! -name '*.*' \) -newer "$1" -print 2> /dev/null | head -n 1) ]]
}

# True if a process runs from the build in folder $1.
runs_from() {
  local pid
  for pid in "$PREDA_DIR"/*/pids/*.pid; do
    [[ -e $pid ]] && [[ $(command_of "$(cat "$pid")") == *" $1/s3d.dll "* ]] && return 0
  done
  return 1
}

BUILDS_KEPT=3

# Runs a command of dotnet that builds, with one compiler process for all projects, which has a name of its own and ends with the build.
compile() {
  local name=predastore-$$ code=0 pid words
  UseSharedCompilation=true SharedCompilationId=$name dotnet "$@" 9>&- || code=$?
  while read -r pid words; do
    if [[ $words == *VBCSCompiler*"$name"* ]]; then kill "$pid" 2> /dev/null || true; fi
  done < <(ps -axww -o pid=,args= 2> /dev/null)
  return "$code"
}

# Publishes s3d in Release below artifacts/ unless the newest build is newer than the sources. Every build has a folder of its own:
# running nodes load assemblies from theirs until they end.
publish_s3d() {
  local builds=$ROOT/artifacts/s3d new log
  if [[ -e $builds/current/s3d.dll ]] && ! sources_newer_than "$builds/stamp"; then
    return 0
  fi
  require_dotnet
  mkdir -p "$builds"
  new=$builds/$(date +%Y%m%d-%H%M%S)-$$
  log=$builds/build.log
  : > "$builds/stamp.new"
  echo "building s3d (Release)"
  if ! compile publish "$ROOT/Predastore.Host" -c Release -o "$new" -v quiet > "$log" 2>&1; then
    grep -E 'error|warn' "$log" | sort -u | head -n 20 >&2
    die "the build failed; all of it is in $log"
  fi
  ln -sfn "$new" "$builds/current"
  # As old as the start of the build: what was edited meanwhile is built the next time.
  mv "$builds/stamp.new" "$builds/stamp"
  find "$builds" -mindepth 1 -maxdepth 1 -type d | sort -r | tail -n +$((BUILDS_KEPT + 1)) | while read -r old; do
    runs_from "$old" || rm -rf "$old"
  done
}

# Publishes s3d compiled ahead of time, unless that was done since the sources changed, and lets the cluster tests run it: nodes start in
# two thirds of the time.
precompile_s3d() {
  local program=$ROOT/artifacts/s3d-precompiled stamp=$ROOT/artifacts/s3d-precompiled.stamp
  if sources_newer_than "$stamp"; then
    mkdir -p "$ROOT/artifacts"
    : > "$stamp.new"
    compile publish "$ROOT/Predastore.Host" -c Release -v quiet --use-current-runtime --self-contained false -p:PublishReadyToRun=true -o "$program"
    mv "$stamp.new" "$stamp"
  fi
  export S3D_PROGRAM=$program/s3d.dll
}

# Runs s3d of the newest build.
s3d() {
  dotnet "$ROOT/artifacts/s3d/current/s3d.dll" "$@" 9>&-
}

# Builds a test project and runs those of its tests whose full name contains FILTER; what they print goes to the terminal.
#   run_specs PROJECT FILTER [VERBOSITY]
run_specs() {
  local project=$ROOT/tests/$1
  require_dotnet
  compile build "$project" -c Release -v quiet
  dotnet test "$project" -c Release --no-build --filter "FullyQualifiedName~$2" --logger "console;verbosity=${3:-detailed}"
}
