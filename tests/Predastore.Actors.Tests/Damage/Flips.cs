using System.Globalization;

namespace Predastore.Actors.Tests.Damage;

/// <summary>Single flipped bits of real files. The number is small in the suite; <c>scripts/flips.sh</c> asks for more.</summary>
internal static class Flips
{
    /// <summary>How many flips a test makes: its own number, times <c>PREDASTORE_FLIPS</c> if that is set.</summary>
    public static int Count(int few) => few * Times;

    private static int Times => int.TryParse(
        Environment.GetEnvironmentVariable("PREDASTORE_FLIPS"), NumberStyles.None, CultureInfo.InvariantCulture, out int times) ? times : 1;

    /// <summary>Flips one bit in place.</summary>
    public static void FlipBit(string path, long at, int bit)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = at;
        int value = file.ReadByte();
        if (value < 0)
            throw new ArgumentOutOfRangeException(nameof(at), at, $"{path} is shorter");
        file.Position = at;
        file.WriteByte((byte)(value ^ (1 << bit)));
    }

    /// <summary>
    /// Flips a random bit of a random file of a database, weighted by size, and says where. The log for people, the lock and the list of
    /// options hold no data and are left alone.
    /// </summary>
    public static string FlipSome(string folder, Random random)
    {
        FileInfo[] files = [.. new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories)
            .Where(file => file.Length > 0 && IsData(file.Name)).OrderBy(file => file.FullName, StringComparer.Ordinal)];
        long at = random.NextInt64(files.Sum(file => file.Length));
        foreach (FileInfo file in files)
        {
            if (at < file.Length)
            {
                int bit = random.Next(8);
                FlipBit(file.FullName, at, bit);
                return $"{file.Name} byte {at} bit {bit}";
            }

            at -= file.Length;
        }

        throw new InvalidOperationException("no file to damage");
    }

    private static bool IsData(string name) => !name.StartsWith("LOG", StringComparison.Ordinal) && name != "LOCK"
        && !name.StartsWith("OPTIONS", StringComparison.Ordinal);
}
