#!/usr/bin/env bash
# rclone: copy, sync, check, and what it does with modification times.
source "$(dirname "$0")/common.sh"
export RCLONE_CONFIG=/dev/null RCLONE_CA_CERT=$S3_CA RCLONE_CONFIG_P_TYPE=s3 RCLONE_CONFIG_P_PROVIDER=Other RCLONE_CONFIG_P_ENV_AUTH=true
export RCLONE_CONFIG_P_ENDPOINT=$S3_ENDPOINT RCLONE_CONFIG_P_REGION=$AWS_DEFAULT_REGION RCLONE_RETRIES=1 RCLONE_LOW_LEVEL_RETRIES=2
export RCLONE_S3_UPLOAD_CUTOFF=6M RCLONE_S3_CHUNK_SIZE=5M
R=p:$S3_BUCKET

make_tree tree
rclone mkdir "$R"
rclone copy tree "$R/tree"
rclone check tree "$R/tree"
rclone check --download tree "$R/tree"
[[ -z $(rclone copy -v tree "$R/tree" 2>&1 | grep -i 'copied') ]] || fail "a second copy uploads again"

rclone copy "$R/tree" back
diff -r tree back
[[ $(stat -c %Y tree/plain.bin) == $(stat -c %Y back/plain.bin) ]] || fail "the modification time was lost"
rm back/plain.bin
echo new > back/new.txt
rclone sync back "$R/tree"
rclone check back "$R/tree"
rclone lsf -R --files-only "$R/tree" | sort > listing
(cd back && find . -type f | sed 's,^\./,,' | sort) | diff - listing

rclone touch --timestamp 2023-01-02T03:04:05 "$R/tree/new.txt"
rclone lsl "$R/tree/new.txt" | grep '2023-01-02 03:04:05' > /dev/null || fail "touch did not set the time"
rclone copyto "$R/tree/sub/larger.bin" "$R/server side copy.bin"
rclone moveto "$R/server side copy.bin" "$R/moved.bin"
rclone cat "$R/moved.bin" | cmp - tree/sub/larger.bin
rclone cat --offset 1000 --count 50 "$R/moved.bin" | cmp - <(tail -c +1001 tree/sub/larger.bin | head -c 50)
head -c 11000000 tree/sub/larger.bin | rclone rcat "$R/streamed.bin"
rclone size --json "$R" | grep '"count":' > /dev/null
echo "$(rclone md5sum "$R/tree/new.txt" | cut -d' ' -f1)  back/new.txt" | md5sum --quiet -c -
rclone delete "$R/moved.bin"
rclone purge "$R"
! rclone lsd "$R" 2> /dev/null || fail "a purged bucket lists"
