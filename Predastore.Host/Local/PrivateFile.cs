using Predastore.Shards.Disk;

namespace Predastore.Host.Local;

/// <summary>Files that only their owner may read.</summary>
internal static class PrivateFile
{
    /// <summary>
    /// Makes a file with mode 0600, complete or not at all: it is written beside its place, synced, and linked in without
    /// replacing anything.
    /// </summary>
    /// <exception cref="IOException">The file exists, or cannot be made.</exception>
    public static void WriteNew(string path, ReadOnlySpan<byte> content)
    {
        string full = Path.GetFullPath(path);
        string temporary = $"{full}.{Environment.ProcessId}.tmp";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        // The mode is set as the file is made: set afterwards, the content could be read in between.
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            using (var file = new FileStream(temporary, options))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite: false);
            new FileDisk().SyncDirectory(Path.GetDirectoryName(full)!);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Makes a folder that only its owner may enter, if it is not there.</summary>
    public static void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
