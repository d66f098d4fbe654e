#!/usr/bin/env bash
# Wipes two of five disks under load and measures how they are rebuilt.
#   scripts/heal.sh [OBJECTS [MEAN_KIB [SECONDS]]]    10000 objects of 512 KiB in the mean (5 GiB), at most 1800 s
# The idle rebuild has to reach half of a reference: with a few MiB, fixed waits take longer than the bytes, and it fails.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PREDASTORE_HEAL_OBJECTS=${1:-10000} PREDASTORE_HEAL_KIB=${2:-512} PREDASTORE_HEAL_SECONDS=${3:-1800} run_specs Predastore.Cluster.Tests DiskHealSpecs
