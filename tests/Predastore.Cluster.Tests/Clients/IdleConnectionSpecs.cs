using System.Diagnostics;
using System.Globalization;
using System.Net.Security;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;
using Predastore.Http.Hosting;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Clients;

/// <summary>
/// Many clients that only hold a connection, against real processes. IDLE_CONNECTIONS asks for another number than that of every build,
/// and for what they do to reads beside them; it needs about as many file handles.
/// </summary>
[Collection(SharedCluster.Name)]
public sealed class IdleConnectionSpecs(SharedCluster shared, ITestOutputHelper output)
{
    private const string Bucket = "idle-connections";
    private const int AtOnce = 16;
    private const long BytesPerConnectionMax = 64 << 10;
    private const long BytesMax = 100 << 20;

    // A machine that does much else makes a p99 worth nothing: its bound is for a run of its own.
    private const double SlowerMax = 1.5;

    private static readonly string? Asked = Environment.GetEnvironmentVariable("IDLE_CONNECTIONS");
    private static readonly int Connections = TestVariables.Number("IDLE_CONNECTIONS", 200);

    [Fact]
    public Task S17_F20_idle_connections_should_hold_little_memory_and_harm_nobody() => shared.Cluster.RunAsync(async () =>
    {
        AmazonS3Client s3 = shared.Cluster.Client(1);
        await s3.PutBucketAsync(Bucket);
        await s3.PutObjectAsync(new PutObjectRequest { BucketName = Bucket, Key = "object", InputStream = new MemoryStream(new byte[100_000]) });
        await P99Async(s3);
        TimeSpan alone = await P99Async(s3);
        S3dProcess gate = shared.Cluster.Process(1);
        long before = gate.ResidentBytes;
        var idle = new SslStream?[Connections];
        try
        {
            var wire = new TlsWire(shared.Cluster.Files.CaFile);
            await Parallel.ForAsync(0, Connections, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, _) =>
                idle[i] = await wire.ConnectAsync(shared.Cluster.Host(1), ClusterFolder.S3Port));
            long held = gate.ResidentBytes - before;
            TimeSpan beside = await P99Async(s3);

            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{Connections} idle connections: {held >> 20} MiB, reads p99 {beside.TotalMilliseconds:F1} ms, without {alone.TotalMilliseconds:F1} ms"));
            Assert.InRange(held, long.MinValue, Math.Min(Connections * BytesPerConnectionMax, BytesMax));
            if (Asked is not null)
                Assert.InRange(beside, TimeSpan.Zero, SlowerMax * alone);

            // Those that came last still stand and are served.
            await idle[^1]!.WriteAsync("GET /_/health/live HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
            byte[] answer = new byte[12];
            await idle[^1]!.ReadExactlyAsync(answer);
            Assert.Equal("HTTP/1.1 200"u8.ToArray(), answer);
            if (Connections > new S3Limits().IdleConnectionsMax)
                Assert.Equal(0, await idle[0]!.ReadAsync(answer));
        }
        finally
        {
            foreach (SslStream? one in idle)
                if (one is not null)
                    await one.DisposeAsync();
        }
    });

    // Of reads of a well-behaved client.
    private static async Task<TimeSpan> P99Async(AmazonS3Client s3)
    {
        int reads = Asked is null ? 5 : 200;
        var took = new List<TimeSpan>();
        for (int i = 0; i < reads; i++)
        {
            long started = Stopwatch.GetTimestamp();
            using GetObjectResponse got = await s3.GetObjectAsync(Bucket, "object");
            await got.ResponseStream.CopyToAsync(Stream.Null);
            took.Add(Stopwatch.GetElapsedTime(started));
        }

        return took.Order().ElementAt(reads * 99 / 100);
    }
}
