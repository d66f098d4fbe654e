using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Testing.Linearizability;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>
/// Clients that race on a few keys through all gates, and write down what they asked and saw. A value is the text of a body, which no two
/// writes share; it names the ETag where a condition needs one. The SDK repeats nothing.
/// </summary>
/// <param name="clients">A client of each gate.</param>
/// <param name="prefix">Of the keys; no other history may have it.</param>
public sealed class Racers(IReadOnlyList<AmazonS3Client> clients, string prefix)
{
    public const string Bucket = "histories";

    private const int Keys = 4;
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(1);

    // ETags by value, and the value last seen of each key: what conditions are made of. A multipart object has another ETag than its bytes, so
    // its keys are no source of a copy, which would give the bytes a second one.
    private readonly ConcurrentDictionary<string, string> _etags = [];
    private readonly ConcurrentDictionary<string, string> _seen = [];
    private int _values;

    public ObjectHistory History { get; } = new();

    /// <summary>Races until cancelled; returns when every request has ended.</summary>
    public Task RunAsync(int racers, int seed, CancellationToken stop)
        => Task.WhenAll(Enumerable.Range(0, racers).Select(racer => Task.Run(() => RaceAsync(new Random(HashCode.Combine(seed, racer)), stop), CancellationToken.None)));

    /// <summary>Reads every key through every gate, and lists: what is left is a part of the history.</summary>
    public async Task ReadAllAsync()
    {
        foreach (AmazonS3Client s3 in clients)
        {
            for (int i = 0; i < 2 * Keys; i++)
                Assert.True(await TryAsync(() => ReadAsync(s3, KeyOf(i))), $"{KeyOf(i)} cannot be read");
            Assert.True(await TryAsync(() => ListAsync(s3)), "the keys cannot be listed");
        }
    }

    private async Task RaceAsync(Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            AmazonS3Client s3 = clients[random.Next(clients.Count)];
            string key = KeyOf(random.Next(2 * Keys)), plain = KeyOf(random.Next(Keys));
            bool answered = await TryAsync(() => random.Next(100) switch
            {
                < 25 => PutAsync(s3, plain, null, none: false),
                < 35 => PutAsync(s3, plain, null, none: true),
                < 45 => PutAsync(s3, plain, _seen.GetValueOrDefault(plain), none: false),
                < 65 => ReadAsync(s3, key),
                < 75 => DeleteAsync(s3, key),
                < 83 => CopyAsync(s3, plain, KeyOf(random.Next(Keys))),
                < 94 => UploadAsync(s3, KeyOf(Keys + random.Next(Keys)), none: random.Next(2) == 0),
                _ => ListAsync(s3),
            });

            // Each write without an answer widens what the judge has to try. (A refused connection is no answer either: the client may have sent
            // the request before, on a connection that died.)
            if (!answered)
                await Task.Delay(PauseAfterFailure, CancellationToken.None);
        }
    }

    private string KeyOf(int i) => $"{prefix}/{(i < Keys ? "plain" : "parts")}-{i % Keys}";

    private string NewValue() => $"{prefix}: value {Interlocked.Increment(ref _values)}";

    private async Task PutAsync(AmazonS3Client s3, string key, string? ifMatch, bool none)
    {
        string value = NewValue();
        var put = new PutObjectRequest { BucketName = Bucket, Key = key, ContentBody = value };
        if (none)
            put.IfNoneMatch = "*";
        if (ifMatch is not null)
            put.IfMatch = _etags[ifMatch];
        await WriteAsync(key, value, ifMatch, none, async () => (await s3.PutObjectAsync(put)).ETag);
    }

    private Task DeleteAsync(AmazonS3Client s3, string key) => RecordAsync(
        key, new KeyOperation(KeyAction.Delete, KeyOutcome.Unknown), () => s3.DeleteObjectAsync(Bucket, key));

    private async Task UploadAsync(AmazonS3Client s3, string key, bool none)
    {
        string value = NewValue();
        string upload = (await s3.InitiateMultipartUploadAsync(Bucket, key)).UploadId;
        UploadPartResponse part = await s3.UploadPartAsync(new UploadPartRequest
        {
            BucketName = Bucket, Key = key, UploadId = upload, PartNumber = 1, InputStream = new MemoryStream(Encoding.UTF8.GetBytes(value)),
        });
        var complete = new CompleteMultipartUploadRequest { BucketName = Bucket, Key = key, UploadId = upload, PartETags = [new PartETag(1, part.ETag)] };
        if (none)
            complete.IfNoneMatch = "*";
        await WriteAsync(key, value, null, none, async () => (await s3.CompleteMultipartUploadAsync(complete)).ETag);
    }

    // A read of the source, which has to be what was seen there before, and a write of the same to the target.
    private async Task CopyAsync(AmazonS3Client s3, string from, string to)
    {
        if (_seen.GetValueOrDefault(from) is not { } value || from == to)
            return;
        long start = Stopwatch.GetTimestamp();
        await WriteAsync(to, value, null, none: false, async () =>
        {
            string etag = (await s3.CopyObjectAsync(new CopyObjectRequest
            {
                SourceBucket = Bucket, SourceKey = from, DestinationBucket = Bucket, DestinationKey = to, ETagToMatch = _etags[value],
            })).ETag;
            History.Add(from, start, Stopwatch.GetTimestamp(), new KeyOperation(KeyAction.Read, KeyOutcome.Done, value));
            return etag;
        }, copy: true);
    }

    private async Task WriteAsync(string key, string value, string? ifMatch, bool none, Func<Task<string>> write, bool copy = false)
    {
        var operation = new KeyOperation(KeyAction.Write, KeyOutcome.Unknown, value, ifMatch, none);
        await RecordAsync(key, operation, async () =>
        {
            _etags[value] = await write();
            _seen[key] = value;
        }, copy);
    }

    // A refusal of a copy is about its source, and says nothing of the target.
    private async Task RecordAsync(string key, KeyOperation operation, Func<Task> run, bool copy = false)
    {
        long start = Stopwatch.GetTimestamp();
        KeyOutcome? outcome = KeyOutcome.Unknown;
        try
        {
            await run();
            outcome = KeyOutcome.Done;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.PreconditionFailed || (e.StatusCode == HttpStatusCode.NotFound && (copy || operation.IfMatch is not null)))
        {
            outcome = copy ? null : KeyOutcome.Refused;
        }
        finally
        {
            if (outcome is { } ended)
                History.Add(key, start, Stopwatch.GetTimestamp(), operation with { Outcome = ended });
        }
    }

    private async Task ReadAsync(AmazonS3Client s3, string key)
    {
        long start = Stopwatch.GetTimestamp();
        string? value = null;
        try
        {
            using GetObjectResponse got = await s3.GetObjectAsync(Bucket, key);
            using var reader = new StreamReader(got.ResponseStream);
            value = await reader.ReadToEndAsync();
            _etags[value] = got.ETag;
            _seen[key] = value;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            _seen.TryRemove(key, out _);
        }

        History.Add(key, start, Stopwatch.GetTimestamp(), new KeyOperation(KeyAction.Read, KeyOutcome.Done, value));
    }

    private async Task ListAsync(AmazonS3Client s3)
    {
        long start = Stopwatch.GetTimestamp();
        List<string> seen = [];
        string? token = null;
        do
        {
            ListObjectsV2Response page = await s3.ListObjectsV2Async(
                new ListObjectsV2Request { BucketName = Bucket, Prefix = $"{prefix}/", ContinuationToken = token, MaxKeys = 3 });
            seen.AddRange((page.S3Objects ?? []).Select(item => item.Key));
            token = page.NextContinuationToken;
        }
        while (token is not null);
        History.AddListing($"{prefix}/", start, Stopwatch.GetTimestamp(), seen);
    }

    // False if there was no answer: what may have happened is in the history.
    private static async Task<bool> TryAsync(Func<Task> operation)
    {
        try
        {
            await operation();
            return true;
        }
        catch (Exception e) when (NoAnswer.Is(e))
        {
            return false;
        }
    }
}
