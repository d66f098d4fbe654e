using Predastore.Host.Config;
using Xunit;

namespace Predastore.Host.Tests.Config;

public class ClusterFileSpecs
{
    [Theory]
    [InlineData("3node", 3, 2, 1, 3)]
    [InlineData("5node", 5, 3, 2, 5)]
    [InlineData("7node", 7, 5, 2, 5)]
    public void Shipped_file_should_describe_its_cluster(string name, int nodes, int data, int parity, int replicas)
    {
        ClusterFile file = ClusterFile.Load(Repository.Config(name));

        Assert.Equal(nodes, file.Nodes.Count);
        Assert.Equal((data, parity), (file.Rs.Data, file.Rs.Parity));
        Assert.Equal(replicas, file.Dbs.Count);
        Assert.Equal("ap-southeast-2", file.Region);
        Assert.Equal(8443, file.S3.Port);
        Assert.Equal(new HostPort("127.11.12.3", 6660), file.ControlOf(3));
        Assert.Equal(new HostPort("127.11.12.3", 9993), file.DataOf(3));
        AuthEntry auth = Assert.Single(file.Auths);
        Assert.Equal(("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), (auth.AccessKeyId, auth.SecretAccessKey));
    }

    [Fact]
    public void Every_key_should_be_read()
    {
        ClusterFile file = ClusterFile.Parse(Sample.EveryKey, "all.toml");

        Assert.Equal(("10.0.0.1", 443, 80), (file.S3.Bind, file.S3.Port, file.S3.PlainPort));
        Assert.Equal(["s3.example.com"], file.S3.Domains);
        Assert.Equal(("prod", "0.0.0.0", 7000), (file.Cluster.Name, file.Cluster.Bind, file.Cluster.Port));
        Assert.Equal(new TlsTable("ca.pem", "cert.pem", "key.pem"), file.Tls);
        Assert.Equal(TransportChoice.Tls, file.Transport);
        Assert.Equal([1u, 2u], file.Nodes);
        StorageEntry second = file.Storages[1];
        Assert.Equal((11u, 1u, 2, "rack-1", "/data/11"), (second.Id, second.Node, second.Weight, second.Zone, second.Path));
        Assert.Equal(new HostPort("10.0.0.2", 7000), file.ControlOf(2));
        AuthEntry auth = file.Auths[0];
        Assert.Equal(("Ops", "ops@example.com", new string('a', 64)), (auth.DisplayName, auth.Email, auth.CanonicalId));
        Assert.Equal(new BucketEntry("logs", "eu-west-1", "210987654321", true, file.Buckets[0].Line), file.Buckets[0]);
    }

    [Fact]
    public void Storage_node_should_default_to_its_id_and_account_to_the_first()
    {
        ClusterFile file = ClusterFile.Parse(Sample.Three + "\n[[bucket]]\nname = \"demo\"\n", "x.toml");

        Assert.All(file.Storages, storage => Assert.Equal(storage.Id, storage.Node));
        Assert.Equal("123456789012", file.Buckets[0].AccountId);
        Assert.Equal(64, file.Auths[0].CanonicalId.Length);
    }

    /// <summary>A replacement in the sample, the line that must be named and words that must be said.</summary>
    public static TheoryData<string, string, string, string> Mistakes => new()
    {
        { "version = 1", "", "x.toml:1:", "version = 1" },
        { "version = 1", "version = 2", "x.toml:1:", "version 2" },
        { "version = 1", "version = \"1\"", "x.toml:1:", "must be an integer" },
        { "region = \"eu-west-1\"", "", "x.toml:1:", "region" },
        { "region = \"eu-west-1\"", "region = \"EU West\"", "x.toml:2:", "no region name" },
        { "region = \"eu-west-1\"", "region = \"eu-west-1\"\nregoin = 1", "x.toml:3:", "unknown key 'regoin'" },
        { "region = \"eu-west-1\"", "region = \"eu-west-1\"\nregion = \"b\"", "x.toml:3:", "region" },
        { "region = \"eu-west-1\"", "region = ", "x.toml:2:", "not valid TOML" },
        { "data = 2", "data = \"2\"", "x.toml:5:", "'data' in [rs] is a string; it must be an integer" },
        { "data = 2", "data = 0", "x.toml:5:", "between 1 and 32" },
        { "data = 2", "", "x.toml:4:", "'data' in [rs] is missing" },
        { "data = 2", "data = 3", "x.toml:5:", "4, but there are 3 [[storage]]" },
        { "data = 2", "data = 31\nfoo = 2", "x.toml:6:", "unknown key 'foo' in [rs]" },
        { "parity = 1", "parity = 31", "x.toml:5:", "at most 32" },
        { "[rs]", "[[rs]]", "x.toml:4:", "[[rs]] must be written [rs]" },
        { "[[db]]\nid = 2", "[[db]]\nid = 1", "x.toml:14:", "[[db]] id 1 is already on line 8" },
        { "[[db]]\nid = 2", "[db]\nid = 2", "x.toml:14:", "db" },
        { "[[storage]]\nid = 2", "[[storage]]\nid = 3", "x.toml:38:", "[[storage]] id 3 is already on line 32" },
        { "host = \"127.9.9.2\"\nport = 6660", "host = \"0.0.0.0\"\nport = 6660", "x.toml:16:", "wildcard" },
        { "host = \"127.9.9.2\"\nport = 6660", "host = \"::\"\nport = 6660", "x.toml:16:", "wildcard" },
        { "host = \"127.9.9.2\"\nport = 6660", "host = \"https://a\"\nport = 6660", "x.toml:16:", "no IP address or DNS name" },
        { "host = \"127.9.9.2\"\nport = 6660", "host = \"127.9.9.1\"\nport = 6660", "x.toml:14:", "127.9.9.1:6660, which [[db]] id 1 has on line 8" },
        { "host = \"127.9.9.2\"\nport = 6660", "host = \"127.9.9.2\"\nport = 70000", "x.toml:17:", "between 1 and 65535" },
        { "host = \"127.9.9.2\"\nport = 6660", "host = \"127.9.9.2\"\nport = 8443", "x.toml:14:", "the S3 port" },
        { "host = \"127.9.9.2\"\nport = 9991", "host = \"127.9.9.2\"\nport = 6660", "x.toml:32:", "127.9.9.2:6660" },
        { "path = \"disk-2\"", "path = \"\"", "x.toml:36:", "is empty" },
        { "path = \"disk-2\"", "path = \"../x\"", "x.toml:36:", "leaves the node's folder" },
        { "path = \"disk-2\"", "path = \"db\"", "x.toml:32:", "the same as" },
        { "path = \"disk-2\"", "path = \"./db/\"", "x.toml:32:", "the same as" },
        { "path = \"disk-2\"", "path = \"db/x\"", "x.toml:32:", "inside" },
        { "account_id = \"123456789012\"", "account_id = \"12\"", "x.toml:47:", "12 digits" },
        { "account_id = \"123456789012\"", "account_id = 123456789012", "x.toml:47:", "a string in quotes" },
        { "secret_access_key = \"abcdefghijklmnop\"", "", "x.toml:44:", "secret_access_key" },
        { "[[auth]]", "[[autx]]", "x.toml:44:", "unknown key 'autx'" },
        { "display_name = \"a\"", "[s3]\nport = 0", "x.toml:49:", "between 1 and 65535" },
        { "display_name = \"a\"", "[s3]\nplain_port = 8443", "x.toml:49:", "plain HTTP needs a port of its own" },
        { "display_name = \"a\"", "[s3]\ndomains = \"a\"", "x.toml:49:", "a list of strings" },
        { "display_name = \"a\"", "[transport]\nkind = \"udp\"", "x.toml:49:", "\"auto\", \"quic\" or \"tls\"" },
        { "display_name = \"a\"", "[[bucket]]\nname = \"No\"", "x.toml:48:", "no bucket name" },
        { "display_name = \"a\"", "[[bucket]]\nname = \"abc\"\naccount_id = \"999999999999\"", "x.toml:48:", "in no [[auth]]" },
        { "display_name = \"a\"", "[[bucket]]\nname = \"abc\"\nregion = \"us-east-1\"", "x.toml:50:", "us-east-1" },
        { "display_name = \"a\"", "[[bucket]]\nname = \"abc\"\npublic = 1", "x.toml:50:", "true or false" },
    };

    [Fact]
    public void Paths_of_a_node_should_differ_whatever_its_planes_are_called()
    {
        string text = Sample.Three.Replace("path = \"db\"", "path = \"/data\"").Replace("path = \"disk-", "path = \"/data/disk-");
        for (int node = 1; node <= 3; node++)
            text = text.Replace($"127.9.9.{node}\"\nport = 6660", $"n{node}.example\"\nport = 6660")
                .Replace($"127.9.9.{node}\"\nport = 9991", $"n{node}-data.example\"\nport = 9991");

        Assert.Contains("inside", Assert.Throws<ClusterFileException>(() => ClusterFile.Parse(text, "x.toml")).Message);
    }

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Mistake_should_be_one_line_that_names_the_place(string text, string replacement, string place, string words)
    {
        Assert.Contains(text, Sample.Three);
        var e = Assert.Throws<ClusterFileException>(() => ClusterFile.Parse(ReplaceOnce(Sample.Three, text, replacement), "x.toml"));

        Assert.StartsWith(place, e.Message);
        Assert.Contains(words, e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void Weights_should_fit_one_ring()
    {
        static string With(int disks) => Sample.Three + string.Concat(Enumerable.Range(11, disks).Select(id =>
            $"\n\n[[storage]]\nid = {id}\nnode = 1\nhost = \"127.9.9.1\"\nport = 9991\npath = \"disk-{id}\"\nweight = 1000"));

        Assert.Equal(11, ClusterFile.Parse(With(8), "x.toml").Storages.Count);
        Assert.Contains("sum to 9003, over 8192", Assert.Throws<ClusterFileException>(() => ClusterFile.Parse(With(9), "x.toml")).Message);
    }

    [Fact]
    public void Replicas_should_fit_one_metadata_group()
    {
        string text = Sample.Three + string.Concat(Enumerable.Range(11, 13).Select(id =>
            $"\n\n[[db]]\nid = {id}\nhost = \"127.9.9.{id}\"\nport = 6660\npath = \"db\"\ndata_port = 9991"));

        Assert.Contains("16 [[db]] entries; 15 is the limit", Assert.Throws<ClusterFileException>(() => ClusterFile.Parse(text, "x.toml")).Message);
    }

    [Fact]
    public void Missing_tables_should_be_named()
    {
        foreach (string table in new[] { "[rs]", "[[db]]", "[[storage]]", "[[auth]]" })
        {
            IEnumerable<string> others = Sample.Three.Split("\n\n").Where(part => !part.StartsWith(table, StringComparison.Ordinal));
            var e = Assert.Throws<ClusterFileException>(() => ClusterFile.Parse(string.Join("\n\n", others), "x.toml"));
            Assert.Contains(table, e.Message);
            Assert.Contains("is missing", e.Message);
        }
    }

    [Theory]
    [InlineData("access_key_id = \"AKIATEST\"", "access_key_id = \"AKIAIOSFODNN7EXAMPLE\"")]
    [InlineData("secret_access_key = \"abcdefghijklmnop\"", "secret_access_key = \"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"")]
    public void Well_known_credentials_should_be_refused_where_others_can_reach(string text, string replacement)
    {
        string known = ReplaceOnce(Sample.Three, text, replacement);
        _ = ClusterFile.Parse(known, "x.toml");

        foreach (string open in new[]
        {
            known.Replace("127.9.9.3", "10.0.0.3"),
            known + "\n[s3]\nbind = \"0.0.0.0\"\n",
            known + "\n[cluster]\nbind = \"::\"\n",
        })
        {
            var e = Assert.Throws<ClusterFileException>(() => ClusterFile.Parse(open, "x.toml"));
            Assert.Contains("well-known", e.Message);
            Assert.StartsWith("x.toml:44:", e.Message);
        }
    }

    [Fact]
    public void Nodes_on_different_machines_may_have_the_same_absolute_path_but_not_on_one_machine()
    {
        string remote = Sample.Three.Replace("127.9.9.", "10.0.0.").Replace("\"db\"", "\"/var/db\"");
        _ = ClusterFile.Parse(remote, "x.toml");

        var e = Assert.Throws<ClusterFileException>(() => ClusterFile.Parse(Sample.Three.Replace("\"db\"", "\"/var/db\""), "x.toml"));
        Assert.Contains("the same as", e.Message);
    }

    [Fact]
    public void Storage_without_a_replica_should_need_a_cluster_port()
    {
        string file = string.Join("\n\n", Sample.Three.Split("\n\n").Where(part => !part.StartsWith("[[db]]\nid = 3", StringComparison.Ordinal)));

        var e = Assert.Throws<ClusterFileException>(() => ClusterFile.Parse(file, "x.toml"));

        Assert.Contains("node 3 has no [[db]] entry, so it needs [cluster] port", e.Message);
        Assert.Equal(new HostPort("127.9.9.3", 7777), ClusterFile.Parse(file + "\n[cluster]\nport = 7777\n", "x.toml").ControlOf(3));
    }

    [Fact]
    public void Replica_without_storage_should_need_a_data_port_and_others_should_have_none()
    {
        string file = string.Join("\n\n", Sample.Three.Split("\n\n").Where(part => !part.StartsWith("[[storage]]\nid = 3", StringComparison.Ordinal)))
            .Replace("parity = 1", "parity = 0");
        string with = file.Replace("host = \"127.9.9.3\"", "host = \"127.9.9.3\"\ndata_port = 9993");

        var missing = Assert.Throws<ClusterFileException>(() => ClusterFile.Parse(file, "x.toml"));
        var twice = Assert.Throws<ClusterFileException>(
            () => ClusterFile.Parse(Sample.Three.Replace("id = 3\nhost = \"127.9.9.3\"\nport = 6660", "id = 3\nhost = \"127.9.9.3\"\nport = 6660\ndata_port = 9993"), "x.toml"));
        var taken = Assert.Throws<ClusterFileException>(() => ClusterFile.Parse(with.Replace("data_port = 9993", "data_port = 6660"), "x.toml"));

        Assert.Contains("node 3 has no [[storage]] entry, so its [[db]] entry needs data_port", missing.Message);
        Assert.Contains("remove data_port", twice.Message);
        Assert.Contains("127.9.9.3:6660", taken.Message);
        Assert.Equal(new HostPort("127.9.9.3", 9993), ClusterFile.Parse(with, "x.toml").DataOf(3));
        Assert.NotEqual(
            ClusterFile.Parse(with, "x.toml").SharedDigest(), ClusterFile.Parse(with.Replace("9993", "9994"), "x.toml").SharedDigest());
    }

    [Fact]
    public void Digest_should_cover_what_nodes_must_agree_on_and_nothing_else()
    {
        byte[] digest = ClusterFile.Parse(Sample.Three, "x.toml").SharedDigest();

        foreach (string same in new[] { "secret_access_key = \"abcdefghijklmnop\"", "path = \"disk-2\"", "display_name = \"a\"" })
            Assert.Equal(digest, ClusterFile.Parse(ReplaceOnce(Sample.Three, same, same.Replace("a\"", "b\"").Replace("p\"", "q\"").Replace("-2", "-b")), "y.toml").SharedDigest());
        foreach ((string text, string other) in new[]
        {
            ("data = 2", "data = 1"), ("eu-west-1", "eu-west-2"), ("port = 6660", "port = 6661"),
            ("path = \"disk-2\"", "path = \"disk-2\"\nweight = 2"), ("path = \"disk-2\"", "path = \"disk-2\"\nzone = \"z\""),
        })
            Assert.NotEqual(digest, ClusterFile.Parse(ReplaceOnce(Sample.Three, text, other), "x.toml").SharedDigest());
        // Pinned: nodes of different versions compare it.
        Assert.Equal("0a396e3816110d4f8de16d218a86e4c2b6ecafddcb84ee6b07933084987f6a3e", Convert.ToHexStringLower(digest));
    }

    [Fact]
    public void Secrets_should_not_appear_when_a_file_is_printed()
    {
        ClusterFile file = ClusterFile.Parse(Sample.Three, "x.toml");

        Assert.DoesNotContain("abcdefghijklmnop", file + string.Join(' ', file.Auths));
    }

    private static string ReplaceOnce(string text, string what, string with)
    {
        int at = text.IndexOf(what, StringComparison.Ordinal);
        return text[..at] + with + text[(at + what.Length)..];
    }
}
