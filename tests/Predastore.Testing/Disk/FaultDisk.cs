using Predastore.Shards.Disk;

namespace Predastore.Testing.Disk;

/// <summary>
/// Any disk, with errors put in front of it. <see cref="Fault"/> is asked before every call and its exception thrown instead of
/// the call; <see cref="Corrupt"/> may change what a read returns.
/// </summary>
public sealed class FaultDisk(IDisk inner) : IDisk
{
    private long _calls;

    /// <summary>Returns what to throw, or null to let the call through. May be called from several threads.</summary>
    public Func<DiskCall, Exception?>? Fault { get; set; }

    /// <summary>Given the call, the offset and the bytes read.</summary>
    public Action<DiskCall, long, Memory<byte>>? Corrupt { get; set; }

    /// <summary>Calls so far.</summary>
    public long Calls => Volatile.Read(ref _calls);

    /// <inheritdoc/>
    public IDiskFile Open(string path, DiskOpenMode mode)
    {
        Enter(DiskCallKind.Open, path);
        return new Handle(this, path, inner.Open(path, mode));
    }

    /// <inheritdoc/>
    public bool Exists(string path) => inner.Exists(path);

    /// <inheritdoc/>
    public void CreateDirectory(string path)
    {
        Enter(DiskCallKind.CreateDirectory, path);
        inner.CreateDirectory(path);
    }

    /// <inheritdoc/>
    public void DeleteFile(string path)
    {
        Enter(DiskCallKind.Delete, path);
        inner.DeleteFile(path);
    }

    /// <inheritdoc/>
    public void DeleteDirectory(string path)
    {
        Enter(DiskCallKind.Delete, path);
        inner.DeleteDirectory(path);
    }

    /// <inheritdoc/>
    public void Rename(string from, string to)
    {
        Enter(DiskCallKind.Rename, from);
        inner.Rename(from, to);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string directory)
    {
        Enter(DiskCallKind.List, directory);
        return inner.List(directory);
    }

    /// <inheritdoc/>
    public void SyncDirectory(string path)
    {
        Enter(DiskCallKind.SyncDirectory, path);
        inner.SyncDirectory(path);
    }

    /// <inheritdoc/>
    public DiskSpace Space(string path) => inner.Space(path);

    private DiskCall Enter(DiskCallKind kind, string path)
    {
        var call = new DiskCall(kind, path, Interlocked.Increment(ref _calls) - 1);
        return Fault?.Invoke(call) is { } fault ? throw fault : call;
    }

    private sealed class Handle(FaultDisk disk, string path, IDiskFile file) : IDiskFile
    {
        public long Length => file.Length;

        public int Read(long offset, Span<byte> buffer)
        {
            var call = disk.Enter(DiskCallKind.Read, path);
            var bytes = new byte[buffer.Length];
            var read = file.Read(offset, bytes);
            disk.Corrupt?.Invoke(call, offset, bytes.AsMemory(0, read));
            bytes.AsSpan(0, read).CopyTo(buffer);
            return read;
        }

        public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel = default)
        {
            var call = disk.Enter(DiskCallKind.Read, path);
            var read = await file.ReadAsync(offset, buffer, cancel);
            disk.Corrupt?.Invoke(call, offset, buffer[..read]);
            return read;
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            disk.Enter(DiskCallKind.Write, path);
            file.Write(offset, bytes);
        }

        public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancel = default)
        {
            disk.Enter(DiskCallKind.Write, path);
            return file.WriteAsync(offset, bytes, cancel);
        }

        public void Allocate(long offset, long length)
        {
            disk.Enter(DiskCallKind.Allocate, path);
            file.Allocate(offset, length);
        }

        public void PunchHole(long offset, long length)
        {
            disk.Enter(DiskCallKind.PunchHole, path);
            file.PunchHole(offset, length);
        }

        public void SetLength(long length)
        {
            disk.Enter(DiskCallKind.SetLength, path);
            file.SetLength(length);
        }

        public void Sync()
        {
            disk.Enter(DiskCallKind.Sync, path);
            file.Sync();
        }

        public void Dispose() => file.Dispose();
    }
}
