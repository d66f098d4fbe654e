using Predastore.Host.Config;
using Predastore.Host.Local;
using Predastore.Host.Tests.Commands;
using Xunit;

namespace Predastore.Host.Tests.Local;

public sealed class LocalClusterSpecs : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [SkippableFact]
    public async Task Program_without_arguments_should_run_three_nodes_and_say_what_to_type()
    {
        using var runner = new CommandRunner();
        runner.Environment["XDG_DATA_HOME"] = _temp.Path;
        runner.Launcher.Started = node =>
        {
            if (node.Options.Node == 3)
                _ = WaitForGuideAsync(runner);
        };

        int code = await runner.RunAsync();
        Skip.If(runner.Error.ToString().Contains("is in use", StringComparison.Ordinal), "a built-in cluster runs on this machine");

        Assert.True(code == 0, runner.Error.ToString());
        Assert.Equal([1u, 2u, 3u], runner.Launcher.Nodes.Select(node => node.Options.Node));
        ClusterFile file = ClusterFile.Load(_temp["predastore/cluster.toml"]);
        string guide = runner.Out.ToString();
        Assert.Contains("https://127.11.11.1:8443", guide);
        Assert.Contains(_temp["predastore/certs/ca.pem"], guide);
        Assert.Contains(file.Auths[0].SecretAccessKey, guide);
        Assert.Equal(4, guide.Split('\n').Count(line => line.StartsWith("  aws ", StringComparison.Ordinal) || line.Contains(" status --config ", StringComparison.Ordinal)));
        Assert.Null(ClusterFileRules.KnownCredentials(file));
    }

    private static async Task WaitForGuideAsync(CommandRunner runner)
    {
        // The guide's last line; StringWriter is not synchronised, and only this waits for it.
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!timeout.IsCancellationRequested && !runner.Out.GetStringBuilder().ToString().Contains("Ctrl-C", StringComparison.Ordinal))
            await Task.Delay(20);
        runner.Stop();
    }

    [Fact]
    public void Folder_should_be_kept_and_private()
    {
        LocalCluster first = LocalCluster.Prepare(_temp["p"], TimeProvider.System);
        string[] before = [.. Snapshot()];
        _ = LocalCluster.Prepare(_temp["p"], TimeProvider.System);

        Assert.Equal(before, Snapshot());
        foreach (string secret in new[] { "p/cluster.toml", "p/master.key", "p/certs/ca-key.pem", "p/certs/node-1-key.pem" })
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_temp[secret]));
        Assert.Equal(32, new FileInfo(_temp["p/master.key"]).Length);
        Assert.Equal(_temp["p/cluster.toml"], first.ConfigFile);
        Assert.NotEqual(
            File.ReadAllText(LocalCluster.Prepare(_temp["q"], TimeProvider.System).ConfigFile), File.ReadAllText(first.ConfigFile));

        IEnumerable<string> Snapshot() => Directory.EnumerateFiles(_temp["p"], "*", SearchOption.AllDirectories).Order()
            .Select(path => path + Convert.ToHexString(File.ReadAllBytes(path)));
    }

    [Theory]
    [InlineData("cluster.toml")]
    [InlineData("master.key")]
    public void Lost_key_or_file_should_not_be_replaced_while_data_is_there(string lost)
    {
        _ = LocalCluster.Prepare(_temp["p"], TimeProvider.System);
        Directory.CreateDirectory(_temp["p/node-1"]);
        File.Delete(_temp["p/" + lost]);

        var e = Assert.Throws<StartupException>(() => LocalCluster.Prepare(_temp["p"], TimeProvider.System));
        Assert.Contains(lost, e.Message);
        Assert.False(File.Exists(_temp["p/" + lost]));
    }
}
