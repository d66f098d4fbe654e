using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;

namespace Predastore.Cluster.Tests.Maintenance;

/// <summary>
/// Objects of mixed size whose bytes follow from their number, so that every byte read can be checked and nothing is kept in memory:
/// of ten objects five have 5-64 KiB, four 64 KiB-1 MiB, and one the rest of what ten are to have.
/// </summary>
internal sealed class ObjectSet(int count, long meanBytes)
{
    public const string Bucket = "maintenance";

    public int Count => count;

    public static string Key(int number) => $"object-{number:d6}";

    public long SizeOf(int number)
    {
        var random = new Random(number);
        return (number % 10) switch
        {
            < 5 => random.Next(5 << 10, 64 << 10),
            < 9 => random.Next(64 << 10, (int)Math.Min(1 << 20, meanBytes + (65 << 10))),
            _ => Math.Max(100 << 10, (meanBytes * 10) - (5 * (35L << 10)) - (4 * Math.Min(544L << 10, (meanBytes + (129 << 10)) / 2))),
        };
    }

    public byte[] BytesOf(int number)
    {
        byte[] bytes = new byte[SizeOf(number)];
        new Random(number).NextBytes(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        return bytes;
    }

    public long TotalBytes => Enumerable.Range(0, count).Sum(SizeOf);

    public async Task PutAsync(AmazonS3Client s3, int number) => await s3.PutObjectAsync(new PutObjectRequest
    {
        BucketName = Bucket, Key = Key(number), InputStream = new MemoryStream(BytesOf(number)),
    });

    public Task PutAllAsync(AmazonS3Client[] clients, int atOnce = 8) => Parallel.ForEachAsync(
        Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = atOnce },
        async (number, _) => await PutAsync(clients[number % clients.Length], number));

    /// <summary>Reads an object and compares every byte.</summary>
    public async Task ReadAsync(AmazonS3Client s3, int number)
    {
        using GetObjectResponse response = await s3.GetObjectAsync(Bucket, Key(number));
        byte[] expected = SHA256.HashData(BytesOf(number));
        byte[] read = await SHA256.HashDataAsync(response.ResponseStream);
        if (!read.AsSpan().SequenceEqual(expected))
            throw new InvalidDataException($"{Key(number)} was read with other bytes than were written");
    }

    public Task ReadAllAsync(AmazonS3Client[] clients, int atOnce = 8) => Parallel.ForEachAsync(
        Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = atOnce },
        async (number, _) => await ReadAsync(clients[number % clients.Length], number));
}

/// <summary>Reads and writes at a steady pace until it is told to stop; counts what failed and how long each request took.</summary>
internal sealed class Foreground : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task[] _running;

    public Foreground(AmazonS3Client[] clients, ObjectSet objects, int clientsAtOnce, TimeSpan pause)
        => _running = [.. Enumerable.Range(0, clientsAtOnce).Select(i => Task.Run(() => LoopAsync(clients, objects, i, pause)))];

    public ConcurrentQueue<double> Milliseconds { get; } = new();

    public ConcurrentQueue<string> Failures { get; } = new();

    public double Percentile(double share)
    {
        double[] sorted = [.. Milliseconds.Order()];
        return sorted.Length == 0 ? 0 : sorted[(int)Math.Min(sorted.Length - 1, sorted.Length * share)];
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_running);
        _stopping.Dispose();
    }

    private async Task LoopAsync(AmazonS3Client[] clients, ObjectSet objects, int worker, TimeSpan pause)
    {
        var random = new Random(worker);
        for (int turn = 0; !_stopping.IsCancellationRequested; turn++)
        {
            AmazonS3Client s3 = clients[random.Next(clients.Length)];
            int number = random.Next(objects.Count);
            long started = Stopwatch.GetTimestamp();
            try
            {
                if (turn % 5 == 4)
                    await s3.PutObjectAsync(new PutObjectRequest
                    {
                        BucketName = ObjectSet.Bucket, Key = $"load-{worker}-{turn % 50}", InputStream = new MemoryStream(new byte[20_000]),
                    });
                else
                    await objects.ReadAsync(s3, number);
                Milliseconds.Enqueue(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
            catch (Exception error)
            {
                Failures.Enqueue($"{(turn % 5 == 4 ? "PUT" : "GET")}: {error.Message}");
            }

            await Task.Delay(pause);
        }
    }
}
