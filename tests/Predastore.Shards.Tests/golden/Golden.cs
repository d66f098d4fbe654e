using System.Runtime.CompilerServices;

namespace Predastore.Shards.Tests;

/// <summary>The pinned files beside this one. They are never regenerated: a change of format gets new files.</summary>
internal static class Golden
{
    public static byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(Folder(), name));

    public static string[] Text(string name) => File.ReadAllLines(Path.Combine(Folder(), name));

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
