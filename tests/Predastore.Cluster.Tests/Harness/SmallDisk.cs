using System.ComponentModel;
using System.Diagnostics;

namespace Predastore.Cluster.Tests.Harness;

/// <summary>A file system of its own and of a size that a test chooses: a tmpfs, gone with all that is on it when it is disposed.</summary>
public sealed class SmallDisk : IDisposable
{
    private const string BallastName = "ballast";
    private const int PieceBytes = 64 << 10;

    private static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(20);

    // Unmounted if the test host ends without disposing: what is left mounted holds memory until the machine restarts.
    private static readonly HashSet<SmallDisk> Mounted = [];

    private readonly string _path;

    static SmallDisk() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (SmallDisk left in Left())
            left.Dispose();
    };

    private SmallDisk(string path) => _path = path;

    private string Ballast => Path.Combine(_path, BallastName);

    /// <summary>Why nobody may mount here; null where it is allowed.</summary>
    public static string? WhyNot()
    {
        string path = Directory.CreateTempSubdirectory("predastore-mount-").FullName;
        try
        {
            Mount(path, 1 << 20).Dispose();
            return null;
        }
        catch (IOException e)
        {
            return e.Message;
        }
        finally
        {
            Directory.Delete(path);
        }
    }

    /// <summary>Mounts at a folder, which is made.</summary>
    /// <exception cref="IOException">It was refused.</exception>
    public static SmallDisk Mount(string path, long bytes)
    {
        Directory.CreateDirectory(path);
        if (Run("mount", "-t", "tmpfs", "-o", $"size={bytes},mode=0700", "tmpfs", path) is { } why)
            throw new IOException(why);
        var disk = new SmallDisk(path);
        lock (Mounted)
            Mounted.Add(disk);
        return disk;
    }

    /// <summary>Takes what is free to the last block, as a foreign program does that knows no reserve.</summary>
    public void FillUp()
    {
        using var file = new FileStream(Ballast, FileMode.Append, FileAccess.Write, FileShare.None, 0);
        byte[] piece = new byte[PieceBytes];
        try
        {
            while (true)
                file.Write(piece);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    /// <summary>Gives back what <see cref="FillUp"/> took.</summary>
    public void Free() => File.Delete(Ballast);

    public void Dispose()
    {
        lock (Mounted)
            if (!Mounted.Remove(this))
                return;
        // Lazily: what a process that is being killed still has open must not keep it.
        if (Run("umount", "-l", _path) is { } why)
            throw new IOException(why);
    }

    private static SmallDisk[] Left()
    {
        lock (Mounted)
            return [.. Mounted];
    }

    /// <returns>What went wrong; null if it ended with 0.</returns>
    private static string? Run(string program, params string[] args)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardError = true })!;
            string error = process.StandardError.ReadToEnd().Trim();
            if (!process.WaitForExit(CommandTimeout))
                return $"{program} does not end";
            return process.ExitCode == 0 ? null : $"{program}: {error}";
        }
        catch (Win32Exception e)
        {
            return $"{program}: {e.Message}";
        }
    }
}
