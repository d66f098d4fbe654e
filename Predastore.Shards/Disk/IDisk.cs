namespace Predastore.Shards.Disk;

/// <summary>How <see cref="IDisk.Open"/> treats an existing or missing file.</summary>
public enum DiskOpenMode
{
    /// <summary>The file must not exist.</summary>
    CreateNew,

    /// <summary>The file must exist; read and write.</summary>
    Existing,

    /// <summary>The file must exist; read only.</summary>
    ReadOnly,
}

/// <summary>Space of the file system that holds a path, in bytes.</summary>
/// <param name="TotalBytes">Size of the file system.</param>
/// <param name="FreeBytes">Bytes an unprivileged writer can still use.</param>
public readonly record struct DiskSpace(long TotalBytes, long FreeBytes);

/// <summary>
/// The file seam. Everything that must survive a crash goes through it, so that a crash-modelled disk can stand in.
/// A create, rename or delete is durable only after <see cref="SyncDirectory"/> of the parent; bytes only after
/// <see cref="IDiskFile.Sync"/>. All members throw <see cref="IOException"/> on failure.
/// </summary>
public interface IDisk
{
    /// <summary>Opens a file for positioned I/O. The caller disposes it.</summary>
    IDiskFile Open(string path, DiskOpenMode mode);

    /// <summary>True if a file or a directory stands at <paramref name="path"/>.</summary>
    bool Exists(string path);

    /// <summary>Creates a directory and its parents; no error if it is there.</summary>
    void CreateDirectory(string path);

    /// <summary>Deletes a file; no error if it is missing.</summary>
    void DeleteFile(string path);

    /// <summary>Deletes a directory with all it holds; no error if it is missing.</summary>
    void DeleteDirectory(string path);

    /// <summary>Renames a file or directory, replacing a file at the target atomically.</summary>
    void Rename(string from, string to);

    /// <summary>Names (without the directory) of files and directories in a directory, in ordinal order.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Makes creates, renames and deletes in this directory durable (fsync of the directory).</summary>
    void SyncDirectory(string path);

    /// <summary>Space of the file system below <paramref name="path"/>.</summary>
    DiskSpace Space(string path);
}

/// <summary>
/// Positioned I/O on one open file. Reads and writes at disjoint offsets may run at once from any thread;
/// <see cref="Sync"/> covers every write that returned before it was called. A failed sync is never retried.
/// </summary>
public interface IDiskFile : IDisposable
{
    /// <summary>Current length in bytes.</summary>
    long Length { get; }

    /// <summary>Reads up to <c>buffer.Length</c> bytes; returns fewer only at the end of the file.</summary>
    int Read(long offset, Span<byte> buffer);

    /// <summary>As <see cref="Read"/>, without holding the calling thread where the platform can.</summary>
    ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel = default);

    /// <summary>Writes all bytes at the offset, extending the file if needed.</summary>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>As <see cref="Write"/>, without holding the calling thread where the platform can.</summary>
    ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancel = default);

    /// <summary>Reserves blocks for the range (fallocate); throws when the disk is full. May extend the length.</summary>
    void Allocate(long offset, long length);

    /// <summary>Gives the blocks of the range back; it reads as zeros afterwards.</summary>
    void PunchHole(long offset, long length);

    /// <summary>Truncates or extends with zeros.</summary>
    void SetLength(long length);

    /// <summary>fdatasync: data and length are durable when it returns.</summary>
    void Sync();
}
