using System.Security.Cryptography.X509Certificates;
using Predastore.Host.Tests.Config;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Host.Tests.Commands;

public sealed class CertsAndKeygenSpecs : IDisposable
{
    private readonly TempFolder _temp = new();
    private readonly CommandRunner _runner = new();

    public void Dispose()
    {
        _runner.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public async Task Keygen_should_make_32_private_bytes_once()
    {
        Assert.Equal(0, await _runner.RunAsync("keygen", "--out", _temp["key"]));
        byte[] key = File.ReadAllBytes(_temp["key"]);

        Assert.Equal(32, key.Length);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_temp["key"]));
        Assert.Contains("not overwritten", await _runner.FailAsync(ExitCode.Startup, "keygen", "--out", _temp["key"]));
        Assert.Equal(key, File.ReadAllBytes(_temp["key"]));
        Assert.Equal([_temp["key"]], Directory.GetFiles(_temp.Path));
        Assert.DoesNotContain(Convert.ToHexString(key), _runner.Out.ToString(), StringComparison.OrdinalIgnoreCase);
        await _runner.FailAsync(ExitCode.Startup, "keygen", "--out", _temp["no/such/folder/key"]);
    }

    [Fact]
    public async Task Certs_should_make_what_is_missing_and_keep_the_rest()
    {
        string file = _temp.Write("x.toml", Sample.Three);
        Assert.Equal(0, await _runner.RunAsync("certs", "--config", file, "--out", _temp["c"]));
        string ca = File.ReadAllText(_temp["c/ca.pem"]);
        string first = File.ReadAllText(_temp["c/node-1.pem"]);
        File.Delete(_temp["c/node-2.pem"]);

        Assert.Equal(0, await _runner.RunAsync("certs", "--config", file, "--out", _temp["c"]));

        Assert.Equal((ca, first), (File.ReadAllText(_temp["c/ca.pem"]), File.ReadAllText(_temp["c/node-1.pem"])));
        for (uint node = 1; node <= 3; node++)
        {
            using ClusterTrust trust = ClusterTrust.Load(
                ca, File.ReadAllText(_temp[$"c/node-{node}.pem"]), File.ReadAllText(_temp[$"c/node-{node}-key.pem"]));
            Assert.Equal(node, trust.Node);
            Assert.True(trust.Certificate.MatchesHostname("127.9.9." + node));
            PemFile.RequirePrivate(_temp[$"c/node-{node}-key.pem"]);
        }
        PemFile.RequirePrivate(_temp["c/ca-key.pem"]);
    }

    [Fact]
    public async Task Certs_should_cover_buckets_in_host_names()
    {
        string file = _temp.Write("x.toml", Sample.EveryKey);
        Assert.Equal(0, await _runner.RunAsync("certs", "--config", file, "--out", _temp["c"]));

        using X509Certificate2 cert = X509Certificate2.CreateFromPem(File.ReadAllText(_temp["c/node-1.pem"]));
        Assert.True(cert.MatchesHostname("bucket.s3.example.com"));
        Assert.True(cert.MatchesHostname("s3.example.com"));
    }

    [Fact]
    public async Task Certs_should_refuse_what_would_split_a_cluster()
    {
        string file = _temp.Write("x.toml", Sample.Three);
        string[] args = ["certs", "--config", file, "--out", _temp["c"]];
        Assert.Equal(0, await _runner.RunAsync(args));

        File.Move(_temp["c/ca-key.pem"], _temp["saved"]);
        File.Delete(_temp["c/node-2.pem"]);
        Assert.Contains("no certificate for node 2", await _runner.FailAsync(ExitCode.Startup, args));
        File.Move(_temp["saved"], _temp["c/ca-key.pem"]);
        File.Copy(_temp["c/node-1.pem"], _temp["c/node-2.pem"]);
        File.Copy(_temp["c/node-1-key.pem"], _temp["c/node-2-key.pem"], overwrite: true);
        Assert.Contains("bound to node 1", await _runner.FailAsync(ExitCode.Startup, args));
        File.Delete(_temp["c/ca.pem"]);
        Assert.Contains("ca.pem is gone", await _runner.FailAsync(ExitCode.Startup, args));
    }

    [Fact]
    public async Task Check_should_print_the_digest_or_the_mistake()
    {
        Assert.Equal(0, await _runner.RunAsync("check", "--config", _temp.Write("x.toml", Sample.Three)));
        Assert.Contains("3 nodes, 3 metadata replicas, 3 storage ids, RS(2,1), digest ", _runner.Out.ToString());

        Assert.Contains("y.toml:1: ", await _runner.FailAsync(ExitCode.ClusterFile, "check", "--config", _temp.Write("y.toml", "x = 1")));
    }
}
