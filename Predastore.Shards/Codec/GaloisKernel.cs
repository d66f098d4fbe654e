namespace Predastore.Shards.Codec;

/// <summary>The implementations of the inner loop of <see cref="ReedSolomon"/>, slowest first. All give the same bytes.</summary>
public enum GaloisKernel
{
    /// <summary>Plain C#, one byte at a time.</summary>
    Scalar,

    /// <summary>16-byte nibble-table shuffles: Arm64 AdvSimd, and x86 from SSSE3 on.</summary>
    Vector128,

    /// <summary>32-byte nibble-table shuffles.</summary>
    Avx2,

    /// <summary>32-byte affine transforms (GFNI with AVX).</summary>
    Gfni256,

    /// <summary>64-byte affine transforms (GFNI with AVX-512).</summary>
    Gfni512,
}
