#!/usr/bin/env bash
# Feeds everything that reads requests with made-up input for as long as is asked: the same code as the tests, which take a moment of it.
#   scripts/fuzz.sh [SECONDS-EACH] [TARGET]     e.g. scripts/fuzz.sh 600 Chunked_body
# A failure prints its seed; CsCheck_Seed=SEED scripts/fuzz.sh runs that one again.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

each=${1:-60}
[[ $each =~ ^[0-9]+$ && $each -gt 0 ]] || die "usage: scripts/fuzz.sh [SECONDS-EACH] [TARGET]"
require_dotnet
PREDASTORE_FUZZ_SECONDS=$each dotnet test "$ROOT/tests/Predastore.Http.Tests" -c Release \
  --filter "FullyQualifiedName~Fuzz.FuzzSpecs.${2:-}" --logger "console;verbosity=detailed"
