#!/usr/bin/env bash
# Flips bits of real files of every type and checks that each is seen, none is served and all is repaired.
#   scripts/flips.sh [TIMES]    TIMES (default 80) multiplies the number of flips that the test suite makes
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PREDASTORE_FLIPS=${1:-80} run_specs Predastore.Actors.Tests Predastore.Actors.Tests.Damage
