using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Predastore.Host.Config;

/// <summary>
/// SHA-256 of what every node must agree on, so that nodes with different files notice when they join.
/// <para>Input, UTF-8, one record a line, fields separated by a tab, ending in a line feed each, entries by ascending id:
/// <c>predastore-cluster-file 1</c>; <c>cluster NAME REGION</c>; <c>rs K M</c>; <c>db NODE HOST PORT</c>;
/// <c>storage ID NODE HOST PORT WEIGHT ZONE</c>; <c>db-data-port NODE PORT</c>
/// for entries that have one; <c>cluster-port PORT</c> if there is one.</para>
/// Paths, S3 settings, TLS files and transport may differ from node to node; credentials are rotated node by node, and a
/// digest must not let anyone test guesses of a secret: none of them is part of it.
/// </summary>
internal static class ClusterFileDigest
{
    public static byte[] Compute(ClusterFile file)
    {
        var text = new StringBuilder("predastore-cluster-file 1\n");
        Line(text, "cluster", file.Cluster.Name, file.Region);
        Line(text, "rs", file.Rs.Data, file.Rs.Parity);
        foreach (DbEntry db in file.Dbs)
            Line(text, "db", db.Node, db.Address.Host, db.Address.Port);
        foreach (StorageEntry s in file.Storages)
            Line(text, "storage", s.Id, s.Node, s.Address.Host, s.Address.Port, s.Weight, s.Zone);
        foreach (DbEntry db in file.Dbs.Where(db => db.DataPort is not null))
            Line(text, "db-data-port", db.Node, db.DataPort!.Value);
        if (file.Cluster.Port is int port)
            Line(text, "cluster-port", port);
        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static void Line(StringBuilder text, params object[] fields) =>
        text.AppendJoin('\t', fields.Select(field => Convert.ToString(field, CultureInfo.InvariantCulture))).Append('\n');
}
