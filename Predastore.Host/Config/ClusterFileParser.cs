using System.Security.Cryptography;
using System.Text;
using Predastore.Actors.Raft.Core;

namespace Predastore.Host.Config;

/// <summary>TOML text -> <see cref="ClusterFile"/>: names, types, ranges and shapes of single values. What concerns several entries is in <see cref="ClusterFileRules"/>.</summary>
internal static class ClusterFileParser
{
    private const int PortMax = 65535;
    private const int DbsMax = RaftNode.MembersMax;
    private const int StoragesMax = 1024;

    public static ClusterFile Parse(string text, string source)
    {
        var root = new TomlSection(TomlTree.Parse(text, source), "", source);
        CheckVersion(root);
        string region = root.RequiredString("region", "add region = \"ap-southeast-2\" or the region your clients sign for");
        if (region.Length > 64 || !region.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
            throw root.Error("region", $"region \"{region}\" is no region name; use lower-case letters, digits and hyphens");

        TomlSection rs = root.OptionalTable("rs") ?? throw root.Missing("[rs]", "add [rs] with data = 2 and parity = 1");
        IReadOnlyList<TomlSection> dbs = root.Tables("db");
        IReadOnlyList<TomlSection> storages = root.Tables("storage");
        IReadOnlyList<TomlSection> auths = root.Tables("auth");
        IReadOnlyList<TomlSection> buckets = root.Tables("bucket");
        TomlSection? s3 = root.OptionalTable("s3");
        TomlSection? cluster = root.OptionalTable("cluster");
        TomlSection? tls = root.OptionalTable("tls");
        TomlSection? transport = root.OptionalTable("transport");
        // Before the entries are read: a misspelt [[storge]] is a better answer than "no [[storage]]".
        root.Done();
        RequireSome(root, dbs, "db", "one for each metadata replica (1, 3 or 5)", DbsMax);
        RequireSome(root, storages, "storage", "one for each disk", StoragesMax);
        RequireSome(root, auths, "auth", "access_key_id, secret_access_key and account_id", 10_000);

        List<AuthEntry> parsedAuths = [.. auths.Select(ReadAuth)];
        return new ClusterFile
        {
            Source = source,
            Region = region,
            Rs = ReadRs(rs),
            Dbs = [.. dbs.Select(ReadDb).OrderBy(db => db.Node)],
            Storages = [.. storages.Select(ReadStorage).OrderBy(storage => storage.Id)],
            Auths = parsedAuths,
            Buckets = [.. buckets.Select(bucket => ReadBucket(bucket, region, parsedAuths[0].AccountId))],
            S3 = ReadS3(s3, root.Line),
            Cluster = ReadCluster(cluster, root.Line),
            Tls = ReadTls(tls),
            Transport = ReadTransport(transport),
        };
    }

    private static void CheckVersion(TomlSection root)
    {
        if (!root.Has("version"))
            throw root.Missing("version", "add version = 1 as the first line");
        if (root.RequiredInt("version", 0, int.MaxValue, "") is var version and not 1)
            throw root.Error("version", $"version {version} is not known to this program; it reads version = 1");
    }

    private static void RequireSome(TomlSection root, IReadOnlyList<TomlSection> entries, string name, string what, int max)
    {
        if (entries.Count == 0)
            throw root.Missing($"[[{name}]]", $"add {what}");
        if (entries.Count > max)
            throw root.Error(name, $"{entries.Count} [[{name}]] entries; {max} is the limit");
    }

    private static RsTable ReadRs(TomlSection rs)
    {
        int data = rs.RequiredInt("data", 1, RsTable.ShardsMax, "it is the number of data shards, K");
        int parity = rs.RequiredInt("parity", 0, RsTable.ShardsMax, "it is the number of parity shards, M");
        rs.Done();
        return new RsTable(data, parity, rs.LineOf("data"));
    }

    private static DbEntry ReadDb(TomlSection db)
    {
        uint node = ReadId(db, "id", "it is the node number");
        HostPort address = ReadAddress(db);
        string path = ReadPath(db);
        int? dataPort = db.OptionalInt("data_port", 1, PortMax);
        db.Done();
        return new DbEntry(node, address, path, dataPort, db.Line);
    }

    private static StorageEntry ReadStorage(TomlSection storage)
    {
        uint id = ReadId(storage, "id", "it names this disk for ever");
        uint node = storage.Has("node") ? ReadId(storage, "node", "") : id;
        HostPort address = ReadAddress(storage);
        string path = ReadPath(storage);
        int weight = storage.OptionalInt("weight", 1, 1000) ?? 1;
        string zone = storage.OptionalString("zone") ?? "";
        storage.Done();
        return new StorageEntry(id, node, address, path, weight, zone, storage.Line);
    }

    private static AuthEntry ReadAuth(TomlSection auth)
    {
        string key = auth.RequiredString("access_key_id", "add access_key_id = \"...\"");
        if (key.Length is < 3 or > 128 || !key.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.'))
            throw auth.Error("access_key_id", "access_key_id must be 3 to 128 letters, digits, '_', '-' or '.'");
        string secret = auth.RequiredString("secret_access_key", "add secret_access_key = \"...\"");
        if (secret.Length is < 8 or > 128)
            throw auth.Error("secret_access_key", "secret_access_key must be 8 to 128 characters; 40 random ones are usual");
        string account = auth.RequiredString("account_id", "add account_id = \"123456789012\", 12 digits");
        if (account.Length != 12 || !account.All(char.IsAsciiDigit))
            throw auth.Error("account_id", $"account_id \"{account}\" is not 12 digits");
        string? canonical = auth.OptionalString("canonical_id");
        if (canonical is not null && (canonical.Length != 64 || !canonical.All(char.IsAsciiHexDigitLower)))
            throw auth.Error("canonical_id", "canonical_id must be 64 lower-case hex digits; leave it out to have it derived from account_id");
        string display = auth.OptionalString("display_name") ?? account;
        string? email = auth.OptionalString("email");
        auth.Done();
        return new AuthEntry(key, secret, account, display, email, canonical ?? CanonicalIdOf(account), auth.Line);
    }

    /// <summary>64 hex digits that stay the same for an account on every node: SHA-256 of a label and the account id.</summary>
    private static string CanonicalIdOf(string account) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes("predastore canonical id " + account)));

    private static BucketEntry ReadBucket(TomlSection bucket, string region, string firstAccount)
    {
        string name = bucket.RequiredString("name", "add name = \"my-bucket\"");
        string bucketRegion = bucket.OptionalString("region") ?? region;
        if (bucketRegion != region)
            throw bucket.Error("region", $"bucket \"{name}\" is in region \"{bucketRegion}\", the cluster is \"{region}\"; remove the line");
        string account = bucket.OptionalString("account_id") ?? firstAccount;
        bool isPublic = bucket.OptionalBool("public", false);
        bucket.Done();
        return new BucketEntry(name, bucketRegion, account, isPublic, bucket.Line);
    }

    private static S3Table ReadS3(TomlSection? s3, int rootLine)
    {
        if (s3 is null)
            return new S3Table(null, DefaultS3Port, null, [], rootLine);
        string? bind = ReadBind(s3);
        int port = s3.OptionalInt("port", 1, PortMax) ?? DefaultS3Port;
        int? plain = s3.OptionalInt("plain_port", 1, PortMax);
        if (plain == port)
            throw s3.Error("plain_port", $"plain_port and port are both {port}; plain HTTP needs a port of its own");
        IReadOnlyList<string> domains = s3.OptionalStrings("domains");
        foreach (string domain in domains)
            if (!HostAddress.IsValid(domain) || domain.Contains(':') || HostAddress.IsWildcard(domain))
                throw s3.Error("domains", $"\"{domain}\" is no domain name; write it like \"s3.example.com\"");
        s3.Done();
        return new S3Table(bind, port, plain, [.. domains.Select(domain => domain.ToLowerInvariant())], s3.Line);
    }

    private static ClusterTable ReadCluster(TomlSection? cluster, int rootLine)
    {
        if (cluster is null)
            return new ClusterTable("predastore", null, null, rootLine);
        string name = cluster.OptionalString("name") ?? "predastore";
        string? bind = ReadBind(cluster);
        int? port = cluster.OptionalInt("port", 1, PortMax);
        cluster.Done();
        return new ClusterTable(name, bind, port, cluster.Line);
    }

    private static TlsTable ReadTls(TomlSection? tls)
    {
        if (tls is null)
            return new TlsTable(null, null, null);
        var table = new TlsTable(tls.OptionalString("ca"), tls.OptionalString("cert"), tls.OptionalString("key"));
        tls.Done();
        return table;
    }

    private static TransportChoice ReadTransport(TomlSection? transport)
    {
        if (transport is null)
            return TransportChoice.Auto;
        string kind = transport.OptionalString("kind") ?? "auto";
        transport.Done();
        return kind switch
        {
            "auto" => TransportChoice.Auto,
            "quic" => TransportChoice.Quic,
            "tls" => TransportChoice.Tls,
            _ => throw transport.Error("kind", $"transport kind \"{kind}\" is not known; use \"auto\", \"quic\" or \"tls\""),
        };
    }

    private static uint ReadId(TomlSection section, string key, string hint) =>
        (uint)section.RequiredInt(key, 1, int.MaxValue, hint);

    private static HostPort ReadAddress(TomlSection section)
    {
        string host = section.RequiredString("host", "add the address that the other nodes dial");
        if (HostAddress.IsWildcard(host))
            throw section.Error("host", $"host \"{host}\" is a wildcard that nobody can dial; give the node's own address here and the wildcard as [cluster] bind");
        if (!HostAddress.IsValid(host))
            throw section.Error("host", $"host \"{host}\" is no IP address or DNS name; leave out scheme and port");
        return new HostPort(host.ToLowerInvariant(), section.RequiredInt("port", 1, PortMax, "add port = ..."));
    }

    private static string ReadPath(TomlSection section)
    {
        string path = section.RequiredString("path", "add the folder for its data, absolute or relative to the node's folder");
        if (!Path.IsPathRooted(path) && path.Split('/').Contains(".."))
            throw section.Error("path", $"path \"{path}\" leaves the node's folder; write it without '..' or as an absolute path");
        return path;
    }

    private static string? ReadBind(TomlSection section)
    {
        string? bind = section.OptionalString("bind");
        if (bind is not null && !HostAddress.IsWildcard(bind) && !HostAddress.IsValid(bind))
            throw section.Error("bind", $"bind \"{bind}\" is no address; write an IP address, or \"0.0.0.0\" for all");
        return bind;
    }

    private const int DefaultS3Port = 8443;
}
