using Predastore.Host.Config;
using Predastore.Host.Tests.Config;
using Xunit;

namespace Predastore.Host.Tests;

public class NodeOptionsResolverSpecs
{
    private static readonly NodeFlags Complete = new()
    {
        Node = 2,
        BasePath = "/base",
        TlsCa = "/c/ca.pem",
        TlsCert = "/c/node-{node}.pem",
        TlsKey = "/c/node-{node}-key.pem",
        EncryptionKeyFiles = ["/k/new", "/k/old"],
    };

    private static readonly ClusterFile Three = ClusterFile.Parse(Sample.Three, "/etc/p/x.toml");

    [Fact]
    public void One_node_should_have_everything_resolved()
    {
        NodeOptions node = Assert.Single(Resolve(Three, Complete));

        Assert.Equal((2u, false), (node.Node, node.AllInProcess));
        Assert.Equal("/base/node-2", node.NodeFolder);
        Assert.Equal("/base/node-2/db", node.Db!.Folder);
        Assert.Equal("/base/node-2/disk-2", Assert.Single(node.Storages).Folder);
        Assert.Equal("127.9.9.2:8443", node.S3.ToString());
        Assert.Equal(new HostPort("127.9.9.2", 6660), node.Control);
        Assert.Equal(new HostPort("127.9.9.2", 9991), node.Data);
        Assert.Equal(new TlsFiles("/c/ca.pem", "/c/node-2.pem", "/c/node-2-key.pem"), node.Tls);
        Assert.Equal(["/k/new", "/k/old"], node.MasterKeyFiles);
    }

    [Fact]
    public void Flags_should_win_over_the_file()
    {
        ClusterFile file = ClusterFile.Parse(Sample.EveryKey, "/etc/p/all.toml");
        NodeFlags silent = new() { Node = 1, BasePath = "/b", EncryptionKeyFiles = ["/k"] };

        NodeOptions fromFile = Assert.Single(Resolve(file, silent));
        NodeOptions fromFlags = Assert.Single(Resolve(file, silent with { Host = "10.0.0.9", Port = 9443, TlsCa = "/c/ca.pem" }));

        Assert.Equal(("10.0.0.1:443", "10.0.0.1:80"), (fromFile.S3.ToString(), fromFile.S3Plain!.ToString()));
        Assert.Equal(("10.0.0.9:9443", "10.0.0.9:80"), (fromFlags.S3.ToString(), fromFlags.S3Plain!.ToString()));
        Assert.Equal("/etc/p/ca.pem", fromFile.Tls.CaFile);
        Assert.Equal(new TlsFiles("/c/ca.pem", "/etc/p/cert.pem", "/etc/p/key.pem"), fromFlags.Tls);
        Assert.Equal(("0.0.0.0", "0.0.0.0"), (fromFile.ControlBind, fromFile.DataBind));
        Assert.Equal([11u, 12u], fromFile.Storages.Select(storage => storage.Entry.Id));
        Assert.Equal("/data/11", fromFile.Storages[0].Folder);
    }

    [Fact]
    public void Without_a_node_all_should_run_on_loopback()
    {
        IReadOnlyList<NodeOptions> nodes = Resolve(Three, Complete with { Node = null });

        Assert.Equal([1u, 2u, 3u], nodes.Select(node => node.Node));
        Assert.All(nodes, node => Assert.True(node.AllInProcess));
        Assert.Equal("/c/node-3.pem", nodes[2].Tls.CertFile);
    }

    [Fact]
    public void Key_file_should_come_from_the_environment_where_no_flag_names_one()
    {
        NodeFlags flags = Complete with { EncryptionKeyFiles = [] };

        Assert.Equal(["/env/key"], NodeOptionsResolver.Resolve(Three, flags, name => name == "ENCRYPTION_KEY_FILE" ? "/env/key" : null)[0].MasterKeyFiles);
        AssertRefused("no master key", () => Resolve(Three, flags));
    }

    [Fact]
    public void What_contradicts_should_be_refused_in_one_line()
    {
        AssertRefused("has no node 4; --node must be one of 1, 2, 3", () => Resolve(Three, Complete with { Node = 4 }));
        AssertRefused("--base-path", () => Resolve(Three, Complete with { BasePath = null }));
        AssertRefused("--tls-cert", () => Resolve(Three, Complete with { TlsCert = null }));
        AssertRefused("--host is for one node", () => Resolve(Three, Complete with { Node = null, Host = "127.0.0.1" }));
        AssertRefused("--port 0", () => Resolve(Three, Complete with { Port = 0 }));
        AssertRefused("--host a b", () => Resolve(Three, Complete with { Host = "a b" }));
        AssertRefused("add --node N", () => Resolve(ClusterFile.Parse(Sample.EveryKey, "/e/a.toml"), Complete with { Node = null }));
    }

    [Fact]
    public void Well_known_credentials_should_be_refused_where_a_flag_opens_the_door()
    {
        ClusterFile file = ClusterFile.Parse(Sample.Three.Replace("AKIATEST", "AKIAIOSFODNN7EXAMPLE"), "x.toml");
        _ = Resolve(file, Complete with { Host = "127.0.0.1" });

        var e = Assert.Throws<ClusterFileException>(() => Resolve(file, Complete with { Host = "0.0.0.0" }));
        Assert.Contains("well-known", e.Message);
    }

    private static IReadOnlyList<NodeOptions> Resolve(ClusterFile file, NodeFlags flags) => NodeOptionsResolver.Resolve(file, flags, _ => null);

    private static void AssertRefused(string words, Action resolve)
    {
        string message = Assert.Throws<StartupException>(resolve).Message;
        Assert.Contains(words, message);
        Assert.DoesNotContain('\n', message);
    }
}
