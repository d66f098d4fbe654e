using Predastore.Shards.Placement;

namespace Predastore.Host.Config;

/// <summary>What must hold between the entries of a cluster file.</summary>
internal static class ClusterFileRules
{
    /// <summary>
    /// The credentials that AWS prints in its documentation and that the development files carry. Everybody knows them,
    /// so a cluster that others can reach must not accept them.
    /// </summary>
    public const string KnownAccessKeyId = "AKIAIOSFODNN7EXAMPLE";

    /// <summary>The secret that belongs to <see cref="KnownAccessKeyId"/>.</summary>
    public const string KnownSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    public static void Check(ClusterFile file)
    {
        CheckIds(file);
        CheckGeometry(file);
        CheckAddresses(file);
        CheckPaths(file);
        CheckAuths(file);
        CheckBuckets(file);
        CheckKnownCredentials(file);
    }

    /// <summary>The first entry whose credentials are well known, or null.</summary>
    public static AuthEntry? KnownCredentials(ClusterFile file) =>
        file.Auths.FirstOrDefault(auth => auth.AccessKeyId == KnownAccessKeyId || auth.SecretAccessKey == KnownSecret);

    private static void CheckIds(ClusterFile file)
    {
        RefuseTwice(file, file.Dbs, db => db.Node, db => db.Line, node => $"[[db]] id {node}");
        RefuseTwice(file, file.Storages, storage => storage.Id, storage => storage.Line, id => $"[[storage]] id {id}");
        RefuseTwice(file, file.Auths, auth => auth.AccessKeyId, auth => auth.Line, key => $"access_key_id \"{key}\"");
        RefuseTwice(file, file.Buckets, bucket => bucket.Name, bucket => bucket.Line, name => $"bucket \"{name}\"");
    }

    private static void RefuseTwice<TEntry, TKey>(
        ClusterFile file, IEnumerable<TEntry> entries, Func<TEntry, TKey> key, Func<TEntry, int> line, Func<TKey, string> what)
        where TKey : notnull
    {
        var seen = new Dictionary<TKey, int>();
        foreach (TEntry entry in entries.OrderBy(line))
            if (!seen.TryAdd(key(entry), line(entry)))
                throw new ClusterFileException(
                    file.Source, line(entry), $"{what(key(entry))} is already on line {seen[key(entry)]}; give each its own");
    }

    private static void CheckGeometry(ClusterFile file)
    {
        RsTable rs = file.Rs;
        if (rs.Shards > RsTable.ShardsMax)
            throw new ClusterFileException(
                file.Source, rs.Line, $"data + parity is {rs.Shards}; at most {RsTable.ShardsMax} shards are possible, make one smaller");
        if (rs.Shards > file.Storages.Count)
            throw new ClusterFileException(
                file.Source, rs.Line,
                $"data + parity is {rs.Shards}, but there are {file.Storages.Count} [[storage]] entries; add disks or make data or parity smaller");
        if (file.Storages.Sum(storage => (long)storage.Weight) is var weights && weights > Ring.WeightSumMax)
            throw new ClusterFileException(
                file.Source, file.Storages.First(storage => storage.Weight > 1).Line,
                $"the weights of all [[storage]] entries sum to {weights}, over {Ring.WeightSumMax}; they only count relative to each other, divide them all");
    }

    private static void CheckAddresses(ClusterFile file)
    {
        var owners = new Dictionary<HostPort, (string Owner, int Line)>();
        foreach (DbEntry db in file.Dbs)
        {
            Claim(file, owners, db.Address, $"[[db]] id {db.Node}", db.Line);
            bool hasDisks = file.StoragesOf(db.Node).Count > 0;
            if (hasDisks && db.DataPort is not null)
                throw new ClusterFileException(
                    file.Source, db.Line, $"node {db.Node} has [[storage]] entries, which name its data port; remove data_port");
            if (hasDisks)
                continue;
            if (db.DataPort is not int data)
                throw new ClusterFileException(
                    file.Source, db.Line, $"node {db.Node} has no [[storage]] entry, so its [[db]] entry needs data_port; add data_port = 9991 there");
            Claim(file, owners, new HostPort(db.Address.Host, data), $"data_port of [[db]] id {db.Node}", db.Line);
        }

        foreach (IGrouping<uint, StorageEntry> node in file.Storages.GroupBy(storage => storage.Node))
        {
            StorageEntry first = node.First();
            foreach (StorageEntry other in node.Skip(1))
                if (other.Address != first.Address)
                    throw new ClusterFileException(
                        file.Source, other.Line,
                        $"storage ids {first.Id} and {other.Id} of node {node.Key} have different addresses; one listener serves a node's disks, give both {first.Address}");
            Claim(file, owners, first.Address, $"[[storage]] id {first.Id}", first.Line);
            if (file.DbOf(node.Key) is not null)
                continue;
            if (file.Cluster.Port is not int port)
                throw new ClusterFileException(
                    file.Source, first.Line, $"node {node.Key} has no [[db]] entry, so it needs [cluster] port; add port = 6660 there");
            Claim(file, owners, new HostPort(first.Address.Host, port), $"node {node.Key} ([cluster] port)", first.Line);
        }
        // Where S3 binds to each node's host, its port is one more on that host.
        if (file.S3.Bind is null)
            foreach (uint node in file.Nodes)
                foreach (int port in file.S3.PlainPort is int plain ? [file.S3.Port, plain] : new[] { file.S3.Port })
                    if (owners.TryGetValue(new HostPort(file.HostOf(node), port), out (string Owner, int Line) owner))
                        throw new ClusterFileException(
                            file.Source, owner.Line, $"{file.HostOf(node)}:{port} is the S3 port and that of {owner.Owner}; give each its own");
    }

    private static void Claim(
        ClusterFile file, Dictionary<HostPort, (string Owner, int Line)> owners, HostPort address, string owner, int line)
    {
        if (!owners.TryAdd(address, (owner, line)))
            throw new ClusterFileException(
                file.Source, line, $"{owner} has address {address}, which {owners[address].Owner} has on line {owners[address].Line}; give each its own");
    }

    private static void CheckPaths(ClusterFile file)
    {
        var places = new List<(string Folder, string Owner, int Line)>();
        foreach (DbEntry db in file.Dbs)
            places.Add((FolderOf(file, db.Node, db.Path), $"[[db]] id {db.Node}", db.Line));
        foreach (StorageEntry storage in file.Storages)
            places.Add((FolderOf(file, storage.Node, storage.Path), $"[[storage]] id {storage.Id}", storage.Line));
        places.Sort((a, b) => string.CompareOrdinal(a.Folder, b.Folder));
        // Sorted with a trailing slash, a folder stands directly before what is inside it.
        for (int i = 1; i < places.Count; i++)
        {
            (string folder, string owner, int line) = places[i];
            (string before, string beforeOwner, int beforeLine) = places[i - 1];
            if (folder.StartsWith(before, StringComparison.Ordinal))
                throw new ClusterFileException(
                    file.Source, Math.Max(line, beforeLine),
                    $"the path of {owner} is {(folder == before ? "the same as" : "inside")} that of {beforeOwner}; give each its own folder");
        }
    }

    /// <summary>
    /// The machine, the node where the path is relative to its folder, and the path. All loopback addresses are one machine:
    /// two nodes on 127.0.0.1 and 127.0.0.2 with one absolute path would write into each other.
    /// </summary>
    private static string FolderOf(ClusterFile file, uint node, string path)
    {
        string host = file.HostOf(node);
        string machine = HostAddress.IsLoopback(host) ? "loopback" : host;
        string absolute = Path.IsPathRooted(path) ? Path.GetFullPath(path) : $"/(node-{node})" + Path.GetFullPath("/" + path);
        return $"{machine}:{absolute.TrimEnd('/')}/";
    }

    private static void CheckAuths(ClusterFile file)
    {
        foreach (IGrouping<string, AuthEntry> account in file.Auths.GroupBy(auth => auth.AccountId))
            foreach (AuthEntry auth in account.Skip(1))
                if (auth.CanonicalId != account.First().CanonicalId || auth.DisplayName != account.First().DisplayName)
                    throw new ClusterFileException(
                        file.Source, auth.Line,
                        $"account {auth.AccountId} has another display_name or canonical_id on line {account.First().Line}; an account has one of each");
        foreach (IGrouping<string, AuthEntry> canonical in file.Auths.GroupBy(auth => auth.CanonicalId))
            foreach (AuthEntry auth in canonical)
                if (auth.AccountId != canonical.First().AccountId)
                    throw new ClusterFileException(
                        file.Source, auth.Line, $"canonical_id is that of account {canonical.First().AccountId}; each account needs its own");
    }

    private static void CheckBuckets(ClusterFile file)
    {
        foreach (BucketEntry bucket in file.Buckets)
        {
            // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
            if (bucket.Name.Length is < 3 or > 63
                || !bucket.Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.')
                || !char.IsAsciiLetterOrDigit(bucket.Name[0]) || !char.IsAsciiLetterOrDigit(bucket.Name[^1])
                || bucket.Name.Contains("..") || System.Net.IPAddress.TryParse(bucket.Name, out _))
                throw new ClusterFileException(
                    file.Source, bucket.Line, $"\"{bucket.Name}\" is no bucket name; use 3 to 63 lower-case letters, digits, '-' and '.'");
            if (file.Auths.All(auth => auth.AccountId != bucket.AccountId))
                throw new ClusterFileException(
                    file.Source, bucket.Line, $"account_id {bucket.AccountId} of bucket \"{bucket.Name}\" is in no [[auth]] entry; add one or correct it");
        }
    }

    private static void CheckKnownCredentials(ClusterFile file)
    {
        if (KnownCredentials(file) is not { } auth)
            return;
        IEnumerable<string> hosts = file.Dbs.Select(db => db.Address.Host)
            .Concat(file.Storages.Select(storage => storage.Address.Host))
            .Append(file.S3.Bind).Append(file.Cluster.Bind).OfType<string>();
        if (hosts.FirstOrDefault(host => !HostAddress.IsLoopback(host)) is { } reachable)
            throw new ClusterFileException(file.Source, auth.Line, KnownCredentialsProblem(reachable));
    }

    /// <summary>Also said where a flag, and not the file, makes the node reachable.</summary>
    public static string KnownCredentialsProblem(string host) =>
        $"these are the well-known example credentials, and {host} is not a loopback address; put your own access key and secret there";
}
