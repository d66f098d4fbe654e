using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Actors.Maintenance;
using Predastore.Cluster.Tests.Harness;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests;

/// <summary><c>s3d admin census</c> against real processes: it must see what is there, and what is not.</summary>
public sealed class CensusSpecs(ITestOutputHelper output) : ClusterSpecs(output)
{
    private const int Objects = 12;

    [Fact]
    public Task Census_should_count_shards_against_rows() => Cluster.RunAsync(async () =>
    {
        AmazonS3Client s3 = Cluster.Client(1);
        await s3.PutBucketAsync("census");
        foreach (int i in Enumerable.Range(0, Objects))
            await s3.PutObjectAsync(new PutObjectRequest { BucketName = "census", Key = $"{i}", InputStream = new MemoryStream(new byte[50_000 + i]) });

        using (HttpResponseMessage anonymous = await Cluster.Http().GetAsync("/_/admin/census"))
            Assert.Equal(System.Net.HttpStatusCode.Forbidden, anonymous.StatusCode);

        // A write that found a node not joined yet is narrow until it is rewritten.
        CensusResult whole = await Cluster.CensusAsync();
        await S3Cluster.WaitUntilAsync(
            async () => (whole = await Cluster.CensusAsync()) is { Exact: true, Named: 3 * Objects }
                && whole.Disks.Sum(disk => disk.Listed) == 3 * Objects,
            TimeSpan.FromSeconds(60), "full width");
        Assert.Equal((Objects, 3 * Objects), (whole.Rows, whole.Present));

        await Cluster.KillAsync(3);
        CensusResult without = await Cluster.CensusAsync();
        Assert.Equal((2 * Objects, Objects), (without.Present, without.Unreachable));
        Assert.False(without.Complete);
        CommandResult shown = await S3dProcess.RunAsync(
            ["admin", "census", "--config", Cluster.Files.ConfigFile, "--tls-ca", Cluster.Files.CaFile, "--endpoint", Cluster.Endpoint(2).ToString()]);
        Assert.Equal(1, shown.ExitCode);
        Assert.StartsWith("NOT COMPLETE", shown.Output);

        Cluster.StartNode(3);
        await Cluster.WaitReadyAsync();
        await S3Cluster.WaitUntilAsync(async () => (await Cluster.CensusAsync()).Exact, TimeSpan.FromSeconds(30), "a census without gaps");
        foreach (int i in Enumerable.Range(0, Objects))
            await s3.DeleteObjectAsync("census", $"{i}");
        await S3Cluster.WaitUntilAsync(
            async () => await Cluster.CensusAsync() is { Rows: 0, Exact: true } left && left.Disks.All(disk => disk.Listed == 0),
            TimeSpan.FromSeconds(60), "empty disks after everything was deleted");
    });
}
