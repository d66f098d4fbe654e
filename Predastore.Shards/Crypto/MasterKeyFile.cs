using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Predastore.Shards.Disk;

namespace Predastore.Shards.Crypto;

/// <summary>
/// The master key file: exactly 32 raw bytes, that only its owner may read (mode 0600 or 0400). There is no override: a key that
/// others have read protects nothing, and text in place of raw bytes has less entropy than it seems.
/// </summary>
public static class MasterKeyFile
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Reads a key. Symbolic links are followed; the rules hold for what they point at.</summary>
    /// <exception cref="MasterKeyException">
    /// The file is missing, no regular file, cannot be read, has another length than 32, or is open to group or others.
    /// </exception>
    public static MasterKey Read(string path)
    {
        if (string.IsNullOrWhiteSpace(path)) throw new MasterKeyException("The master key file has an empty name.");
        try
        {
            if (Directory.Exists(path))
                throw new MasterKeyException($"Master key {path} is a directory: name a file of {MasterKey.SizeBytes} raw bytes.");
            if (!File.Exists(path))
                throw new MasterKeyException($"Master key file {path} does not exist: create it with 's3d keygen' on one node and "
                    + "copy it to the others.");
            // Before opening: a pipe would block, and has no length.
            CheckLength(path, new FileInfo(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path).Length);

            using SafeFileHandle file = File.OpenHandle(path);
            // On the open handle, so that nobody can swap the file in between.
            if (!OperatingSystem.IsWindows()) CheckMode(path, File.GetUnixFileMode(file));
            CheckLength(path, RandomAccess.GetLength(file));
            using SecretBytes bytes = new(MasterKey.SizeBytes);
            int read = 0;
            while (read < MasterKey.SizeBytes)
            {
                int n = RandomAccess.Read(file, bytes.Span[read..], read);
                if (n == 0) CheckLength(path, read);
                read += n;
            }
            return new MasterKey(bytes.Span);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new MasterKeyException($"Master key file {path} cannot be read by this user: {OneLine(e.Message)}", e);
        }
    }

    /// <summary>Writes a new random key with mode 0600 and makes it durable. An existing file is never overwritten.</summary>
    /// <exception cref="MasterKeyException">The file exists or cannot be written.</exception>
    public static void Create(string path)
    {
        if (Path.Exists(path))
            throw new MasterKeyException($"Master key file {path} exists: it is not overwritten, since data may depend on it.");
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            using SecretBytes bytes = SecretBytes.Random(MasterKey.SizeBytes);
            using (FileStream file = new(path, options))
            {
                file.Write(bytes.Span);
                file.Flush(flushToDisk: true);
            }

            // Its name, too: what is sealed under a key that a power loss took away cannot be read.
            new FileDisk().SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MasterKeyException($"Master key file {path} cannot be written: {OneLine(e.Message)}", e);
        }
    }

    private static void CheckMode(string path, UnixFileMode mode)
    {
        if ((mode & Others) != 0)
            throw new MasterKeyException($"Master key file {path} is open to group or others (mode 0"
                + $"{Convert.ToString((int)mode, 8)}): run 'chmod 600 {path}', and replace the key if others may have read it.");
    }

    private static void CheckLength(string path, long length)
    {
        if (length != MasterKey.SizeBytes)
            throw new MasterKeyException($"Master key file {path} has {length} bytes: it must be a regular file of exactly "
                + $"{MasterKey.SizeBytes} raw bytes, not hex or base64 text; 's3d keygen' makes one.");
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
