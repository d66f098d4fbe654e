"""boto3 with its default settings: what programs do with it."""
import hashlib
import io
import os
import ssl
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

B = os.environ["S3_BUCKET"]
PART = 5 << 20
KEYS = ["a b", "a+b", "a//b", "a/./b", "a/../b", "grün", "日本", "😀", "100%", "q?x=1&y", "tail/", "<&>'\"", "%2F", "a\nb", "~!@#$^*()=[]{};:,|`"]


def client(**more):
    return boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT"], verify=os.environ["S3_CA"],
                        config=Config(signature_version="s3v4", retries={"max_attempts": 2}, s3={"addressing_style": "path"}, **more))


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, (code, error.response["Error"])
        return
    raise AssertionError(f"{code} was expected")


def body(got):
    return got["Body"].read()


def fetch(url, data=None, method="GET", headers=None):
    context = ssl.create_default_context(cafile=os.environ["S3_CA"])
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    with urllib.request.urlopen(request, context=context, timeout=30) as answer:
        return answer.read()


s3 = client()
s3.create_bucket(Bucket=B, CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]})
s3.get_waiter("bucket_exists").wait(Bucket=B, WaiterConfig={"Delay": 1, "MaxAttempts": 5})
assert B in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]

# Keys are opaque: each names its own object and comes back from a listing as it went in.
for key in KEYS:
    s3.put_object(Bucket=B, Key=key, Body=key.encode())
for key in KEYS:
    assert body(s3.get_object(Bucket=B, Key=key)) == key.encode(), key
listed = [one["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=B, PaginationConfig={"PageSize": 4})
          for one in page["Contents"]]
assert listed == sorted(KEYS, key=lambda key: key.encode()), listed
versions = [one["Key"] for page in s3.get_paginator("list_object_versions").paginate(Bucket=B, PaginationConfig={"PageSize": 4})
            for one in page["Versions"]]
assert versions == listed, versions
answer = s3.delete_objects(Bucket=B, Delete={"Objects": [{"Key": key} for key in KEYS]})
assert len(answer["Deleted"]) == len(KEYS) and "Errors" not in answer, answer
assert s3.list_objects_v2(Bucket=B)["KeyCount"] == 0

# Sizes around the limits, checksums of every kind, metadata.
for size in (0, 1, 4096, 4097, 65536, 131072, 1 << 20):
    data = os.urandom(size)
    put = s3.put_object(Bucket=B, Key=f"size/{size}", Body=data, Metadata={"colour": "blue"}, ContentType="text/x-test")
    assert put["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    got = s3.get_object(Bucket=B, Key=f"size/{size}")
    assert body(got) == data and got["Metadata"] == {"colour": "blue"} and got["ContentType"] == "text/x-test"
for algorithm in ("CRC32", "SHA1", "SHA256"):
    put = s3.put_object(Bucket=B, Key="sum", Body=b"checked", ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket=B, Key="sum", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"], (put, head)
refused("BadDigest", s3.put_object, Bucket=B, Key="sum", Body=b"wrong", ChecksumSHA256="47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
assert body(s3.get_object(Bucket=B, Key="sum")) == b"checked"
data = os.urandom(100_000)
s3.put_object(Bucket=B, Key="range", Body=data)
for spec, part in (("bytes=0-0", data[:1]), ("bytes=99990-", data[99990:]), ("bytes=-7", data[-7:]), ("bytes=65530-65545", data[65530:65546])):
    assert body(s3.get_object(Bucket=B, Key="range", Range=spec)) == part, spec
refused("InvalidRange", s3.get_object, Bucket=B, Key="range", Range="bytes=100000-")

# Multipart, by the transfer manager and by hand.
data = os.urandom((2 * PART) + 12345)
config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=3)
s3.upload_fileobj(io.BytesIO(data), B, "multi", Config=config)
back = io.BytesIO()
s3.download_fileobj(B, "multi", back, Config=config)
assert back.getvalue() == data
upload = s3.create_multipart_upload(Bucket=B, Key="by hand", ChecksumAlgorithm="CRC32")["UploadId"]
first = s3.upload_part(Bucket=B, Key="by hand", UploadId=upload, PartNumber=1, Body=data[:PART], ChecksumAlgorithm="CRC32")
second = s3.upload_part_copy(Bucket=B, Key="by hand", UploadId=upload, PartNumber=2, CopySource={"Bucket": B, "Key": "multi"},
                             CopySourceRange=f"bytes=0-{PART - 1}")["CopyPartResult"]
parts = s3.list_parts(Bucket=B, Key="by hand", UploadId=upload)["Parts"]
assert [part["Size"] for part in parts] == [PART, PART]
done = s3.complete_multipart_upload(Bucket=B, Key="by hand", UploadId=upload, MultipartUpload={"Parts": [
    {"PartNumber": 1, "ETag": first["ETag"], "ChecksumCRC32": first["ChecksumCRC32"]},
    {"PartNumber": 2, "ETag": second["ETag"], "ChecksumCRC32": parts[1]["ChecksumCRC32"]}]})
assert done["ETag"].endswith('-2"'), done
assert body(s3.get_object(Bucket=B, Key="by hand")) == data[:PART] * 2

# Copies, conditions, presigned URLs.
s3.copy_object(Bucket=B, Key="copy grün+1", CopySource={"Bucket": B, "Key": "size/4097"}, MetadataDirective="REPLACE", Metadata={"colour": "red"})
assert s3.head_object(Bucket=B, Key="copy grün+1")["Metadata"] == {"colour": "red"}
refused("PreconditionFailed", s3.put_object, Bucket=B, Key="copy grün+1", Body=b"x", IfNoneMatch="*")
etag = s3.head_object(Bucket=B, Key="sum")["ETag"]
refused("PreconditionFailed", s3.put_object, Bucket=B, Key="sum", Body=b"x", IfMatch='"00000000000000000000000000000000"')
s3.put_object(Bucket=B, Key="sum", Body=b"replaced", IfMatch=etag)
refused("304", s3.get_object, Bucket=B, Key="sum", IfNoneMatch=s3.head_object(Bucket=B, Key="sum")["ETag"])
url = s3.generate_presigned_url("get_object", Params={"Bucket": B, "Key": "sum", "ResponseContentType": "text/x-other"}, ExpiresIn=60)
assert fetch(url) == b"replaced"
url = s3.generate_presigned_url("put_object", Params={"Bucket": B, "Key": "presigned grün"}, ExpiresIn=60)
fetch(url, data=b"sent", method="PUT")
assert body(s3.get_object(Bucket=B, Key="presigned grün")) == b"sent"
try:
    fetch(url.replace("presigned", "another"), data=b"x", method="PUT")
    raise AssertionError("a changed URL was accepted")
except urllib.error.HTTPError as error:
    assert error.code == 403 and b"SignatureDoesNotMatch" in error.read()

# What is missing is missing, with the code that programs look for.
refused("NoSuchKey", s3.get_object, Bucket=B, Key="never")
refused("404", s3.head_object, Bucket=B, Key="never")
refused("NoSuchBucket", s3.get_object, Bucket=B + "-never", Key="x")
refused("BucketNotEmpty", s3.delete_bucket, Bucket=B)
refused("NoSuchUpload", s3.list_parts, Bucket=B, Key="by hand", UploadId="never")
refused("NoSuchCORSConfiguration", s3.get_bucket_cors, Bucket=B)
refused("NoSuchBucketPolicy", s3.get_bucket_policy, Bucket=B)
refused("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, Bucket=B)
s3.delete_object(Bucket=B, Key="never")

resource = boto3.resource("s3", endpoint_url=os.environ["S3_ENDPOINT"], verify=os.environ["S3_CA"]).Bucket(B)
resource.objects.all().delete()
resource.delete()
refused("404", s3.head_bucket, Bucket=B)
