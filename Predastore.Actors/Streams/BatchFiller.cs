using System.Buffers;
using Predastore.Shards.Crypto;
using DataKey = Predastore.Shards.Crypto.DataKey;
using Predastore.Shards.Striping;

namespace Predastore.Actors.Streams;

/// <summary>
/// Reads a body into batches: every byte goes straight to its place in its fragment. Knows one byte ahead, because the last
/// fragment of a shard is sealed with its end flag and the size of a stream shows only at its end. One caller at a time.
/// </summary>
internal sealed class BatchFiller(Stream body, BatchShape shape, BatchScope scope)
{
    private readonly byte[] _ahead = new byte[1];
    private long _stripe;
    private bool _hasAhead;
    private bool _ended;

    /// <summary>Plain bytes read so far.</summary>
    public long PlainBytes { get; private set; }

    /// <summary>The next batch with one reference, or null after the last.</summary>
    public async ValueTask<ShardBatch?> NextAsync(CancellationToken cancel)
    {
        if (_ended)
            return null;
        ShardBatch batch = scope.Rent(shape, _stripe);
        int filled = 0;
        while (filled < shape.PlainBytes)
        {
            int read = await ReadAsync(Place(batch, filled), cancel).ConfigureAwait(false);
            if (read == 0)
            {
                _ended = true;
                break;
            }

            filled += read;
        }

        if (!_ended)
        {
            _hasAhead = await body.ReadAsync(_ahead, cancel).ConfigureAwait(false) == 1;
            _ended = !_hasAhead;
        }

        if (filled == 0)
        {
            batch.Release();
            return null;
        }

        PlainBytes += filled;
        _stripe += shape.Stripes;
        batch.PlainBytes = filled;
        batch.IsLast = _ended;
        batch.ShardBodyBytes = CloseLastStripe(batch, filled);
        return batch;
    }

    /// <summary>The body as it was before its first batch, which is given back unsealed and is the only one so far.</summary>
    public Stream Reopen(ShardBatch first)
    {
        byte[] start = BufferedBody.Copy(first);
        first.Release();
        return _ended
            ? new MemoryStream(start, writable: false)
            : new PrefixedStream(start, new PrefixedStream(_ahead, body));
    }

    private async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancel)
    {
        if (!_hasAhead)
            return await body.ReadAsync(destination, cancel).ConfigureAwait(false);
        _hasAhead = false;
        destination.Span[0] = _ahead[0];
        return 1;
    }

    // The rest of the fragment body that holds plain byte n of the batch, while every cell is full.
    private Memory<byte> Place(ShardBatch batch, int n)
    {
        int stripeBytes = StripeLayout.StripeBytesOf(shape.Geometry);
        int inStripe = n % stripeBytes;
        int inShard = n / stripeBytes * StripeLayout.CellBytes + inStripe % StripeLayout.CellBytes;
        int room = FragmentLayout.BodyBytesMax - inShard % FragmentLayout.BodyBytesMax;
        return batch.Shard(inStripe / StripeLayout.CellBytes).Slice(BatchShape.SealedOffset(inShard), room);
    }

    // A stripe that is not full has shorter cells: what was laid out for full ones moves. Returns the body bytes of each shard.
    private int CloseLastStripe(ShardBatch batch, int filled)
    {
        Geometry geometry = shape.Geometry;
        int stripeBytes = StripeLayout.StripeBytesOf(geometry);
        int full = filled / stripeBytes;
        int rest = filled % stripeBytes;
        if (rest == 0)
            return full * StripeLayout.CellBytes;

        int cell = StripeLayout.CellSizeOf(rest, geometry);
        byte[] moved = ArrayPool<byte>.Shared.Rent(rest);
        for (int n = 0; n < rest;)
        {
            Span<byte> from = Place(batch, full * stripeBytes + n).Span;
            int count = Math.Min(from.Length, rest - n);
            from[..count].CopyTo(moved.AsSpan(n));
            n += count;
        }

        int shardStart = full * StripeLayout.CellBytes;
        for (int k = 0; k < geometry.K; k++)
        {
            int from = Math.Min(k * cell, rest);
            int to = Math.Min(from + cell, rest);
            BatchBodies.Write(batch.Shard(k).Span, shardStart, moved.AsSpan(from, to - from));
            BatchBodies.Clear(batch.Shard(k).Span, shardStart + (to - from), cell - (to - from));
        }

        ArrayPool<byte>.Shared.Return(moved);
        return shardStart + cell;
    }
}

/// <summary>Body bytes inside a sealed region, fragment by fragment.</summary>
internal static class BatchBodies
{
    /// <summary>Copies plain bytes to a body offset.</summary>
    public static void Write(Span<byte> sealedRegion, int bodyOffset, ReadOnlySpan<byte> plain)
    {
        while (!plain.IsEmpty)
        {
            int count = Math.Min(plain.Length, FragmentLayout.BodyBytesMax - bodyOffset % FragmentLayout.BodyBytesMax);
            plain[..count].CopyTo(sealedRegion[BatchShape.SealedOffset(bodyOffset)..]);
            plain = plain[count..];
            bodyOffset += count;
        }
    }

    /// <summary>Sets body bytes to zero.</summary>
    public static void Clear(Span<byte> sealedRegion, int bodyOffset, int count)
    {
        while (count > 0)
        {
            int run = Math.Min(count, FragmentLayout.BodyBytesMax - bodyOffset % FragmentLayout.BodyBytesMax);
            sealedRegion.Slice(BatchShape.SealedOffset(bodyOffset), run).Clear();
            count -= run;
            bodyOffset += run;
        }
    }
}
