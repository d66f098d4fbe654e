using Predastore.Actors.Metadata.Replica;
using Predastore.Actors.Raft;

namespace Predastore.Actors.Tests.Metadata;

/// <summary>Snapshots as bytes.</summary>
internal static class Snapshots
{
    /// <summary>All rows of a machine; the same rows at the same position make the same bytes.</summary>
    public static byte[] Read(MetadataMachine machine)
    {
        using ISnapshotSource source = machine.TakeSnapshot();
        using var all = new MemoryStream();
        byte[] buffer = new byte[1000];
        for (int count = source.Read(buffer); count > 0; count = source.Read(buffer)) all.Write(buffer, 0, count);
        return all.ToArray();
    }

    /// <summary>Hands a snapshot to a machine in steps of so many bytes.</summary>
    /// <returns>The name of the new folder.</returns>
    public static string Receive(MetadataMachine machine, LogPosition position, byte[] bytes, int step)
    {
        using ISnapshotSink sink = machine.ReceiveSnapshot(position);
        for (int at = 0; at < bytes.Length; at += step) sink.Write(bytes.AsSpan(at, Math.Min(step, bytes.Length - at)));
        return sink.Complete();
    }
}
