using System.Security.Cryptography;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>Bytes of an operation: random, different for each, made again from its number.</summary>
public static class Content
{
    /// <summary>Size of a part, the least that S3 takes for one that is not the last.</summary>
    public const int PartBytes = 5 << 20;

    // Around every boundary that the store has: nothing, inline data, one fragment, one cell, one stripe, one batch.
    private static readonly int[] Sizes =
        [0, 1, 100, 4096, 4097, 8192, 8193, 16_000, 65_536, 131_072, 131_073, 300_000, 524_288, 700_001];

    public static byte[] Of(int seed, long operation, int size)
    {
        byte[] bytes = new byte[size];
        new Random(HashCode.Combine(seed, operation)).NextBytes(bytes);
        return bytes;
    }

    /// <summary>A size drawn so that small objects are most.</summary>
    public static int Size(Random random)
    {
        int pick = random.Next(100);
        return pick < 70 ? Sizes[random.Next(9)] : pick < 95 ? Sizes[random.Next(Sizes.Length)] : random.Next(1_500_000);
    }

    public static string Name(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary><see cref="Name"/> of what a stream holds to its end.</summary>
    public static async Task<string> NameAsync(Stream bytes, CancellationToken cancel = default) =>
        Convert.ToHexStringLower(await SHA256.HashDataAsync(bytes, cancel));
}
