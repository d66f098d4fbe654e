using System.Text.Json;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;
using Predastore.Http.Admin.Replicas;
using Xunit;

namespace Predastore.Cluster.Tests;

/// <summary>
/// Real processes: the metadata group is changed with <c>s3d admin replica</c> while it serves. Node 1 has a replica and no storage, node 4
/// storage and no replica.
/// </summary>
public sealed class ReplicaSpecs(ReplicaSpecs.Fixture fixture) : IClassFixture<ReplicaSpecs.Fixture>
{
    private S3Cluster Cluster => fixture.Cluster;

    [Fact]
    public Task Wiped_replica_should_be_replaced_while_the_cluster_serves() => Cluster.RunAsync(async () =>
    {
        AmazonS3Client s3 = Cluster.Client(4);
        await s3.PutBucketAsync("kept");
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => s3.PutObjectAsync(
            new PutObjectRequest { BucketName = "kept", Key = $"before/{i}", ContentBody = new string('x', 2_000) })));
        Replica old = Assert.Single((await ListAsync()).Replicas, replica => replica.Node == 1);
        await Cluster.KillAsync(1);
        Directory.Delete(Cluster.Files.DbFolder(1), recursive: true);

        // A disk that is not mounted looks the same: whoever knows better has to say so.
        CommandResult refused = await S3dProcess.RunAsync(Cluster.Files.NodeArgs(1, Cluster.Shape));
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("start the node with --new-replica", Assert.Single(refused.Error.Split('\n')));

        // It serves S3 at once; only its replica has to wait.
        Cluster.StartNode(1, "--new-replica");
        await Cluster.WaitReadyAsync(1);
        Assert.Equal(["voter unreachable", "none waiting"], (await ListAsync()).Replicas
            .Where(replica => replica.Node == 1).Select(replica => $"{replica.Member} {replica.Role}"));
        using var stop = new CancellationTokenSource();
        Task<int> writing = WriteAsync(s3, stop.Token);

        // What it is filled with is over 32 KiB: its data plane takes that.
        CommandResult replaced = await AdminAsync("replace", "--node", "1", "--timeout", "60");

        await stop.CancelAsync();
        Assert.True(replaced.ExitCode == 0, replaced.Error + replaced.Output);
        Assert.True(await writing > 0);
        Replica fresh = Assert.Single((await ListAsync()).Replicas, replica => replica.Node == 1);
        Assert.Equal("voter", fresh.Member);
        Assert.NotEqual(old.Incarnation, fresh.Incarnation);

        // The new vote counts: without node 2 it and node 3 go on.
        await Cluster.KillAsync(2);
        await S3Cluster.WaitUntilAsync(
            async () => await TryPutAsync(s3, "after"), TimeSpan.FromSeconds(30), "a PUT with the new replica's vote");
        using GetObjectResponse got = await Cluster.Client(1).GetObjectAsync("kept", "before/99");
        Assert.Equal(2_000, (await new StreamReader(got.ResponseStream).ReadToEndAsync()).Length);
        Cluster.StartNode(2);
        await Cluster.WaitReadyAsync();
    });

    [Fact]
    public Task Leader_should_be_removed_only_when_that_was_meant() => Cluster.RunAsync(async () =>
    {
        uint leader = (await ListAsync()).Leader ?? throw new InvalidOperationException("no leader");

        CommandResult careless = await AdminAsync("remove", "--node", $"{leader}");
        Assert.Equal(6, careless.ExitCode);
        Assert.Contains("survives 1 of 3", careless.Error);

        CommandResult meant = await AdminAsync("remove", "--node", $"{leader}", "--fewer");
        Assert.True(meant.ExitCode == 0, meant.Error);
        ReplicaList after = await ListAsync();
        Assert.Equal(2, after.Replicas.Count(replica => replica.Member == "voter"));
        Assert.NotEqual(leader, after.Leader);

        // The node serves on as a gate, and may come back by the same way as any other.
        await Cluster.WaitReadyAsync((int)leader);
        await Cluster.Client((int)leader).PutBucketAsync("through-the-gate");
        CommandResult again = await AdminAsync("add", "--node", $"{leader}");
        Assert.True(again.ExitCode == 0, again.Error);
        CommandResult promoted = await AdminAsync("promote", "--node", $"{leader}");
        Assert.True(promoted.ExitCode == 0, promoted.Error);
        Assert.Equal(3, (await ListAsync()).Replicas.Count(replica => replica.Member == "voter"));
    });

    private async Task<ReplicaList> ListAsync()
    {
        CommandResult result = await AdminAsync("list", "--json");
        return result.ExitCode == 0
            ? JsonSerializer.Deserialize(result.Output, ReplicaJson.Default.ReplicaList)!
            : throw new InvalidOperationException(result.Error);
    }

    private Task<CommandResult> AdminAsync(params string[] verb) => S3dProcess.RunAsync(
        ["admin", "replica", .. verb, "--config", Cluster.Files.ConfigFile, "--tls-ca", Cluster.Files.CaFile]);

    private static async Task<int> WriteAsync(AmazonS3Client s3, CancellationToken stop)
    {
        int written = 0;
        while (!stop.IsCancellationRequested)
            written += await TryPutAsync(s3, $"during/{written}") ? 1 : 0;
        return written;
    }

    private static async Task<bool> TryPutAsync(AmazonS3Client s3, string key)
    {
        try
        {
            await s3.PutObjectAsync(new PutObjectRequest { BucketName = "kept", Key = key, ContentBody = "x" });
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == System.Net.HttpStatusCode.ServiceUnavailable)
        {
            return false;
        }
    }

    public sealed class Fixture() : ClusterFixture(new ClusterShape(4, 2, 1) { Replicas = 3, FirstStorageNode = 2 });
}
