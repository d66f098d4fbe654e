namespace Predastore.Shards.Codec;

/// <summary>
/// Arithmetic in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11D) with generator 2: the field of most Reed-Solomon storage
/// codes, and not the one of AES (0x11B). Pure; safe from any thread.
/// </summary>
public static class GaloisField
{
    /// <summary>The reducing polynomial, bit i = coefficient of x^i.</summary>
    public const int Polynomial = 0x11D;

    private const int Order = 255;
    private static readonly byte[] ExpTable = BuildExp();
    private static readonly byte[] LogTable = BuildLog();

    /// <summary>Sum, which in this field is also the difference.</summary>
    public static byte Add(byte a, byte b) => (byte)(a ^ b);

    /// <summary>Product.</summary>
    public static byte Multiply(byte a, byte b) => a == 0 || b == 0 ? (byte)0 : ExpTable[LogTable[a] + LogTable[b]];

    /// <summary>Quotient.</summary>
    /// <exception cref="DivideByZeroException"><paramref name="b"/> is 0.</exception>
    public static byte Divide(byte a, byte b)
    {
        if (b == 0) throw new DivideByZeroException();
        return a == 0 ? (byte)0 : ExpTable[LogTable[a] + Order - LogTable[b]];
    }

    /// <summary>Multiplicative inverse.</summary>
    /// <exception cref="DivideByZeroException"><paramref name="a"/> is 0.</exception>
    public static byte Inverse(byte a) => Divide(1, a);

    /// <summary>a to the power n; anything to the power 0 is 1, 0 included.</summary>
    public static byte Power(byte a, int n)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(n);
        if (n == 0) return 1;
        return a == 0 ? (byte)0 : ExpTable[(int)((long)LogTable[a] * n % Order)];
    }

    /// <summary>2 to the power n, for 0 &lt;= n &lt; 255.</summary>
    public static byte Exp(int n)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(n);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(n, Order);
        return ExpTable[n];
    }

    /// <summary>The n in [0, 255) with 2^n = a.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="a"/> is 0, which has no logarithm.</exception>
    public static byte Log(byte a)
    {
        ArgumentOutOfRangeException.ThrowIfZero(a);
        return LogTable[a];
    }

    private static byte[] BuildExp()
    {
        // Twice the order, so that a sum of two logarithms needs no reduction.
        byte[] table = new byte[2 * Order];
        int x = 1;
        for (int i = 0; i < Order; i++)
        {
            table[i] = table[i + Order] = (byte)x;
            x <<= 1;
            if (x > 0xFF) x ^= Polynomial;
        }
        return table;
    }

    private static byte[] BuildLog()
    {
        byte[] table = new byte[256];
        for (int i = 0; i < Order; i++) table[ExpTable[i]] = (byte)i;
        return table;
    }
}
