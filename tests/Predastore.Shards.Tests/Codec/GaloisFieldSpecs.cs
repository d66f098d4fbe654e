using Predastore.Shards.Codec;
using Xunit;

namespace Predastore.Shards.Tests.Codec;

public sealed class GaloisFieldSpecs
{
    /// <summary>Carry-less multiplication and reduction bit by bit: shares nothing with the tables.</summary>
    private static byte SlowMultiply(int a, int b)
    {
        int product = 0;
        for (int i = 0; i < 8; i++)
            if ((b >> i & 1) != 0) product ^= a << i;
        for (int i = 14; i >= 8; i--)
            if ((product >> i & 1) != 0) product ^= GaloisField.Polynomial << (i - 8);
        return (byte)product;
    }

    [Fact]
    public void Product_should_equal_bitwise_reduction_for_every_pair()
    {
        for (int a = 0; a < 256; a++)
            for (int b = 0; b < 256; b++)
                Assert.Equal(SlowMultiply(a, b), GaloisField.Multiply((byte)a, (byte)b));
    }

    [Fact]
    public void Quotient_should_undo_the_product_for_every_pair()
    {
        for (int a = 0; a < 256; a++)
            for (int b = 1; b < 256; b++)
                Assert.Equal(a, GaloisField.Divide(GaloisField.Multiply((byte)a, (byte)b), (byte)b));
        Assert.Throws<DivideByZeroException>(() => GaloisField.Divide(1, 0));
        Assert.Throws<DivideByZeroException>(() => GaloisField.Inverse(0));
    }

    [Fact]
    public void Powers_of_two_should_match_the_published_table()
    {
        // Start of the exponent table of this field, as printed in the QR code standard (ISO/IEC 18004), which uses it too.
        byte[] published =
        [
            1, 2, 4, 8, 16, 32, 64, 128, 29, 58, 116, 232, 205, 135, 19, 38, 76, 152, 45, 90, 180, 117, 234, 201, 143, 3, 6, 12,
            24, 48, 96, 192,
        ];
        for (int i = 0; i < published.Length; i++) Assert.Equal(published[i], GaloisField.Exp(i));
        Assert.Equal(142, GaloisField.Exp(254));
    }

    [Fact]
    public void Powers_should_be_repeated_products()
    {
        for (int a = 0; a < 256; a++)
        {
            byte expected = 1;
            for (int n = 0; n < 40; n++)
            {
                Assert.Equal(expected, GaloisField.Power((byte)a, n));
                expected = GaloisField.Multiply(expected, (byte)a);
            }
        }
    }

    [Fact]
    public void Logarithm_should_invert_the_exponent()
    {
        for (int i = 0; i < 255; i++) Assert.Equal(i, GaloisField.Log(GaloisField.Exp(i)));
        Assert.Throws<ArgumentOutOfRangeException>(() => GaloisField.Log(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => GaloisField.Exp(255));
    }
}
