using System.Net;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Chaos;
using Predastore.Cluster.Tests.Harness;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Maintenance;

/// <summary>
/// An old image of a node's data is put back, as from a backup: shards of overwritten and deleted objects are never served and go, those
/// written since are rebuilt; an old metadata replica is refused.
/// </summary>
[Collection(Alone.Name)]
public sealed class OldImageSpecs(ITestOutputHelper output)
{
    private const string Bucket = "image";
    private const int Node = 3;
    private const int Objects = 24;

    private static readonly TimeSpan ExactLimit = TimeSpan.FromSeconds(120);

    private readonly ChaosOptions _options = new();
    private readonly Dictionary<string, string?> _expected = [];

    [SkippableFact]
    public async Task Old_disk_should_serve_nothing_stale_and_be_healed_and_an_old_replica_be_refused()
    {
        ChaosOptions.RequireLong();
        await using ChaosCluster chaos = await ChaosCluster.StartAsync(ClusterShape.Three, _options, output);
        S3Cluster cluster = chaos.Nodes;
        ClusterFolder files = cluster.Files;
        await cluster.RunAsync(async () =>
        {
            AmazonS3Client s3 = cluster.Client(1);
            await s3.PutBucketAsync(Bucket);
            for (int i = 0; i < Objects; i++)
                await PutAsync(s3, i);
            await chaos.Nodes.WaitExactAsync(ExactLimit, IsWhole);

            Assert.Equal(0, await cluster.Process(Node).TerminateAsync());
            Copy(files.NodeFolder(Node), files["image"]);
            cluster.StartNode(Node);
            await cluster.WaitReadyAsync();
            for (int i = 0; i < Objects; i++)
            {
                if (i % 3 == 0)
                    await PutAsync(s3, i);
                else if (i % 3 == 1)
                    await DeleteAsync(s3, i);
                await PutAsync(s3, Objects + i);
            }

            await chaos.Nodes.WaitExactAsync(ExactLimit, IsWhole);
            Assert.Equal(0, await cluster.Process(Node).TerminateAsync());
            Replace(files.StorageFolder(Node), Path.Combine(files["image"], Path.GetFileName(files.StorageFolder(Node))));
            cluster.StartNode(Node);
            await cluster.WaitReadyAsync();

            await ReadAllAsync(cluster, cluster.Nodes);
            CommandResult scrub = await S3dProcess.RunAsync(
                ["admin", "storage", "scrub", "--id", $"{Node}", "--config", files.ConfigFile, "--tls-ca", files.CaFile]);
            Assert.True(scrub.ExitCode == 0, scrub.Error);
            TimeSpan exact = await chaos.Nodes.WaitExactAsync(ExactLimit, IsWhole);
            // With another node dead the healed shards are needed.
            await cluster.KillAsync(2);
            await ReadAllAsync(cluster, [1, Node]);
            cluster.StartNode(2);
            await cluster.WaitReadyAsync();

            Assert.Equal(0, await cluster.Process(Node).TerminateAsync());
            Replace(files.DbFolder(Node), Path.Combine(files["image"], Path.GetFileName(files.DbFolder(Node))));
            CommandResult refused = await S3dProcess.RunAsync(files.NodeArgs(Node, cluster.Shape));
            Assert.NotEqual(0, refused.ExitCode);
            Assert.Contains("its folder is a copy or a restored backup", Assert.Single(refused.Error.Split('\n')));
            Assert.True(await ChaosCluster.TakesWriteAsync(s3), "the others stopped with the refused node");
            chaos.Say($"old image: {_expected.Count} keys read right over every gate, census exact {exact.TotalSeconds:0} s after a scrub; an old replica is refused");
        });
    }

    // Objects are in shards, not inline, and every shard has its place.
    private static bool IsWhole(Predastore.Actors.Maintenance.CensusResult census) => census is { Narrow: 0, HealBacklog: 0, GarbageBacklog: 0 };

    private async Task PutAsync(AmazonS3Client s3, int number)
    {
        byte[] body = RandomNumberGenerator.GetBytes(20_000 + (number * 7000));
        await s3.PutObjectAsync(new PutObjectRequest { BucketName = Bucket, Key = $"{number}", InputStream = new MemoryStream(body) });
        _expected[$"{number}"] = Content.Name(body);
    }

    private async Task DeleteAsync(AmazonS3Client s3, int number)
    {
        await s3.DeleteObjectAsync(Bucket, $"{number}");
        _expected[$"{number}"] = null;
    }

    private async Task ReadAllAsync(S3Cluster cluster, IEnumerable<int> gates)
    {
        foreach (int gate in gates)
        {
            AmazonS3Client s3 = cluster.Client(gate);
            foreach ((string key, string? content) in _expected)
                Assert.True(await ReadAsync(s3, key) == content, $"{key}, read from node {gate}, is not what was written last");
        }
    }

    private static async Task<string?> ReadAsync(AmazonS3Client s3, string key)
    {
        try
        {
            using GetObjectResponse response = await s3.GetObjectAsync(Bucket, key);
            return await Content.NameAsync(response.ResponseStream);
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    private static void Replace(string folder, string image)
    {
        Directory.Delete(folder, recursive: true);
        Copy(image, folder);
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(folder.Replace(from, to, StringComparison.Ordinal));
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
            File.Copy(file, file.Replace(from, to, StringComparison.Ordinal));
    }
}
