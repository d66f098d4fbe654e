using Predastore.Shards.Crypto;
using Predastore.Shards.Segments;

namespace Predastore.Cluster.Tests.Harness;

/// <summary>One extent as it lies in a segment file.</summary>
/// <param name="Offset">Of its header in the file.</param>
public sealed record LiveExtent(string File, long Offset, ExtentHeader Header)
{
    /// <summary>First byte of a fragment: its header.</summary>
    public long FragmentAt(long fragment) => Offset + ExtentHeader.Bytes + fragment * FragmentLayout.FragmentBytesMax;

    /// <summary>Fragments of the extent.</summary>
    public long Fragments => (Header.Length + FragmentLayout.FragmentBytesMax - 1) / FragmentLayout.FragmentBytesMax;

    /// <summary>End of the extent's sealed bytes in the file.</summary>
    public long End => Offset + ExtentHeader.Bytes + Header.Length;

    /// <summary>Turns one bit over, as a decaying disk does, under the running node.</summary>
    public void Flip(long position)
    {
        using FileStream file = new(File, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = position;
        int value = file.ReadByte();
        file.Position = position;
        file.WriteByte((byte)(value ^ 0x10));
    }

    /// <summary>Exchanges the sealed bytes with those of an extent of the same length, as a disk does that writes to the wrong place.</summary>
    public void Swap(LiveExtent other)
    {
        byte[] own = Sealed(), foreign = other.Sealed();
        WriteSealed(foreign);
        other.WriteSealed(own);
    }

    private byte[] Sealed()
    {
        using FileStream file = new(File, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = FragmentAt(0);
        byte[] bytes = new byte[Header.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private void WriteSealed(byte[] bytes)
    {
        using FileStream file = new(File, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = FragmentAt(0);
        file.Write(bytes);
    }
}

/// <summary>Reads segment files of a storage id while its node runs.</summary>
public static class LiveExtents
{
    /// <summary>All extents with a whole header, in the order of files and offsets.</summary>
    public static IReadOnlyList<LiveExtent> Of(string storageFolder)
    {
        var found = new List<LiveExtent>();
        byte[] header = new byte[ExtentHeader.Bytes];
        foreach (string path in Directory.GetFiles(Path.Combine(storageFolder, SegmentStore.SegmentsFolder)).Order(StringComparer.Ordinal))
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            for (long at = 0; at + ExtentHeader.Bytes <= file.Length;)
            {
                file.Position = at;
                file.ReadExactly(header);
                if (!ExtentHeader.TryDecode(header, out ExtentHeader extent))
                {
                    at += ExtentHeader.Alignment;
                    continue;
                }
                found.Add(new LiveExtent(path, at, extent));
                at += ExtentHeader.Footprint(extent.Length);
            }
        }
        return found;
    }
}
