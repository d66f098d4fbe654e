#!/usr/bin/env bash
# s3cmd: put, get, sync, ls, del, info.
source "$(dirname "$0")/common.sh"
cat > s3cfg << CONFIG
[default]
access_key = $AWS_ACCESS_KEY_ID
secret_key = $AWS_SECRET_ACCESS_KEY
host_base = $S3_HOST
host_bucket = $S3_HOST
bucket_location = $AWS_DEFAULT_REGION
use_https = True
ca_certs_file = $S3_CA
multipart_chunk_size_mb = 5
progress_meter = False
max_retries = 1
CONFIG
s() { s3cmd -c s3cfg "$@"; }
U=s3://$S3_BUCKET

make_tree tree
s mb "$U"
s ls | grep "$U\$" > /dev/null
s info "$U" > info
grep -q "$AWS_DEFAULT_REGION" info
s put tree/plain.bin tree/sub/larger.bin "$U/files/"
s get "$U/files/plain.bin" got.bin
cmp tree/plain.bin got.bin
s get "$U/files/larger.bin" larger.bin
cmp tree/sub/larger.bin larger.bin
s get "$U/files/plain.bin" --continue got.bin || fail "--continue of a whole file"
s info "$U/files/plain.bin" > info
grep -q 'File size: 100000' info
grep -q "MD5 sum:   $(md5sum tree/plain.bin | cut -d' ' -f1)" info
s ls "$U/files/" > listing
[[ $(wc -l < listing) == 2 ]]

s sync tree/ "$U/tree/"
[[ -z $(s sync tree/ "$U/tree/" | grep -i upload) ]] || fail "a second sync uploads again"
mkdir back
s sync "$U/tree/" back/
diff -r tree back
rm back/plain.bin
echo new > back/new.txt
s sync --delete-removed back/ "$U/tree/"
s ls -r "$U/tree/" > listing
grep -q new.txt listing
! grep -q plain.bin listing || fail "sync --delete-removed left a key"

s put --add-header=x-amz-meta-colour:blue --mime-type=text/x-test tree/plain.bin "$U/meta"
s info "$U/meta" > info
grep -q 'MIME type: text/x-test' info
grep -qi 'colour' info
s modify --add-header=x-amz-meta-shape:round "$U/meta"
s info "$U/meta" | grep -i 'shape' > /dev/null
s cp "$U/meta" "$U/copy"
s mv "$U/copy" "$U/moved"
s get "$U/moved" moved.bin
cmp tree/plain.bin moved.bin
s multipart "$U" > /dev/null
s du "$U" > /dev/null
s del "$U/moved"
! s info "$U/moved" 2> /dev/null || fail "a deleted object is still there"
s del --recursive --force "$U"
[[ -z $(s ls -r "$U") ]]
s rb "$U"
