using Predastore.Shards.Disk;

namespace Predastore.Testing.Disk;

/// <content>Open files.</content>
public sealed partial class MemoryDisk
{
    private sealed class Handle(MemoryDisk disk, string path, MemoryInode inode, bool readOnly) : IDiskFile
    {
        private readonly int _generation = disk._generation;
        private bool _disposed;

        public long Length
        {
            get
            {
                lock (disk._sync)
                {
                    Check();
                    return inode.Length;
                }
            }
        }

        public int Read(long offset, Span<byte> buffer)
        {
            lock (disk._sync)
            {
                Check();
                disk.Enter(DiskCallKind.Read, path, changes: false);
                return inode.Read(offset, buffer);
            }
        }

        public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel = default)
        {
            cancel.ThrowIfCancellationRequested();
            return ValueTask.FromResult(Read(offset, buffer.Span));
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            lock (disk._sync)
            {
                Enter(DiskCallKind.Write);
                ArgumentOutOfRangeException.ThrowIfNegative(offset);
                disk.Take(inode, path, offset, bytes.Length);
                inode.Write(offset, bytes);
            }
        }

        public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancel = default)
        {
            cancel.ThrowIfCancellationRequested();
            Write(offset, bytes.Span);
            return ValueTask.CompletedTask;
        }

        public void Allocate(long offset, long length)
        {
            lock (disk._sync)
            {
                Enter(DiskCallKind.Allocate);
                disk.Take(inode, path, offset, length);
                inode.Allocate(offset, length);
            }
        }

        public void PunchHole(long offset, long length)
        {
            lock (disk._sync)
            {
                Enter(DiskCallKind.PunchHole);
                inode.Punch(offset, length);
            }
        }

        public void SetLength(long length)
        {
            lock (disk._sync)
            {
                Enter(DiskCallKind.SetLength);
                inode.SetLength(length);
            }
        }

        public void Sync()
        {
            lock (disk._sync)
            {
                try
                {
                    Enter(DiskCallKind.Sync);
                    inode.Sync();
                }
                catch (IOException)
                {
                    inode.DropDirty();
                    throw;
                }
            }
        }

        public void Dispose() => _disposed = true;

        private void Enter(DiskCallKind kind)
        {
            Check();
            if (readOnly && kind != DiskCallKind.Sync)
                throw new IOException($"{path} is open for reading only");
            disk.Enter(kind, path, changes: true);
        }

        private void Check()
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_generation != disk._generation)
                throw new IOException($"{path}: this handle was open when the power failed");
        }
    }

    private void Take(MemoryInode inode, string path, long offset, long length)
    {
        if (Used() + inode.MissingBytes(offset, length) > CapacityBytes)
            throw new DiskFullException($"no room for {path}");
    }
}
