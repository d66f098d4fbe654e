using Microsoft.Win32.SafeHandles;

namespace Predastore.Shards.Disk;

/// <summary>One open file of <see cref="FileDisk"/>: pread and pwrite, so threads share it without a position.</summary>
internal sealed class FileDiskFile : IDiskFile
{
    private const int ZeroBytes = 1 << 16;

    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private volatile string? _syncFailure;

    internal FileDiskFile(string path, SafeFileHandle handle)
    {
        _path = path;
        _handle = handle;
    }

    public long Length => RandomAccess.GetLength(_handle);

    public int Read(long offset, Span<byte> buffer)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            var read = RandomAccess.Read(_handle, buffer[total..], offset + total);
            if (read == 0)
                break;
            total += read;
        }
        return total;
    }

    public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel = default)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            var read = await RandomAccess.ReadAsync(_handle, buffer[total..], offset + total, cancel).ConfigureAwait(false);
            if (read == 0)
                break;
            total += read;
        }
        return total;
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(_handle, bytes, offset);
        }
        catch (IOException e) when (NativeDisk.IsFull(e))
        {
            throw Full(e);
        }
    }

    public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancel = default)
    {
        try
        {
            await RandomAccess.WriteAsync(_handle, bytes, offset, cancel).ConfigureAwait(false);
        }
        catch (IOException e) when (NativeDisk.IsFull(e))
        {
            throw Full(e);
        }
    }

    public void Allocate(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        if (!NativeDisk.TryAllocate(_handle, _path, offset, length) && Length < offset + length)
            SetLength(offset + length);
    }

    public void PunchHole(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        if (NativeDisk.TryPunchHole(_handle, _path, offset, length))
            return;
        // No holes here: the promise that the range reads as zeros still has to hold.
        var zeros = new byte[Math.Min(length, ZeroBytes)];
        var end = Math.Min(offset + length, Length);
        for (var at = offset; at < end; at += zeros.Length)
            Write(at, zeros.AsSpan(0, (int)Math.Min(zeros.Length, end - at)));
    }

    public void SetLength(long length)
    {
        try
        {
            RandomAccess.SetLength(_handle, length);
        }
        catch (IOException e) when (NativeDisk.IsFull(e))
        {
            throw Full(e);
        }
    }

    public void Sync()
    {
        // After a failed fdatasync the kernel has marked the lost pages clean: a second call would succeed over lost data.
        if (_syncFailure is { } failure)
            throw new IOException($"{_path}: an earlier sync failed ({failure}); what was written since is lost");
        try
        {
            NativeDisk.SyncData(_handle, _path);
        }
        catch (IOException e)
        {
            _syncFailure = e.Message;
            throw;
        }
    }

    public void Dispose() => _handle.Dispose();

    private DiskFullException Full(IOException e) => new($"no room for {_path}", e);
}
