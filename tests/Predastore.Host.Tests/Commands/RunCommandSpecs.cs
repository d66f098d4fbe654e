using System.Net;
using System.Net.Sockets;
using Predastore.Host.Config;
using Predastore.Host.Local;
using Predastore.Shards.Crypto;
using Predastore.Host.Tests.Config;
using Xunit;

namespace Predastore.Host.Tests.Commands;

public sealed class RunCommandSpecs : IDisposable
{
    private readonly TempFolder _temp = new();
    private readonly CommandRunner _runner = new();
    private readonly string _hosts = $"127.{Random.Shared.Next(20, 250)}.{Random.Shared.Next(1, 255)}.";
    private readonly string _file;

    public RunCommandSpecs()
    {
        _file = _temp.Write("x.toml", Sample.Three.Replace("127.9.9.", _hosts));
        new CertificateFolder(_temp["certs"]).Fill(ClusterFile.Load(_file), TimeProvider.System);
        MasterKeyFile.Create(_temp["key"]);
    }

    private string[] Args(params string[] more) =>
    [
        "--config", _file, "--base-path", _temp["data"], "--tls-ca", _temp["certs/ca.pem"],
        "--tls-cert", _temp["certs/node-{node}.pem"], "--tls-key", _temp["certs/node-{node}-key.pem"],
        "--encryption-key-file", _temp["key"], .. more,
    ];

    public void Dispose()
    {
        _runner.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public async Task One_node_should_start_with_its_options_and_stop_in_order()
    {
        _runner.Launcher.Started = _ => _runner.Stop();

        Assert.Equal(0, await _runner.RunAsync(Args("--node", "2", "--log-level", "Trace")));

        FakeNode node = Assert.Single(_runner.Launcher.Nodes);
        Assert.Equal((2u, Microsoft.Extensions.Logging.LogLevel.Trace), (node.Options.Node, node.Options.LogLevel));
        Assert.True(node.Stopped);
        Assert.Equal("", _runner.Error.ToString());
    }

    [Fact]
    public async Task All_nodes_should_run_in_one_process_without_a_number()
    {
        _runner.Launcher.Started = node =>
        {
            if (node.Options.Node == 3)
                _runner.Stop();
        };

        Assert.Equal(0, await _runner.RunAsync(Args()));

        Assert.Equal([1u, 2u, 3u], _runner.Launcher.Nodes.Select(node => node.Options.Node));
        Assert.All(_runner.Launcher.Nodes, node => Assert.True(node.Stopped));
    }

    [Fact]
    public async Task Node_that_cannot_start_should_stop_those_before_it()
    {
        _runner.Launcher.Refuse = options => options.Node == 2 ? new StartupException("the disk\nis foreign") : null;

        Assert.Contains("the disk is foreign", await _runner.FailAsync(ExitCode.Startup, Args()));
        Assert.True(Assert.Single(_runner.Launcher.Nodes).Stopped);
    }

    [Fact]
    public async Task Node_that_fails_later_should_end_the_process_with_its_reason()
    {
        _runner.Launcher.Started = node => node.Fail(new InvalidOperationException("journal\nlost"));

        Assert.Contains("node 1 failed: journal lost", await _runner.FailAsync(ExitCode.Failed, Args("--node", "1")));
        Assert.True(Assert.Single(_runner.Launcher.Nodes).Stopped);
    }

    [Theory]
    [InlineData(8443, "S3", "--port")]
    [InlineData(6660, "control", "[[db]] id 1")]
    [InlineData(9991, "data", "[[storage]] id 1")]
    public async Task Port_in_use_should_be_named_with_its_flag(int port, string what, string flag)
    {
        using var taken = new TcpListener(IPAddress.Parse(_hosts + "1"), port);
        taken.Start();

        string error = await _runner.FailAsync(ExitCode.Startup, Args("--node", "1"));

        Assert.Contains($"port {_hosts}1:{port} ({what}) is in use", error);
        Assert.Contains(flag, error);
        Assert.Empty(_runner.Launcher.Nodes);
    }

    [Fact]
    public async Task Address_of_another_machine_should_be_refused()
    {
        // TEST-NET-1 (RFC 5737) is on nobody's machine.
        string error = await _runner.FailAsync(ExitCode.Startup, Args("--node", "1", "--host", "192.0.2.1"));

        Assert.Contains("192.0.2.1 (S3) is no address of this machine; correct --host", error);
    }

    [Fact]
    public async Task Wrong_files_should_be_refused_in_one_line()
    {
        string key = _temp["certs/node-1-key.pem"];
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Contains("chmod 600", await _runner.FailAsync(ExitCode.Startup, Args("--node", "1")));
        File.SetUnixFileMode(key, UnixFileMode.UserRead);

        Assert.Contains("is that of node 2, and this is node 1", await _runner.FailAsync(ExitCode.Startup,
            [.. Args("--node", "1")[..4], "--node", "1", "--tls-ca", _temp["certs/ca.pem"], "--tls-cert", _temp["certs/node-2.pem"],
             "--tls-key", _temp["certs/node-2-key.pem"], "--encryption-key-file", _temp["key"]]));

        File.SetUnixFileMode(_temp["key"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        Assert.Contains("chmod 600", await _runner.FailAsync(ExitCode.Startup, Args("--node", "1")));
        File.SetUnixFileMode(_temp["key"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllBytes(_temp["key"], new byte[31]);
        Assert.Contains("31 bytes", await _runner.FailAsync(ExitCode.Startup, Args("--node", "1")));
        File.Delete(_temp["key"]);
        Assert.Contains("s3d keygen", await _runner.FailAsync(ExitCode.Startup, Args("--node", "1")));
        File.Delete(_temp["certs/ca.pem"]);
        Assert.Contains("--tls-ca", await _runner.FailAsync(ExitCode.Startup, Args("--node", "1")));
        _temp.Write("x.toml", "version = 1\nregoin = 1");
        Assert.Contains("x.toml:", await _runner.FailAsync(ExitCode.ClusterFile, Args("--node", "1")));
        File.Delete(_file);
        Assert.Contains("no such cluster file", await _runner.FailAsync(ExitCode.Startup, Args("--node", "1")));
    }

    [Fact]
    public async Task Base_path_that_is_a_file_should_be_refused()
    {
        _temp.Write("data", "");

        Assert.Contains("--base-path", await _runner.FailAsync(ExitCode.Startup, Args("--node", "1")));
    }

    [Theory]
    [InlineData("--nod", "1")]
    [InlineData("--node", "one")]
    [InlineData("--node")]
    [InlineData("--port", "8443")]
    [InlineData("frobnicate")]
    public async Task Wrong_command_line_should_be_one_line(params string[] args) =>
        await _runner.FailAsync(ExitCode.Usage, args);
}
