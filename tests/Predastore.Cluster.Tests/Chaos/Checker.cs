using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>
/// Compares the cluster with the ledger: every key is read to its end through one of the gates, and the bucket is listed. A key holds
/// what may be in it, nothing else; the list names the keys that hold something, and no other.
/// </summary>
public sealed class Checker(Ledger ledger, IReadOnlyList<AmazonS3Client> clients)
{
    private const int ConcurrentReads = 4;

    // A node that was frozen ends its actor system and joins anew before it answers.
    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(250);

    /// <summary>Checks all of it.</summary>
    /// <param name="settle">True when no process that took an operation lives any more: what is read now is what stays.</param>
    /// <returns>What is wrong, one sentence each, and the SHA-256 that every key had.</returns>
    public async Task<IReadOnlyList<string>> RunAsync(bool settle)
    {
        IReadOnlyDictionary<string, KeyHistory> keys = ledger.Replay();
        var found = new Dictionary<string, string>();
        await Parallel.ForEachAsync(
            keys.Keys.Select((key, i) => (key, i)), new ParallelOptions { MaxDegreeOfParallelism = ConcurrentReads },
            async (item, cancel) =>
            {
                string content = await ReadAsync(clients[item.i % clients.Count], item.key, cancel);
                lock (found)
                    found[item.key] = content;
            });
        List<string> wrong = [];
        foreach ((string key, KeyHistory history) in keys)
            if (!history.Possible.Contains(found[key]))
                wrong.Add($"{key} holds {Short(found[key])}; acknowledged was {Short(history.Acked)}{(history.IsOpen ? $", possible {string.Join(' ', history.Possible.Select(Short))}" : "")}");
        await CompareListAsync(found, wrong);
        if (settle && wrong.Count == 0)
            foreach ((string key, KeyHistory history) in keys)
                if (history.IsOpen)
                    ledger.Add(new LedgerRecord(LedgerMark.Settled, 0, key, found[key]));
        return wrong;
    }

    private async Task CompareListAsync(Dictionary<string, string> found, List<string> wrong)
    {
        HashSet<string> listed = [];
        string? token = null;
        do
        {
            ListObjectsV2Response page = await TryAsync(() => clients[0].ListObjectsV2Async(
                new ListObjectsV2Request { BucketName = Workload.Bucket, ContinuationToken = token, MaxKeys = 100 }));
            listed.UnionWith((page.S3Objects ?? []).Select(item => item.Key));
            token = page.NextContinuationToken;
        }
        while (token is not null);
        wrong.AddRange(listed.Where(key => found.GetValueOrDefault(key, LedgerRecord.Absent) == LedgerRecord.Absent)
            .Select(key => $"{key} is listed and cannot be read"));
        wrong.AddRange(found.Where(item => item.Value != LedgerRecord.Absent && !listed.Contains(item.Key))
            .Select(item => $"{item.Key} can be read and is not listed"));
    }

    private static async Task<string> ReadAsync(AmazonS3Client s3, string key, CancellationToken cancel) => await TryAsync(async () =>
    {
        try
        {
            using GetObjectResponse response = await s3.GetObjectAsync(Workload.Bucket, key, cancel);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            byte[] buffer = new byte[64 << 10];
            long length = 0;
            int read;
            while ((read = await response.ResponseStream.ReadAsync(buffer, cancel)) > 0)
            {
                hash.AppendData(buffer, 0, read);
                length += read;
            }

            return length == response.ContentLength
                ? Convert.ToHexStringLower(hash.GetHashAndReset())
                : throw new IOException($"{key}: {length} of {response.ContentLength} bytes");
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return LedgerRecord.Absent;
        }
    });

    // Right after a kill a request may meet a connection of a dead process; what stays wrong is reported by its error.
    private static async Task<T> TryAsync<T>(Func<Task<T>> ask)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (Exception e) when (Stopwatch.GetElapsedTime(started) < ReadLimit && e is AmazonS3Exception { StatusCode: >= HttpStatusCode.InternalServerError }
                or Amazon.Runtime.AmazonClientException or HttpRequestException or IOException or TaskCanceledException)
            {
                await Task.Delay(RetryAfter);
            }
        }
    }

    private static string Short(string content) => content.Length > 12 ? content[..12] : content == LedgerRecord.Absent ? "nothing" : content;
}
