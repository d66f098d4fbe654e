namespace Predastore.Host.Tests;

/// <summary>Files of the source tree that tests read.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Config(string name) => Path.Combine(Root, "config", name + ".toml");

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Predastore.sln")))
                return folder.FullName;
        throw new InvalidOperationException($"no Predastore.sln above {AppContext.BaseDirectory}");
    }
}
