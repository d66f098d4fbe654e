namespace Predastore.Shards.Striping;

/// <summary>
/// Where every byte of an object lies. Pure arithmetic; all sizes and offsets in bytes.
/// <code>
/// object   | stripe 0: K x 64 KiB      | stripe 1: K x 64 KiB      | last stripe: rest, in K cells of ceil(rest / K) |
/// cell k of stripe s holds object bytes [s * K * 64 KiB + k * cell size, ...); the last cells of the last stripe may be
/// shorter or empty, and are filled up with zeros before coding
/// shard k  | cell k of stripe 0 | cell k of stripe 1 | ... |   all shards, parity included, have the same size
/// </code>
/// An object of 0 bytes has no stripe, and shards of 0 bytes.
/// </summary>
public readonly record struct StripeLayout
{
    /// <summary>Size of a cell in every stripe but the last.</summary>
    public const int CellBytes = 64 * 1024;

    /// <summary>Largest object: far above S3's 5 TiB, and no sum here overflows.</summary>
    public const long ObjectBytesMax = 1L << 56;

    /// <summary>Describes an object.</summary>
    public StripeLayout(long objectBytes, Geometry geometry)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(objectBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(objectBytes, ObjectBytesMax);
        ArgumentOutOfRangeException.ThrowIfLessThan(geometry.K, 1, nameof(geometry));
        ObjectBytes = objectBytes;
        Geometry = geometry;
    }

    /// <summary>Size of the object.</summary>
    public long ObjectBytes { get; }

    /// <summary>K and M.</summary>
    public Geometry Geometry { get; }

    /// <summary>Object bytes in every stripe but the last: K cells.</summary>
    public int StripeBytes => StripeBytesOf(Geometry);

    /// <summary>Number of stripes; 0 for an empty object.</summary>
    public long StripeCount => (ObjectBytes + StripeBytes - 1) / StripeBytes;

    /// <summary>Size of every shard, data and parity, without fragment headers and tags.</summary>
    public long ShardBytes => ObjectBytes == 0 ? 0 : (StripeCount - 1) * CellBytes + CellSize(StripeCount - 1);

    /// <summary>Object bytes in a full stripe of a geometry.</summary>
    public static int StripeBytesOf(Geometry geometry) => geometry.K * CellBytes;

    /// <summary>
    /// Cell size of a stripe that holds <paramref name="stripeBytes"/> object bytes: ceil(bytes / K). Serves a stream whose size
    /// is not known before its end.
    /// </summary>
    public static int CellSizeOf(int stripeBytes, Geometry geometry)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(stripeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(stripeBytes, StripeBytesOf(geometry));
        return (stripeBytes + geometry.K - 1) / geometry.K;
    }

    /// <summary>Offset in the object of a stripe's first byte.</summary>
    public long StripeOffset(long stripe) => Checked(stripe) * StripeBytes;

    /// <summary>Object bytes that a stripe holds, without padding.</summary>
    public int StripeSize(long stripe) => (int)Math.Min(StripeBytes, ObjectBytes - StripeOffset(stripe));

    /// <summary>Size of each of a stripe's K+M cells, with padding.</summary>
    public int CellSize(long stripe) => CellSizeOf(StripeSize(stripe), Geometry);

    /// <summary>Offset in every shard of its cell of this stripe.</summary>
    public long CellOffset(long stripe) => Checked(stripe) * CellBytes;

    /// <summary>Object bytes in a data cell; less than <see cref="CellSize"/>, down to 0, where zeros pad it.</summary>
    public int CellDataSize(long stripe, int cell)
    {
        CheckCell(cell);
        int size = CellSize(stripe);
        return Math.Clamp(StripeSize(stripe) - cell * size, 0, size);
    }

    /// <summary>The stripes that a range of the object touches.</summary>
    public IndexRange StripesOf(long offset, long length)
    {
        CheckRange(offset, length);
        if (length == 0) return new IndexRange(offset / StripeBytes, 0);
        long first = offset / StripeBytes;
        return new IndexRange(first, (offset + length - 1) / StripeBytes - first + 1);
    }

    /// <summary>The piece of one data cell that a range of the object covers, or null if it covers none.</summary>
    public CellSlice? SliceOf(long stripe, int cell, long offset, long length)
    {
        CheckRange(offset, length);
        int data = CellDataSize(stripe, cell);
        long start = StripeOffset(stripe) + (long)cell * CellSize(stripe);
        long from = Math.Max(offset, start);
        long to = Math.Min(offset + length, start + data);
        if (from >= to) return null;
        int inCell = (int)(from - start);
        return new CellSlice(stripe, cell, from, inCell, (int)(to - from), CellOffset(stripe) + inCell);
    }

    /// <summary>
    /// Cuts a range of the object into the pieces of the data cells it touches, in object order; their lengths add up to
    /// <paramref name="length"/>.
    /// </summary>
    public IEnumerable<CellSlice> Cut(long offset, long length)
    {
        IndexRange stripes = StripesOf(offset, length);
        for (long stripe = stripes.First; stripe < stripes.End; stripe++)
        {
            int cellSize = CellSize(stripe);
            long start = StripeOffset(stripe);
            int firstCell = (int)(Math.Max(0, offset - start) / cellSize);
            for (int cell = firstCell; cell < Geometry.K; cell++)
            {
                if (SliceOf(stripe, cell, offset, length) is not { } slice) break;
                yield return slice;
            }
        }
    }

    private long Checked(long stripe)
    {
        if ((ulong)stripe >= (ulong)StripeCount)
            throw new ArgumentOutOfRangeException(nameof(stripe), stripe, $"The object has {StripeCount} stripes.");
        return stripe;
    }

    private void CheckCell(int cell)
    {
        if ((uint)cell >= (uint)Geometry.K)
            throw new ArgumentOutOfRangeException(nameof(cell), cell, $"The object has {Geometry.K} data cells in a stripe.");
    }

    private void CheckRange(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (offset > ObjectBytes || length > ObjectBytes - offset)
            throw new ArgumentOutOfRangeException(nameof(length), length, $"The range ends after byte {ObjectBytes}.");
    }
}
