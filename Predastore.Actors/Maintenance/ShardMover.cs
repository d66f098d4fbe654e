using System.Buffers;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Striping;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Copies the sealed bytes of a shard to another storage id. No key is needed: the digest over the tags says whether they are the bytes
/// that the row names, and only these are made durable. Tags are not opened here; what is damaged below its tag was so before, and scrub
/// finds it there.
/// </summary>
internal sealed class ShardMover(MaintenanceParts parts)
{
    private const int FragmentsPerStep = 64;

    /// <summary>Copies a shard and makes it durable at its target.</summary>
    /// <exception cref="ShardException">The source or the target failed.</exception>
    /// <exception cref="WrongDigestException">The source holds other bytes than the row names.</exception>
    public async Task<PutShardRequest> CopyAsync(DataRow row, ShardMove move, ulong writeId, CancellationToken cancel)
    {
        var hash = new ObjectHash(row.ObjectHash.Span);
        long shardBytes = new StripeLayout(
            (long)row.Size, new Geometry((int)row.DataShards, (int)row.ParityShards)).ShardBytes;
        long length = FragmentLayout.SealedBytes(shardBytes);
        var put = new PutShardRequest(
            hash, move.Shard, writeId, Guid.NewGuid(), (ushort)row.DataShards, (ushort)row.ParityShards, move.To, length);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FragmentsPerStep * FragmentLayout.FragmentBytesMax);
        using var digest = new ShardDigest();
        try
        {
            await using IShardSink sink = await parts.Shards.BeginPutAsync(put, cancel).ConfigureAwait(false);
            long step = FragmentsPerStep * (long)FragmentLayout.FragmentBytesMax;
            for (long offset = 0; offset < length; offset += step)
            {
                Memory<byte> bytes = buffer.AsMemory(0, (int)Math.Min(step, length - offset));
                await parts.Pace.TakeAsync(2L * bytes.Length, cancel).ConfigureAwait(false);
                await parts.Shards.ReadAsync(move.From, put.Key, offset, bytes, cancel).ConfigureAwait(false);
                digest.AppendFragments(bytes.Span);
                await sink.WriteAsync(bytes, cancel).ConfigureAwait(false);
            }

            byte[] copied = digest.Finish();
            if (!copied.AsSpan().SequenceEqual(row.Digests[(int)move.Shard].Span))
                throw new WrongDigestException($"shard {move.Shard} on storage id {move.From} has another digest than its row");
            await sink.CommitAsync(length, Digests.ToNumber(copied), cancel).ConfigureAwait(false);
            return put;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
