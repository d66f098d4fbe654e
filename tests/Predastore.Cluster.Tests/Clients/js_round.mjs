// The AWS SDK for JavaScript (v3) with its default settings: what programs do with it.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { createRequire } from 'node:module'

// The packages are wherever they were installed: not beside this file.
const load = createRequire(process.env.JS_PACKAGES + '/')
const {
  S3Client, CreateBucketCommand, DeleteBucketCommand, HeadBucketCommand, ListBucketsCommand, PutObjectCommand, GetObjectCommand,
  HeadObjectCommand, CopyObjectCommand, DeleteObjectCommand, DeleteObjectsCommand, ListObjectsCommand, paginateListObjectsV2,
  CreateMultipartUploadCommand, UploadPartCommand, AbortMultipartUploadCommand, ListMultipartUploadsCommand, waitUntilObjectExists,
} = load('@aws-sdk/client-s3')
const { Upload } = load('@aws-sdk/lib-storage')

const Bucket = process.env.S3_BUCKET
const s3 = new S3Client({ endpoint: process.env.S3_ENDPOINT, region: process.env.AWS_DEFAULT_REGION, forcePathStyle: true, maxAttempts: 2 })
const bytes = async got => Buffer.from(await got.Body.transformToByteArray())
const refused = async (name, command) => assert.rejects(s3.send(command), error => error.name === name || assert.fail(`${name} was expected: ${error}`))

await s3.send(new CreateBucketCommand({ Bucket }))
await s3.send(new HeadBucketCommand({ Bucket }))
assert((await s3.send(new ListBucketsCommand({}))).Buckets.some(bucket => bucket.Name === Bucket))

const keys = ['a b', 'a+b', 'a//b', 'grün/日本', '😀', '100%', "it's (1)!*", 'tail/']
for (const Key of keys) {
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key, Metadata: { colour: 'blue' }, ContentType: 'text/x-test' }))
  const got = await s3.send(new GetObjectCommand({ Bucket, Key }))
  assert.equal((await bytes(got)).toString(), Key)
  assert.equal(got.Metadata.colour, 'blue')
  assert.equal(got.ContentType, 'text/x-test')
}
const listed = []
for await (const page of paginateListObjectsV2({ client: s3, pageSize: 3 }, { Bucket })) listed.push(...page.Contents.map(one => one.Key))
assert.deepEqual(listed, [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
assert.deepEqual((await s3.send(new ListObjectsCommand({ Bucket, Delimiter: '/' }))).CommonPrefixes.map(one => one.Prefix), ['a/', 'grün/', 'tail/'])

for (const size of [0, 1, 4097, 300_000]) {
  const Body = randomBytes(size)
  const put = await s3.send(new PutObjectCommand({ Bucket, Key: 'size', Body }))
  assert.equal(put.ETag, `"${createHash('md5').update(Body).digest('hex')}"`)
  assert.deepEqual(await bytes(await s3.send(new GetObjectCommand({ Bucket, Key: 'size' }))), Body)
}
for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256']) {
  await s3.send(new PutObjectCommand({ Bucket, Key: 'sum', Body: 'checked', ChecksumAlgorithm }))
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'sum', ChecksumMode: 'ENABLED' }))
  assert(got[`Checksum${ChecksumAlgorithm}`])
  assert.equal((await bytes(got)).toString(), 'checked')
}
const range = await s3.send(new GetObjectCommand({ Bucket, Key: 'sum', Range: 'bytes=2-4' }))
assert.equal((await bytes(range)).toString(), 'eck')

// A stream of unknown length goes up in parts, each an aws-chunked body with a trailer.
const large = randomBytes((10 << 20) + 77)
await new Upload({ client: s3, params: { Bucket, Key: 'large', Body: Readable.from(large) }, partSize: 5 << 20, queueSize: 2 }).done()
assert.deepEqual(await bytes(await s3.send(new GetObjectCommand({ Bucket, Key: 'large' }))), large)
await waitUntilObjectExists({ client: s3, maxWaitTime: 10 }, { Bucket, Key: 'large' })
await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/${encodeURIComponent('grün/日本')}` }))
assert.equal((await bytes(await s3.send(new GetObjectCommand({ Bucket, Key: 'copy' })))).toString(), 'grün/日本')

const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'abandoned' }))
await s3.send(new UploadPartCommand({ Bucket, Key: 'abandoned', UploadId, PartNumber: 1, Body: 'part' }))
assert.equal((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads.length, 1)
await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'abandoned', UploadId }))
assert.equal((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads, undefined)

await refused('PreconditionFailed', new PutObjectCommand({ Bucket, Key: 'copy', Body: 'x', IfNoneMatch: '*' }))
await refused('NoSuchKey', new GetObjectCommand({ Bucket, Key: 'never' }))
await refused('NotFound', new HeadObjectCommand({ Bucket, Key: 'never' }))
await refused('NoSuchBucket', new ListObjectsCommand({ Bucket: Bucket + '-never' }))
await refused('BucketNotEmpty', new DeleteBucketCommand({ Bucket }))
await s3.send(new DeleteObjectCommand({ Bucket, Key: 'never' }))
const deleted = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [...keys, 'size', 'sum', 'large', 'copy'].map(Key => ({ Key })) } }))
assert.equal(deleted.Deleted.length, keys.length + 4)
await s3.send(new DeleteBucketCommand({ Bucket }))
await refused('NotFound', new HeadBucketCommand({ Bucket }))
