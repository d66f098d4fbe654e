using Predastore.Shards.Codec;
using Xunit;

namespace Predastore.Shards.Tests.Codec;

public sealed class ChecksumsSpecs
{
    private static readonly byte[] Content = Random(100_000, 17);

    private static byte[] Random(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static ulong BitByBit(CrcKind kind, ReadOnlySpan<byte> bytes)
    {
        (ulong ones, ulong polynomial) = kind switch
        {
            CrcKind.Crc32 => (0xFFFFFFFFUL, 0xEDB88320UL),
            CrcKind.Crc32C => (0xFFFFFFFFUL, 0x82F63B78UL),
            _ => (ulong.MaxValue, 0x9A6C9329AC4BC9B5UL),
        };
        ulong register = ones;
        foreach (byte b in bytes)
        {
            register ^= b;
            for (int i = 0; i < 8; i++) register = (register & 1) != 0 ? register >> 1 ^ polynomial : register >> 1;
        }
        return register ^ ones;
    }

    [Theory]
    [InlineData(CrcKind.Crc32, 0xCBF43926UL)]
    [InlineData(CrcKind.Crc32C, 0xE3069283UL)]
    [InlineData(CrcKind.Crc64Nvme, 0xAE8B14860A799888UL)]
    public void Check_values_should_be_the_published_ones(CrcKind kind, ulong expected)
    {
        Assert.Equal(expected, Checksums.Compute(kind, "123456789"u8));
        Assert.Equal(0UL, Checksums.Compute(kind, []));
    }

    [Theory]
    [InlineData(CrcKind.Crc32), InlineData(CrcKind.Crc32C), InlineData(CrcKind.Crc64Nvme)]
    public void Every_length_and_alignment_should_equal_the_bitwise_definition(CrcKind kind)
    {
        for (int length = 0; length <= 600; length++)
        {
            ReadOnlySpan<byte> bytes = Content.AsSpan(length % 7, length);
            ulong expected = BitByBit(kind, bytes);
            Assert.Equal(expected, Checksums.Compute(kind, bytes));
            CrcPolynomial polynomial = CrcPolynomial.Of(kind);
            Assert.Equal(expected, polynomial.AppendScalar(polynomial.Ones, bytes) ^ polynomial.Ones);
        }
        Assert.Equal(BitByBit(kind, Content), Checksums.Compute(kind, Content));
    }

    [Theory]
    [InlineData(CrcKind.Crc32), InlineData(CrcKind.Crc32C), InlineData(CrcKind.Crc64Nvme)]
    public void Pieces_should_add_up_to_the_whole(CrcKind kind)
    {
        const int seed = 23;
        Random random = new(seed);
        for (int round = 0; round < 200; round++)
        {
            int length = random.Next(5000);
            Crc crc = Crc.Start(kind);
            for (int at = 0; at < length;)
            {
                int piece = Math.Min(random.Next(700), length - at);
                crc.Append(Content.AsSpan(at, piece));
                at += piece;
            }
            Assert.True(Checksums.Compute(kind, Content.AsSpan(0, length)) == crc.Value, $"seed {seed}, round {round}");
        }
    }

    [Theory]
    [InlineData(CrcKind.Crc32), InlineData(CrcKind.Crc32C), InlineData(CrcKind.Crc64Nvme)]
    public void Combination_should_equal_the_whole(CrcKind kind)
    {
        ulong whole = Checksums.Compute(kind, Content);
        foreach (int cut in new[] { 0, 1, 7, 8, 9, 4096, 65536, 99_999, 100_000 })
        {
            ulong a = Checksums.Compute(kind, Content.AsSpan(0, cut)), b = Checksums.Compute(kind, Content.AsSpan(cut));
            Assert.Equal(whole, Checksums.Combine(kind, a, b, Content.Length - cut));
        }
        // Lengths over 32 bits: zeros in one step or two.
        ulong big = Checksums.Combine(kind, whole, 0, 5L << 40);
        Assert.Equal(big, Checksums.Combine(kind, Checksums.Combine(kind, whole, 0, 3L << 40), 0, 2L << 40));
        Assert.Throws<ArgumentOutOfRangeException>(() => Checksums.Combine(kind, 0, 0, -1));
    }

    [Fact]
    public void Bytes_should_be_big_endian()
    {
        byte[] bytes = new byte[8];
        Assert.Equal(4, Checksums.Write(CrcKind.Crc32, 0xCBF43926, bytes));
        Assert.Equal("CBF43926", Convert.ToHexString(bytes, 0, 4));
        Assert.Equal(8, Checksums.Write(CrcKind.Crc64Nvme, 0xAE8B14860A799888, bytes));
        Assert.Equal("AE8B14860A799888", Convert.ToHexString(bytes));
    }
}
