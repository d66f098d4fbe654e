namespace Predastore.Shards.Disk;

/// <summary>
/// The real file system. Directories are made with mode 0700 where there are modes. A full disk is a
/// <see cref="DiskFullException"/>, every other failure another <see cref="IOException"/>.
/// </summary>
public sealed class FileDisk : IDisk
{
    private const UnixFileMode DirectoryMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <inheritdoc/>
    public IDiskFile Open(string path, DiskOpenMode mode)
    {
        try
        {
            return new FileDiskFile(path, File.OpenHandle(
                path,
                mode == DiskOpenMode.CreateNew ? FileMode.CreateNew : FileMode.Open,
                mode == DiskOpenMode.ReadOnly ? FileAccess.Read : FileAccess.ReadWrite,
                FileShare.ReadWrite | FileShare.Delete));
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
        catch (IOException e) when (NativeDisk.IsFull(e))
        {
            throw new DiskFullException(e.Message, e);
        }
    }

    /// <inheritdoc/>
    public bool Exists(string path) => Path.Exists(path);

    /// <inheritdoc/>
    public void CreateDirectory(string path) => Typed(() =>
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, DirectoryMode);
    });

    /// <inheritdoc/>
    public void DeleteFile(string path) => Typed(() =>
    {
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            // What is missing is deleted.
        }
    });

    /// <inheritdoc/>
    public void DeleteDirectory(string path) => Typed(() =>
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // What is missing is deleted.
        }
    });

    /// <inheritdoc/>
    public void Rename(string from, string to) => Typed(() =>
    {
        if (Directory.Exists(from))
            Directory.Move(from, to);
        else
            File.Move(from, to, overwrite: true);
    });

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string directory)
    {
        var names = new List<string>();
        Typed(() => names.AddRange(Directory.EnumerateFileSystemEntries(directory).Select(p => Path.GetFileName(p)!)));
        names.Sort(StringComparer.Ordinal);
        return names;
    }

    /// <inheritdoc/>
    public void SyncDirectory(string path) => NativeDisk.SyncDirectory(path);

    /// <inheritdoc/>
    public DiskSpace Space(string path)
    {
        var drive = new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(Path.GetFullPath(path))! : path);
        return new DiskSpace(drive.TotalSize, drive.AvailableFreeSpace);
    }

    // Callers handle IOException only: a permission is one more way in which a disk fails.
    private static void Typed(Action action)
    {
        try
        {
            action();
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
        catch (IOException e) when (NativeDisk.IsFull(e))
        {
            throw new DiskFullException(e.Message, e);
        }
    }
}
