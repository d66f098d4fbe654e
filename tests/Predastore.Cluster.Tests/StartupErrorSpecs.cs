using System.Net;
using System.Net.Sockets;
using Predastore.Cluster.Tests.Harness;
using Xunit;

namespace Predastore.Cluster.Tests;

/// <summary>What an operator got wrong is one line on stderr of the real program, and an exit code that is not 0.</summary>
public sealed class StartupErrorSpecs : IAsyncLifetime
{
    private S3Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await S3Cluster.CreateAsync(ClusterShape.Three);

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Key_file_should_be_32_private_bytes()
    {
        string key = _cluster.Files.KeyFile;
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        await RefusedAsync("chmod 600");
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllBytes(key, new byte[31]);
        await RefusedAsync("31 bytes");
        File.Delete(key);
        await RefusedAsync("does not exist");
    }

    [Fact]
    public async Task Cluster_file_should_be_strict()
    {
        string text = File.ReadAllText(_cluster.Files.ConfigFile);
        File.WriteAllText(_cluster.Files.ConfigFile, text.Replace("[rs]", "[rs]\nspare = 1"));
        await RefusedAsync("cluster.toml:5: unknown key 'spare' in [rs]");
        File.WriteAllText(_cluster.Files.ConfigFile, text.Replace("parity = 1", "parity = 2"));
        await RefusedAsync("data + parity is 4, but there are 3 [[storage]] entries");
    }

    [Fact]
    public async Task Hocon_that_is_none_should_be_named()
    {
        string file = _cluster.Files["wrong.conf"];
        File.WriteAllText(file, "akka { loglevel = ${ }");

        AssertRefused(
            await S3dProcess.RunAsync(_cluster.Files.NodeArgs(1, _cluster.Shape), prefix: ["env", $"S3D_HOCON={file}"]), $"{file}, named by S3D_HOCON");
    }

    [Fact]
    public async Task Port_in_use_should_be_named()
    {
        using var taken = new TcpListener(IPAddress.Parse(_cluster.Host(1)), ClusterFolder.S3Port);
        taken.Start();

        await RefusedAsync($"port {_cluster.Host(1)}:{ClusterFolder.S3Port} (S3) is in use");
    }

    [Fact]
    public async Task Data_port_in_use_should_be_named()
    {
        using var taken = new TcpListener(IPAddress.Parse(_cluster.Host(1)), _cluster.DataPort(1));
        taken.Start();

        await RefusedAsync($"port {_cluster.Host(1)}:{_cluster.DataPort(1)} (data) is in use");
    }

    [SkippableFact]
    public async Task Full_disk_should_be_named()
    {
        string folder = _cluster.Files.NodeFolder(1);
        Directory.CreateDirectory(folder);
        // A small file system of the process's own: nothing of it is left when the process ends.
        string[] mounted = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs -o size=4m tmpfs \"$0\" && exec \"$@\"", folder];
        Skip.IfNot(await S3dProcess.CanRunAsync([.. mounted, "true"]), "this machine lets nobody mount in a namespace");

        CommandResult result = await S3dProcess.RunAsync(_cluster.Files.NodeArgs(1, _cluster.Shape), prefix: mounted);

        AssertRefused(result, "no space for");
        Assert.Contains("free some", result.Error);
    }

    [Fact]
    public async Task Harness_should_show_why_a_node_ended()
    {
        File.Delete(_cluster.Files.CaFile);
        _cluster.StartNode(1);

        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => _cluster.WaitReadyAsync());

        Assert.Contains("exit code 3", e.Message);
        Assert.Contains("--tls-ca", e.Message);
    }

    private async Task RefusedAsync(string words)
    {
        AssertRefused(await S3dProcess.RunAsync(_cluster.Files.NodeArgs(1, _cluster.Shape)), words);
    }

    private static void AssertRefused(CommandResult result, string words)
    {
        Assert.NotEqual(0, result.ExitCode);
        string line = Assert.Single(result.Error.Split('\n'));
        Assert.StartsWith("s3d: ", line);
        Assert.Contains(words, line);
    }
}
