using Predastore.Cluster.Tests.Harness;
using Predastore.Shards.Disk;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests;

/// <summary>
/// Mistakes that only the rest of a running cluster can see: a node with the wrong key or the wrong disk is refused in one line, and
/// the cluster goes on without it.
/// </summary>
public sealed class IdentityErrorSpecs(ITestOutputHelper output) : ClusterSpecs(output)
{
    private const int Node = 3;

    [Fact]
    public Task Node_that_is_not_itself_should_be_refused() => Cluster.RunAsync(async () =>
    {
        Assert.Equal(0, await Cluster.Process(Node).TerminateAsync());
        ClusterFolder files = Cluster.Files;

        string key = files["other.key"];
        CommandResult made = await S3dProcess.RunAsync(["keygen", "--out", key]);
        Assert.Equal(0, made.ExitCode);
        await RefusedAsync("master key", [.. files.NodeArgs(Node, Cluster.Shape).Select(arg => arg == files.KeyFile ? key : arg)]);

        string foreign = ClusterFolder.Identity(files.StorageFolder(Node));
        await WithAsync(foreign, _ => File.Copy(ClusterFolder.Identity(files.StorageFolder(1)), foreign), "is storage disk 1");
        DiskIdentity identity = IdentityFile.TryRead(new FileDisk(), files.StorageFolder(Node))!;
        await WithAsync(foreign, path => File.WriteAllBytes(path, IdentityFile.Encode(identity with { ClusterId = Guid.NewGuid() })), "belongs to cluster");
    });

    // Puts something else in the place of a file or folder, sees the node refuse it, and puts the old one back.
    private async Task WithAsync(string path, Action<string> replace, string words)
    {
        string kept = path + ".kept";
        Directory.Move(path, kept);
        replace(path);
        try
        {
            await RefusedAsync(words, Cluster.Files.NodeArgs(Node, Cluster.Shape));
        }
        finally
        {
            if (Directory.Exists(path))
                Directory.Delete(path, recursive: true);
            else
                File.Delete(path);
            Directory.Move(kept, path);
        }
    }

    private async Task RefusedAsync(string words, IEnumerable<string> args)
    {
        CommandResult result = await S3dProcess.RunAsync(args);

        Output.WriteLine(result.Error);
        Assert.NotEqual(0, result.ExitCode);
        string line = Assert.Single(result.Error.Split('\n'));
        Assert.StartsWith("s3d: ", line);
        Assert.Contains(words, line);
        Assert.DoesNotContain("   at ", result.Output);
    }
}
