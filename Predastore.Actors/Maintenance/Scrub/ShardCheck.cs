using System.Buffers;
using Predastore.Actors.Metadata;
using Predastore.Shards.Crypto;
using Predastore.Shards.Segments;
using Predastore.Shards.Striping;
using DataKey = Predastore.Shards.Crypto.DataKey;

namespace Predastore.Actors.Maintenance.Scrub;

/// <summary>
/// Opens every fragment of a stored shard: extent headers as the index has them, fragment headers, tags, length and digest as the row has
/// them.
/// </summary>
internal static class ShardCheck
{
    private const int FragmentsPerStep = 64;

    /// <summary>Null if the shard is what was written; else what is wrong with it, in one line.</summary>
    /// <param name="reader">The shard.</param>
    /// <param name="row">Its row.</param>
    /// <param name="shard">Its index.</param>
    /// <param name="key">The data key of the row.</param>
    /// <param name="pace">Called with the bytes that are read next.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="IOException">It cannot be read, or an extent header is damaged.</exception>
    public static async Task<string?> RunAsync(
        ShardReader reader, DataRow row, uint shard, DataKey key, Func<long, Task> pace, CancellationToken cancel)
    {
        long shardBytes = new StripeLayout(
            (long)row.Size, new Geometry((int)row.DataShards, (int)row.ParityShards)).ShardBytes;
        long length = FragmentLayout.SealedBytes(shardBytes);
        if (reader.Length != length)
            return $"{reader.Length} bytes are stored, {length} were written";
        reader.CheckHeaders();
        byte[] sealedBytes = ArrayPool<byte>.Shared.Rent(FragmentsPerStep * FragmentLayout.FragmentBytesMax);
        byte[] plain = ArrayPool<byte>.Shared.Rent(FragmentsPerStep * FragmentLayout.BodyBytesMax);
        try
        {
            using var opener = new FragmentOpener(key, new ObjectHash(row.ObjectHash.Span), row.WriteId);
            using var digest = new ShardDigest();
            long count = FragmentLayout.FragmentCount(shardBytes);
            for (long first = 0; first < count; first += FragmentsPerStep)
            {
                var range = new IndexRange(first, Math.Min(FragmentsPerStep, count - first));
                (long offset, long bytes) = FragmentLayout.SealedRange(shardBytes, range);
                await pace(bytes).ConfigureAwait(false);
                Memory<byte> step = sealedBytes.AsMemory(0, (int)bytes);
                if (await reader.ReadAsync(offset, step, cancel).ConfigureAwait(false) != bytes)
                    return $"it ends before fragment {range.End}";
                FragmentRunResult opened = opener.OpenShardRun(shard, first, (int)range.Count, shardBytes, step.Span, plain);
                if (!opened.Ok)
                    return $"fragment {first + opened.Opened} does not open ({opened.Fault})";
                digest.AppendFragments(step.Span);
            }

            return digest.Finish().AsSpan().SequenceEqual(row.Digests[(int)shard].Span) ? null : "its digest is not the row's";
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(sealedBytes);
            // What was opened is somebody's object: it does not stay in a pool.
            ArrayPool<byte>.Shared.Return(plain, clearArray: true);
        }
    }
}
