using Predastore.Shards.Crypto;
using DataKey = Predastore.Shards.Crypto.DataKey;
using Predastore.Shards.Striping;

namespace Predastore.Actors.Streams;

/// <summary>Takes the plain bytes of an object back out of its first batch, before it is sealed.</summary>
internal static class BufferedBody
{
    /// <summary>A copy of all plain bytes.</summary>
    public static byte[] Copy(ShardBatch batch)
    {
        byte[] body = new byte[batch.PlainBytes];
        var layout = new StripeLayout(batch.PlainBytes, batch.Shape.Geometry);
        foreach (CellSlice slice in layout.Cut(0, batch.PlainBytes))
        {
            ReadOnlySpan<byte> region = batch.Shard(slice.Cell).Span;
            for (int n = 0; n < slice.Length;)
            {
                int at = (int)slice.ShardOffset + n;
                int run = Math.Min(slice.Length - n, FragmentLayout.BodyBytesMax - (at % FragmentLayout.BodyBytesMax));
                region.Slice(BatchShape.SealedOffset(at), run).CopyTo(body.AsSpan((int)slice.ObjectOffset + n));
                n += run;
            }
        }

        return body;
    }
}
