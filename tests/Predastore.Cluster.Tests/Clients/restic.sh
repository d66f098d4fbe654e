#!/usr/bin/env bash
# restic: a repository's whole life: init, backup, check, restore, forget --prune.
source "$(dirname "$0")/common.sh"
export RESTIC_REPOSITORY=s3:$S3_ENDPOINT/$S3_BUCKET RESTIC_PASSWORD=password RESTIC_CACHE_DIR=$PWD/cache
r() { restic --cacert "$S3_CA" --quiet "$@"; }

make_tree tree
r init
r backup tree
r check --read-data
echo more >> tree/plain.bin
rm tree/sub/large.bin
r backup tree
[[ $(r snapshots --json | grep -o '"short_id"' | wc -l) == 2 ]]
r restore latest --target back
diff -r tree back/tree
r forget --keep-last 1 --prune
[[ $(r snapshots --json | grep -o '"short_id"' | wc -l) == 1 ]]
r check --read-data
rm -r back cache
r restore latest --target back
diff -r tree back/tree
