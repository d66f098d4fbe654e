#!/usr/bin/env bash
# Flips bits of real files of every type and checks that each is seen, none is served and all is repaired.
#   scripts/flips.sh [TIMES]    TIMES (default 80) multiplies the number of flips that the test suite makes
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet build tests/Predastore.Actors.Tests -c Release -v quiet
PREDASTORE_FLIPS=${1:-80} dotnet test tests/Predastore.Actors.Tests --no-build -c Release \
  --filter "FullyQualifiedName~Predastore.Actors.Tests.Damage" --logger "console;verbosity=detailed"
