namespace Predastore.Testing.Disk;

/// <summary>
/// Contents of one file: what the program sees, what is durable, and the operations in between, in order.
/// </summary>
internal sealed class MemoryInode
{
    private const int SectorBytes = 512;
    private const int BlockBytes = 4096;

    private readonly List<Operation> _pending = [];
    private readonly HashSet<long> _blocks = [];
    private byte[] _current = [];
    private byte[] _durable = [];

    private enum Kind
    {
        Write,
        Length,
        Extend,
        Punch,
    }

    public long Length => _current.Length;

    public long UsedBytes => (long)_blocks.Count * BlockBytes;

    public int Read(long offset, Span<byte> buffer)
    {
        if (offset >= _current.Length)
            return 0;
        var count = (int)Math.Min(buffer.Length, _current.Length - offset);
        _current.AsSpan((int)offset, count).CopyTo(buffer);
        return count;
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        Do(new Operation(Kind.Write, offset, bytes.Length, bytes.ToArray()));
        AddBlocks(offset, bytes.Length);
    }

    public void Allocate(long offset, long length)
    {
        Do(new Operation(Kind.Extend, 0, offset + length, null));
        AddBlocks(offset, length);
    }

    public void SetLength(long length)
    {
        Do(new Operation(Kind.Length, 0, length, null));
        _blocks.RemoveWhere(b => b * BlockBytes >= length);
    }

    public void Punch(long offset, long length)
    {
        Do(new Operation(Kind.Punch, offset, length, null));
        _blocks.RemoveWhere(b => b * BlockBytes >= offset && (b + 1) * BlockBytes <= offset + length);
    }

    /// <summary>New blocks that a range needs.</summary>
    public long MissingBytes(long offset, long length) => Blocks(offset, length).LongCount(b => !_blocks.Contains(b)) * BlockBytes;

    public void Sync()
    {
        foreach (var operation in _pending)
            Apply(ref _durable, operation);
        _pending.Clear();
    }

    /// <summary>As Linux after a failed write-back: the pages count as clean, still show the bytes, and are on no disk.</summary>
    public void DropDirty() => _pending.Clear();

    public void Overwrite(long offset, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_current.AsSpan((int)offset));
        if (offset < _durable.Length)
            bytes[..(int)Math.Min(bytes.Length, _durable.Length - offset)].CopyTo(_durable.AsSpan((int)offset));
    }

    public bool Contains(ReadOnlySpan<byte> bytes) => _current.AsSpan().IndexOf(bytes) >= 0 || _durable.AsSpan().IndexOf(bytes) >= 0;

    public void FlipBit(long bit)
    {
        _current[bit / 8] ^= (byte)(1 << (int)(bit % 8));
        if (bit / 8 < _durable.Length)
            _durable[bit / 8] ^= (byte)(1 << (int)(bit % 8));
    }

    /// <summary>Each operation since the last sync survives, is lost, or survives in some sectors.</summary>
    public void Crash(Random random)
    {
        foreach (var operation in _pending)
        {
            switch (random.Next(3))
            {
                case 0:
                    break;
                case 1:
                    Apply(ref _durable, operation);
                    break;
                default:
                    Tear(operation, random);
                    break;
            }
        }
        _pending.Clear();
        _current = (byte[])_durable.Clone();
        _blocks.Clear();
        AddBlocks(0, _current.Length);
    }

    private void Tear(Operation operation, Random random)
    {
        if (operation.Bytes is not { } bytes)
        {
            Apply(ref _durable, operation);
            return;
        }
        for (var at = operation.Offset; at < operation.Offset + bytes.Length;)
        {
            var end = Math.Min((at / SectorBytes * SectorBytes) + SectorBytes, operation.Offset + bytes.Length);
            if (random.Next(2) == 0)
            {
                var part = bytes.AsSpan((int)(at - operation.Offset), (int)(end - at)).ToArray();
                Apply(ref _durable, new Operation(Kind.Write, at, part.Length, part));
            }
            at = end;
        }
    }

    private void Do(Operation operation)
    {
        Apply(ref _current, operation);
        _pending.Add(operation);
    }

    private static void Apply(ref byte[] bytes, Operation operation)
    {
        switch (operation.Kind)
        {
            case Kind.Write:
                if (operation.Offset + operation.Length > bytes.Length)
                    Array.Resize(ref bytes, checked((int)(operation.Offset + operation.Length)));
                operation.Bytes!.CopyTo(bytes, operation.Offset);
                break;
            case Kind.Length:
                Array.Resize(ref bytes, checked((int)operation.Length));
                break;
            case Kind.Extend:
                if (operation.Length > bytes.Length)
                    Array.Resize(ref bytes, checked((int)operation.Length));
                break;
            default:
                var from = Math.Min(operation.Offset, bytes.Length);
                bytes.AsSpan((int)from, (int)(Math.Min(operation.Offset + operation.Length, bytes.Length) - from)).Clear();
                break;
        }
    }

    private void AddBlocks(long offset, long length) => _blocks.UnionWith(Blocks(offset, length));

    private static IEnumerable<long> Blocks(long offset, long length)
    {
        for (var block = offset / BlockBytes; block * BlockBytes < offset + length; block++)
            yield return block;
    }

    private sealed record Operation(Kind Kind, long Offset, long Length, byte[]? Bytes);
}
