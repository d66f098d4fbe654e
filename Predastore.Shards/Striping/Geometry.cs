using Predastore.Shards.Codec;

namespace Predastore.Shards.Striping;

/// <summary>How an object is cut: K data shards and M parity shards. Part of the data row, so it may differ between objects.</summary>
public readonly record struct Geometry
{
    /// <summary>Makes a geometry.</summary>
    /// <param name="k">Data shards, at least 1.</param>
    /// <param name="m">Parity shards, at least 0; k+m at most <see cref="ReedSolomon.CellsMax"/>.</param>
    public Geometry(int k, int m)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(m);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)k + m, ReedSolomon.CellsMax, nameof(m));
        (K, M) = (k, m);
    }

    /// <summary>Data shards.</summary>
    public int K { get; }

    /// <summary>Parity shards.</summary>
    public int M { get; }

    /// <summary>All shards: K+M.</summary>
    public int Total => K + M;

    /// <summary>The code of this geometry, shared.</summary>
    public ReedSolomon Code => ReedSolomon.For(K, M);

    /// <summary>RS(K,M).</summary>
    public override string ToString() => $"RS({K},{M})";
}
