using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests;

/// <summary>Memory of a gate is bounded by what is under way, never by the size of objects.</summary>
[Collection(SharedCluster.Name)]
public sealed class MemorySpecs(SharedCluster shared, ITestOutputHelper output)
{
    private const int AtOnceUsual = 4;

    // MEMORY_MEBIBYTES asks for other sizes: what a gate holds must not follow them. MEMORY_ROUNDS asks for more of them one after the other, because
    // sizes compare only where as many bytes went through: a process under load grows for some minutes. MEMORY_AT_ONCE asks for more uploads and
    // as many more downloads.
    private static readonly long ObjectBytes = (long)TestVariables.Number("MEMORY_MEBIBYTES", 64) << 20;
    private static readonly int Rounds = TestVariables.Number("MEMORY_ROUNDS", 1);
    private static readonly int AtOnce = TestVariables.Number("MEMORY_AT_ONCE", AtOnceUsual);
    private static readonly long GateBytesMax = AtOnce > AtOnceUsual ? 1L << 30 : 600L << 20;

    private static readonly TimeSpan Sample = TimeSpan.FromMilliseconds(50);

    [Fact]
    public Task Gate_should_stay_small_under_large_uploads_and_downloads() => shared.Cluster.RunAsync(async () =>
    {
        AmazonS3Client s3 = shared.Cluster.Client(1);
        await s3.PutBucketAsync("memory");
        await PutAsync(s3, 0);
        using var ended = new CancellationTokenSource();
        Task<long> peak = PeakAsync(shared.Cluster.Process(1), ended.Token);

        for (int round = 0; round < Rounds; round++)
            await Task.WhenAll(Enumerable.Range(1, AtOnce).SelectMany(i => new[] { PutAsync(s3, i), GetAsync(s3, 0) }));
        await ended.CancelAsync();

        output.WriteLine($"peak {await peak >> 20} MiB with {AtOnce} uploads and downloads of {ObjectBytes >> 20} MiB, {Rounds} times");
        Assert.InRange(await peak, 1, GateBytesMax);
    });

    private static async Task<long> PeakAsync(S3dProcess process, CancellationToken ended)
    {
        long peak = 0;
        while (!ended.IsCancellationRequested)
        {
            peak = Math.Max(peak, process.ResidentBytes);
            await Task.Delay(Sample, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return peak;
    }

    private static Task PutAsync(AmazonS3Client s3, int i) => s3.PutObjectAsync(new PutObjectRequest
    {
        BucketName = "memory", Key = $"object-{i}", InputStream = new PatternStream(ObjectBytes),
    });

    private static async Task GetAsync(AmazonS3Client s3, int i)
    {
        using GetObjectResponse response = await s3.GetObjectAsync("memory", $"object-{i}");
        await using var expected = new PatternStream(ObjectBytes);
        byte[] got = new byte[1 << 20], wanted = new byte[1 << 20];
        for (long at = 0; at < ObjectBytes;)
        {
            int read = await response.ResponseStream.ReadAsync(got);
            Assert.NotEqual(0, read);
            expected.ReadExactly(wanted, 0, read);
            Assert.True(got.AsSpan(0, read).SequenceEqual(wanted.AsSpan(0, read)), $"bytes from {at}");
            at += read;
        }
    }
}
