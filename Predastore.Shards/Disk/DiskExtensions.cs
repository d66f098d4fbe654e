namespace Predastore.Shards.Disk;

/// <summary>Sequences on an <see cref="IDisk"/> whose order is what makes them durable.</summary>
public static class DiskExtensions
{
    /// <summary>
    /// Creates a directory with its parents and makes every new level durable in the level above it.
    /// </summary>
    /// <exception cref="IOException">A level could not be made or synced.</exception>
    public static void CreateDurableDirectory(this IDisk disk, string path)
    {
        var missing = new Stack<string>();
        var level = Path.GetFullPath(path);
        while (!disk.Exists(level))
        {
            missing.Push(level);
            if (Path.GetDirectoryName(level) is not { } parent)
                break;
            level = parent;
        }
        foreach (var directory in missing)
        {
            disk.CreateDirectory(directory);
            if (Path.GetDirectoryName(directory) is { } parent)
                disk.SyncDirectory(parent);
        }
    }

    /// <summary>
    /// Replaces a small file so that after a crash it holds either the old bytes or the new ones: write beside it, sync,
    /// rename, sync the directory.
    /// </summary>
    public static void ReplaceFile(this IDisk disk, string path, ReadOnlySpan<byte> bytes)
    {
        var temporary = path + ".new";
        disk.DeleteFile(temporary);
        using (var file = disk.Open(temporary, DiskOpenMode.CreateNew))
        {
            file.Write(0, bytes);
            file.Sync();
        }
        disk.Rename(temporary, path);
        disk.SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Reads a whole small file.</summary>
    /// <exception cref="InvalidDataException">It is longer than <paramref name="bytesMax"/>.</exception>
    public static byte[] ReadFile(this IDisk disk, string path, int bytesMax)
    {
        using var file = disk.Open(path, DiskOpenMode.ReadOnly);
        if (file.Length > bytesMax)
            throw new InvalidDataException($"{path} holds {file.Length} bytes; at most {bytesMax} belong there");
        var bytes = new byte[file.Length];
        var read = file.Read(0, bytes);
        return read == bytes.Length ? bytes : bytes[..read];
    }
}
