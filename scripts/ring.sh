#!/usr/bin/env bash
# Adds a sixth and a seventh storage node to a cluster that serves, drains one and removes it; shows how even the bytes are.
#   scripts/ring.sh [OBJECTS [SECONDS]]    2000 objects, at most 900 s for each step
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PREDASTORE_RING_OBJECTS=${1:-2000} PREDASTORE_RING_SECONDS=${2:-900} run_specs Predastore.Cluster.Tests RingChangeSpecs
