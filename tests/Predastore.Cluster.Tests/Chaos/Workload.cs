using System.Net;
using Amazon.S3;
using Amazon.S3.Model;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>
/// Writers that put, overwrite, delete and upload in parts, each on keys of its own and one operation after the other. Every request
/// is sent once: a repetition by the SDK would be a second write that the ledger does not know of. A key whose operation ended
/// unknown is left alone until it was checked.
/// </summary>
/// <param name="ledger">Where every operation is written down before it is sent, and when it ended.</param>
/// <param name="clients">A client of each gate; a writer goes to another one when its own fails.</param>
/// <param name="options">How many, and which mixture.</param>
public sealed class Workload(Ledger ledger, IReadOnlyList<AmazonS3Client> clients, WorkloadOptions options)
{
    public const string Bucket = "chaos";

    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMilliseconds(50);

    private readonly HashSet<string>[] _unsure = [.. Enumerable.Range(0, options.Writers).Select(_ => new HashSet<string>())];
    private long _operations;
    private int _runs;

    /// <summary>Operations that were acknowledged.</summary>
    public long Acked => Volatile.Read(ref _acked);

    /// <summary>Operations of which nobody knows whether they took effect.</summary>
    public long Unknown => Volatile.Read(ref _unknown);

    private long _acked;
    private long _unknown;

    /// <summary>Uploads that were begun and are neither complete nor aborted, as far as the writers know.</summary>
    public int OpenUploads => Volatile.Read(ref _openUploads);

    private int _openUploads;

    /// <summary>Writes until cancelled; returns when every operation has ended.</summary>
    public Task RunAsync(CancellationToken stop)
    {
        int run = _runs++;
        return Task.WhenAll(Enumerable.Range(0, options.Writers).Select(writer => Task.Run(() => WriteAsync(writer, run, stop), CancellationToken.None)));
    }

    /// <summary>All keys were checked: those whose operations ended unknown may be used again.</summary>
    public void Checked()
    {
        foreach (HashSet<string> keys in _unsure)
            keys.Clear();
    }

    private async Task WriteAsync(int writer, int run, CancellationToken stop)
    {
        var random = new Random(HashCode.Combine(options.Seed, writer, run));
        int gate = writer;
        while (!stop.IsCancellationRequested)
        {
            string key = $"w{writer}/{random.Next(options.KeysPerWriter)}";
            if (_unsure[writer].Contains(key))
            {
                if (_unsure[writer].Count == options.KeysPerWriter)
                    return;
                continue;
            }
            if (await OperateAsync(clients[gate % clients.Count], key, random, stop))
                continue;
            // The writer's own way of a retry: another key, another gate.
            gate++;
            if (!stop.IsCancellationRequested)
                await Task.Delay(PauseAfterFailure, CancellationToken.None);
        }
    }

    /// <returns>False if it was not acknowledged.</returns>
    private async Task<bool> OperateAsync(AmazonS3Client s3, string key, Random random, CancellationToken stop)
    {
        long operation = Interlocked.Increment(ref _operations);
        int pick = random.Next(100);
        bool delete = pick < options.DeletePercent;
        bool multipart = !delete && pick >= 100 - options.MultipartPercent;
        int size = multipart ? Content.PartBytes + random.Next(100_000) : Content.Size(random);
        byte[] body = delete ? [] : Content.Of(options.Seed, operation, size);
        string content = delete ? LedgerRecord.Absent : Content.Name(body);
        ledger.Add(new LedgerRecord(LedgerMark.Begun, operation, key, content));
        LedgerMark end;
        try
        {
            if (delete)
                await s3.DeleteObjectAsync(Bucket, key, CancellationToken.None);
            else if (multipart)
                await UploadAsync(s3, key, body, stop);
            else
                await s3.PutObjectAsync(new PutObjectRequest { BucketName = Bucket, Key = key, InputStream = new MemoryStream(body) }, CancellationToken.None);
            end = LedgerMark.Acked;
        }
        catch (NotSentException)
        {
            end = LedgerMark.Refused;
        }
        catch (AmazonS3Exception e) when ((int)e.StatusCode is >= 400 and < 500 && e.StatusCode != HttpStatusCode.RequestTimeout)
        {
            // Writers ask for nothing that may be refused.
            throw new InvalidOperationException($"{key}: {(int)e.StatusCode} {e.ErrorCode} {e.Message}", e);
        }
        catch (Exception e) when (NoAnswer.Is(e))
        {
            end = LedgerMark.Unknown;
        }

        ledger.Add(new LedgerRecord(end, operation, key, content));
        switch (end)
        {
            case LedgerMark.Acked:
                Interlocked.Increment(ref _acked);
                return true;
            case LedgerMark.Unknown:
                Interlocked.Increment(ref _unknown);
                _unsure[int.Parse(key.AsSpan(1, key.IndexOf('/') - 1), System.Globalization.CultureInfo.InvariantCulture)].Add(key);
                return false;
            default:
                return false;
        }
    }

    // Until Complete was sent nothing of the key has changed: a failure before that is no unknown end.
    private async Task UploadAsync(AmazonS3Client s3, string key, byte[] body, CancellationToken stop)
    {
        List<PartETag> parts = [];
        string? upload = null;
        try
        {
            upload = (await s3.InitiateMultipartUploadAsync(Bucket, key, CancellationToken.None)).UploadId;
            Interlocked.Increment(ref _openUploads);
            for (int offset = 0, number = 1; offset < body.Length; offset += Content.PartBytes, number++)
            {
                int size = Math.Min(Content.PartBytes, body.Length - offset);
                UploadPartResponse part = await s3.UploadPartAsync(
                    new UploadPartRequest
                    {
                        BucketName = Bucket, Key = key, UploadId = upload, PartNumber = number,
                        InputStream = new MemoryStream(body, offset, size), PartSize = size,
                    },
                    CancellationToken.None);
                parts.Add(new PartETag(number, part.ETag));
            }
        }
        catch (Exception e) when (NoAnswer.Is(e))
        {
            throw new NotSentException(e);
        }

        await s3.CompleteMultipartUploadAsync(
            new CompleteMultipartUploadRequest { BucketName = Bucket, Key = key, UploadId = upload, PartETags = parts }, CancellationToken.None);
        Interlocked.Decrement(ref _openUploads);
    }

    private sealed class NotSentException(Exception inner) : Exception(inner.Message, inner);
}

/// <summary>What a <see cref="Workload"/> does.</summary>
/// <param name="Seed">Draws keys, sizes and contents.</param>
public sealed record WorkloadOptions(int Seed)
{
    public int Writers { get; init; } = 4;

    public int KeysPerWriter { get; init; } = 12;

    public int DeletePercent { get; init; } = 20;

    public int MultipartPercent { get; init; } = 3;
}
