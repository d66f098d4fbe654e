using System.Buffers;
using Predastore.Shards.Crypto;
using DataKey = Predastore.Shards.Crypto.DataKey;
using Predastore.Shards.Striping;

namespace Predastore.Actors.Streams;

/// <summary>
/// The element of an upload graph: a run of stripes, laid out as the sealed bytes that each shard will get, so that body bytes
/// are read, coded and sealed where they lie and are copied nowhere. One pooled array; counted references, one for each shard sink
/// and one for the stages before them.
/// <code>
/// | shard 0: fragment, fragment, ... | shard 1: ... | ... | shard K+M-1 |     each fragment: header 32, body 8192, tag 16
/// </code>
/// </summary>
internal sealed class ShardBatch
{
    private readonly BatchScope _scope;
    private byte[]? _array;
    private int _references;

    internal ShardBatch(BatchScope scope, BatchShape shape, long firstStripe)
    {
        _scope = scope;
        Shape = shape;
        FirstStripe = firstStripe;
        _array = ArrayPool<byte>.Shared.Rent(shape.ArrayBytes);
        _references = 1;
    }

    /// <summary>Sizes shared by all batches of an upload.</summary>
    public BatchShape Shape { get; }

    /// <summary>Number of the first stripe in the object.</summary>
    public long FirstStripe { get; }

    /// <summary>Number of the first fragment in every shard.</summary>
    public ulong FirstFragment => (ulong)FirstStripe * BatchShape.FragmentsPerCell;

    /// <summary>Number of this batch in the upload.</summary>
    public long Number => FirstStripe / Shape.Stripes;

    /// <summary>Plain bytes of the object in this batch.</summary>
    public int PlainBytes { get; set; }

    /// <summary>Body bytes of every shard in this batch, padding included.</summary>
    public int ShardBodyBytes { get; set; }

    /// <summary>True for the object's last batch.</summary>
    public bool IsLast { get; set; }

    /// <summary>The sealed region of a shard, whole.</summary>
    public Memory<byte> Shard(int shard) => Array.AsMemory(shard * Shape.ShardArrayBytes, Shape.ShardArrayBytes);

    /// <summary>The sealed bytes of a shard that this batch really has.</summary>
    public ReadOnlyMemory<byte> Sealed(int shard) => Shard(shard)[..(int)FragmentLayout.SealedBytes(ShardBodyBytes)];

    private byte[] Array => _array ?? throw new ObjectDisposedException(nameof(ShardBatch));

    /// <summary>Adds references.</summary>
    public void Retain(int count) => Interlocked.Add(ref _references, count);

    /// <summary>Gives one reference back; the last one returns the array.</summary>
    public void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        ArgumentOutOfRangeException.ThrowIfNegative(left, nameof(_references));
        if (left == 0)
            Return();
    }

    /// <summary>Returns the array whatever the count; only after all I/O on it has ended.</summary>
    internal void Return()
    {
        if (Interlocked.Exchange(ref _array, null) is not { } array)
            return;
        ArrayPool<byte>.Shared.Return(array);
        _scope.Forget(this);
    }
}

/// <summary>Sizes of an upload's batches.</summary>
internal sealed record BatchShape
{
    /// <summary>Fragments in a full cell.</summary>
    public const int FragmentsPerCell = StripeLayout.CellBytes / FragmentLayout.BodyBytesMax;

    private const int PlainBytesTarget = 512 << 10;

    /// <summary>Shape for a geometry: as many whole stripes as make about 512 KiB of object.</summary>
    public BatchShape(Geometry geometry)
    {
        Geometry = geometry;
        Stripes = Math.Max(1, PlainBytesTarget / StripeLayout.StripeBytesOf(geometry));
        ShardArrayBytes = Stripes * FragmentsPerCell * FragmentLayout.FragmentBytesMax;
        ArrayBytes = ShardArrayBytes * geometry.Total;
    }

    /// <summary>K and M.</summary>
    public Geometry Geometry { get; }

    /// <summary>Stripes in a full batch.</summary>
    public int Stripes { get; }

    /// <summary>Plain bytes in a full batch.</summary>
    public int PlainBytes => Stripes * StripeLayout.StripeBytesOf(Geometry);

    /// <summary>Sealed bytes of a shard in a full batch.</summary>
    public int ShardArrayBytes { get; }

    /// <summary>Sealed bytes of all shards in a full batch.</summary>
    public int ArrayBytes { get; }

    /// <summary>Where body byte n of a run lies in its sealed region.</summary>
    public static int SealedOffset(int bodyOffset)
        => (bodyOffset / FragmentLayout.BodyBytesMax * FragmentLayout.FragmentBytesMax)
            + FragmentLayout.HeaderBytes + (bodyOffset % FragmentLayout.BodyBytesMax);
}

/// <summary>
/// All batches of one upload. Disposed after every sink's I/O has ended, it returns whatever cancelled stages left behind: a
/// stage that is torn down has no other chance to release its element.
/// </summary>
internal sealed class BatchScope : IDisposable
{
    private readonly HashSet<ShardBatch> _live = [];

    /// <summary>Batches not yet returned.</summary>
    public int Live
    {
        get
        {
            lock (_live)
                return _live.Count;
        }
    }

    /// <summary>Rents a batch with one reference.</summary>
    public ShardBatch Rent(BatchShape shape, long firstStripe)
    {
        var batch = new ShardBatch(this, shape, firstStripe);
        lock (_live)
            _live.Add(batch);
        return batch;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ShardBatch[] left;
        lock (_live)
            left = [.. _live];
        foreach (ShardBatch batch in left)
            batch.Return();
    }

    internal void Forget(ShardBatch batch)
    {
        lock (_live)
            _live.Remove(batch);
    }
}
