#!/usr/bin/env bash
# aws-cli: the high-level commands as people type them, and the calls of s3api that scripts use.
source "$(dirname "$0")/common.sh"
export AWS_ENDPOINT_URL=$S3_ENDPOINT AWS_CA_BUNDLE=$S3_CA AWS_EC2_METADATA_DISABLED=true AWS_PAGER='' AWS_CONFIG_FILE=$PWD/config
# Version 1 presigns with Signature Version 2 unless told otherwise.
printf '[default]\ns3 =\n    signature_version = s3v4\n' > config
# Old versions do not read AWS_ENDPOINT_URL.
s3() { aws --endpoint-url "$S3_ENDPOINT" s3 "$@"; }
api() { aws --endpoint-url "$S3_ENDPOINT" s3api "$@"; }
B=$S3_BUCKET

make_tree tree
s3 mb "s3://$B"
s3 ls | grep " $B\$" > /dev/null
s3 cp tree/plain.bin "s3://$B/one.bin" --only-show-errors
s3 cp "s3://$B/one.bin" got.bin --only-show-errors
cmp tree/plain.bin got.bin
echo "from a pipe" | s3 cp - "s3://$B/piped.txt"
[[ $(s3 cp "s3://$B/piped.txt" -) == "from a pipe" ]]

s3 sync tree "s3://$B/tree" --only-show-errors
[[ -z $(s3 sync tree "s3://$B/tree") ]] || fail "a second sync uploads again"
[[ $(s3 ls "s3://$B/tree/" --recursive | wc -l) == $(find tree -type f | wc -l) ]]
s3 sync "s3://$B/tree" back --only-show-errors
diff -r tree back
rm "back/100%.txt"
echo new > back/new.txt
s3 sync back "s3://$B/tree" --delete --only-show-errors
s3 ls "s3://$B/tree/" > listing
grep -q new.txt listing
! grep -q '100%.txt' listing || fail "sync --delete left a key"

s3 cp "s3://$B/tree/sub/larger.bin" "s3://$B/copied.bin" --only-show-errors
s3 mv "s3://$B/copied.bin" "s3://$B/moved.bin" --only-show-errors
s3 cp "s3://$B/moved.bin" moved.bin --only-show-errors
cmp tree/sub/larger.bin moved.bin
curl -sS --fail --cacert "$S3_CA" -o presigned.bin "$(s3 presign "s3://$B/one.bin" --expires-in 60)"
cmp tree/plain.bin presigned.bin

api put-object --bucket "$B" --key meta --body tree/plain.bin --content-type text/x-test --metadata colour=blue,size=2 > /dev/null
api head-object --bucket "$B" --key meta > head.json
grep -q '"ContentType": "text/x-test"' head.json
grep -q '"colour": "blue"' head.json
api get-object --bucket "$B" --key meta --range bytes=10-19 range.bin > /dev/null
cmp range.bin <(tail -c +11 tree/plain.bin | head -c 10)
api copy-object --bucket "$B" --key meta2 --copy-source "$B/meta" --metadata-directive REPLACE --metadata colour=red > /dev/null
api head-object --bucket "$B" --key meta2 | grep '"colour": "red"' > /dev/null
[[ $(api list-objects-v2 --bucket "$B" --page-size 2 --query 'length(Contents)') == $(s3 ls "s3://$B" --recursive | wc -l) ]]
[[ $(api get-bucket-location --bucket "$B" --query LocationConstraint --output text) == "$AWS_DEFAULT_REGION" ]]
upload=$(api create-multipart-upload --bucket "$B" --key abandoned --query UploadId --output text)
api upload-part --bucket "$B" --key abandoned --upload-id "$upload" --part-number 1 --body tree/plain.bin > /dev/null
[[ $(api list-parts --bucket "$B" --key abandoned --upload-id "$upload" --query 'Parts[0].Size') == 100000 ]]
api list-multipart-uploads --bucket "$B" | grep abandoned > /dev/null
api abort-multipart-upload --bucket "$B" --key abandoned --upload-id "$upload"
api delete-objects --bucket "$B" --delete '{"Objects":[{"Key":"meta"},{"Key":"meta2"},{"Key":"never there"}]}' > deleted.json
[[ $(grep -c '"Key"' deleted.json) == 3 ]]
! api head-object --bucket "$B" --key meta 2> error || fail "a deleted object is still there"
grep -q 404 error

! s3 rb "s3://$B" 2> error || fail "a bucket with objects was removed"
grep -q BucketNotEmpty error
s3 rm "s3://$B" --recursive --only-show-errors
s3 rb "s3://$B"
! s3 ls "s3://$B" 2> error || fail "a removed bucket lists"
grep -q NoSuchBucket error
