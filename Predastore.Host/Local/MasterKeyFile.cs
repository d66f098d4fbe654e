using System.Security.Cryptography;

namespace Predastore.Host.Local;

/// <summary>Makes master key files. Reading them, with their rules, is the matter of Predastore.Shards/Crypto.</summary>
internal static class MasterKeyFile
{
    /// <summary>Bytes of a master key file, no more and no less.</summary>
    public const int KeyBytes = 32;

    /// <summary>Writes 32 random bytes to a new file with mode 0600 and syncs it.</summary>
    /// <exception cref="StartupException">The file exists, or cannot be made.</exception>
    public static void Create(string path)
    {
        // Refused even for an empty file: overwriting a key makes everything sealed under it unreadable.
        if (Path.Exists(path))
            throw new StartupException($"{path} exists and a key is never overwritten; choose another name or move it away");
        byte[] key = RandomNumberGenerator.GetBytes(KeyBytes);
        try
        {
            PrivateFile.WriteNew(path, key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"cannot make the key file {path}: {e.Message}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }
}
