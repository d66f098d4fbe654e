using System.Text;

namespace Predastore.Shards.Transport;

/// <summary>PEM files on the operator's disk. They are not part of the store's data and do not go through the disk seam.</summary>
public static class PemFile
{
    private const UnixFileMode PrivateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PublicMode = PrivateMode | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode NotPrivate =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Writes a private key with mode 0600, replacing the file atomically.</summary>
    public static void WriteKey(string path, string pem) => Write(path, pem, PrivateMode);

    /// <summary>Writes a certificate with mode 0644, replacing the file atomically.</summary>
    public static void WriteCertificate(string path, string pem) => Write(path, pem, PublicMode);

    /// <summary>Refuses a key that somebody else on this machine could have read.</summary>
    /// <exception cref="InvalidDataException">Group or others have a right on the file.</exception>
    /// <exception cref="IOException">The file is missing.</exception>
    public static void RequirePrivate(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"key file {path} does not exist", path);
        if (OperatingSystem.IsWindows()) return;
        if ((File.GetUnixFileMode(path) & NotPrivate) != 0)
            throw new InvalidDataException($"key file {path} can be read by group or others; run: chmod 600 {path}");
    }

    private static void Write(string path, string pem, UnixFileMode mode)
    {
        string temporary = path + ".tmp";
        File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        // The mode is set when the file is made: set afterwards, the key could be read in between.
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = mode;
        using (var file = new FileStream(temporary, options))
        {
            file.Write(Encoding.ASCII.GetBytes(pem));
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    }
}
