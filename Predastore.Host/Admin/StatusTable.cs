using System.Globalization;
using Predastore.Host.Commands;
using Predastore.Http.Admin;
using Spectre.Console;

namespace Predastore.Host.Admin;

/// <summary>The status of a cluster as tables for people.</summary>
internal static class StatusTable
{
    public static void Write(IAnsiConsole console, ClusterStatus status)
    {
        string leader = status.Raft.Leader is uint node ? $"node {node}" : "none";
        console.MarkupLineInterpolated($"[bold]{status.Cluster}[/] {status.ClusterId ?? "(not bootstrapped)"}, answered by node {status.AnsweredBy}, version {status.Version}");
        console.MarkupLineInterpolated(
            $"leader {leader}, term {status.Raft.Term}, commit index {status.Raft.CommitIndex}, {status.Raft.VotersReachable} of {status.Raft.Voters} voters reachable");
        console.MarkupLineInterpolated($"ring epoch {status.Ring.Epoch}, RS({status.Ring.Data},{status.Ring.Parity}), {status.Sessions.Count} sessions");
        console.MarkupLineInterpolated(
            $"heal backlog {status.Maintenance.HealBacklog}, garbage {status.Maintenance.GarbageBacklog}, open uploads {status.Maintenance.OpenUploads}");
        console.Write(Nodes(status));
        console.Write(Storages(status));
        if (status.Maintenance.Nodes.Count > 0)
            console.Write(Maintenance(status));
        foreach (StorageProgress work in status.Maintenance.Storages)
        {
            string how = work.Percent is int percent ? $"{percent} % of the hash space whole" : $"{work.DataRows:N0} objects to move";
            console.MarkupLineInterpolated($"storage id {work.Storage} is {work.Work}: {how}");
        }

        foreach (string warning in status.Warnings)
            console.MarkupLineInterpolated($"[yellow]! {warning}[/]");
    }

    private static Table Nodes(ClusterStatus status)
    {
        Table table = Tables.New("Node", "Host", "State", "Roles", "Replica", "Term", "Commit", "Applied", "Transport");
        foreach (NodeStatus node in status.Nodes)
        {
            PeerTransportStatus? transport = status.Transports.FirstOrDefault(peer => peer.Peer == node.Node);
            string via = node.Node == status.AnsweredBy ? "-" : transport is null ? "" : transport.Kind + (transport.Why is null ? "" : $" ({transport.Why})");
            Tables.Row(table, Number(node.Node), node.Host, node.State, string.Join(' ', node.Roles), node.Replica?.Role ?? "-",
                Number(node.Replica?.Term), Number(node.Replica?.CommitIndex), Number(node.Replica?.AppliedIndex), via);
        }
        return table;
    }

    private static Table Storages(ClusterStatus status)
    {
        Table table = Tables.New("Storage", "Node", "State", "Total", "Free", "Live", "Shards", "Weight", "Zone", "Scrub");
        foreach (StorageStatus storage in status.Storages)
            Tables.Row(table, Number(storage.Id), Number(storage.Node), storage.State, Bytes(storage.BytesTotal), Free(storage),
                Bytes(storage.BytesLive), Number(storage.Shards), Number(storage.Weight), storage.Zone, Scrub(storage.Scrub));
        return table;
    }

    private static Table Maintenance(ClusterStatus status)
    {
        Table table = Tables.New("Node", "Healed", "Moved", "Rewritten", "Orphans", "Garbage", "Failed", "Rate", "Bound");
        foreach (NodeMaintenance of in status.Maintenance.Nodes)
            Tables.Row(table, Number(of.Node), $"{Number(of.HealedShards)} ({Bytes(of.HealedBytes)})", $"{Number(of.MovedShards)} ({Bytes(of.MovedBytes)})",
                Number(of.Rewritten), Number(of.Orphans), Number(of.Collected), Number(of.Failures), Bytes(of.Rate) + "/s",
                (of.RateMax is long bound ? Bytes(bound) + "/s" : "none") + (of.Yields ? ", yields" : ""));
        return table;
    }

    private static string Scrub(ScrubStatus? scrub) => scrub switch
    {
        null => "?",
        { Percent: int percent } => $"{percent} %, {scrub.Faults} bad",
        { Ended: DateTimeOffset ended } => string.Create(CultureInfo.InvariantCulture, $"{ended:yyyy-MM-dd HH:mm}, {scrub.Faults} bad"),
        _ => "never",
    };

    private static string Number(long? number) => number?.ToString("N0", CultureInfo.InvariantCulture) ?? "?";

    private static string Number(ulong? number) => number?.ToString("N0", CultureInfo.InvariantCulture) ?? "?";

    private static string Free(StorageStatus storage) => storage is { BytesFree: long free, BytesTotal: > 0 and long total }
        ? string.Create(CultureInfo.InvariantCulture, $"{Bytes(free)} ({100.0 * free / total:0} %)")
        : "?";

    private static string Bytes(long? bytes)
    {
        if (bytes is not long count)
            return "?";
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
        double value = count;
        int unit = 0;
        for (; value >= 1024 && unit < units.Length - 1; unit++)
            value /= 1024;
        return value.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture) + " " + units[unit];
    }
}
