namespace Predastore.Testing.Disk;

/// <summary>A fresh folder of the real file system, gone on dispose.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>Makes the folder.</summary>
    public TemporaryFolder() => Path = Directory.CreateTempSubdirectory("predastore-test-").FullName;

    /// <summary>Absolute path.</summary>
    public string Path { get; }

    /// <summary>Copies a folder of files and folders as it stands, open or not.</summary>
    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var directory in Directory.EnumerateDirectories(from))
            Copy(directory, System.IO.Path.Combine(to, System.IO.Path.GetFileName(directory)));
        foreach (var file in Directory.EnumerateFiles(from))
        {
            try
            {
                File.Copy(file, System.IO.Path.Combine(to, System.IO.Path.GetFileName(file)));
            }
            catch (FileNotFoundException)
            {
                // Its owner deleted it between the listing and the copy, as it may.
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
    }
}
