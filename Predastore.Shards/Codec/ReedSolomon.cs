using System.Buffers;
using System.Collections.Concurrent;
using System.Numerics;

namespace Predastore.Shards.Codec;

/// <summary>
/// Systematic Reed-Solomon over <see cref="GaloisField"/>: K data cells and M parity cells, any K of the K+M give all of them
/// back. Cells 0..K-1 are data, K..K+M-1 parity; all cells of one call have the same length, 0 included. Instances are
/// immutable apart from a bounded cache and safe from any thread; <see cref="For"/> shares them.
/// </summary>
public sealed unsafe class ReedSolomon
{
    /// <summary>Largest K+M.</summary>
    public const int CellsMax = 32;

    /// <summary>Decode rows kept; when full the cache is emptied, since loss patterns change rarely.</summary>
    internal const int DecodeRowsMax = 1024;

    private static readonly ConcurrentDictionary<(int Data, int Parity), ReedSolomon> Shared = new();

    private readonly GaloisKernel _kernel;
    private readonly byte[,] _matrix;
    private readonly CoefficientRow[] _parityRows;
    private readonly ConcurrentDictionary<(uint Sources, int Wanted), CoefficientRow> _decodeRows = new();

    /// <summary>Makes a code with the fastest kernel of this CPU.</summary>
    /// <param name="data">K, at least 1.</param>
    /// <param name="parity">M, at least 0; K+M at most <see cref="CellsMax"/>.</param>
    public ReedSolomon(int data, int parity) : this(data, parity, GaloisKernels.Best)
    {
    }

    /// <summary>Makes a code with a kernel of one's choice: for tests and benchmarks.</summary>
    /// <exception cref="PlatformNotSupportedException">This CPU cannot run the kernel.</exception>
    public ReedSolomon(int data, int parity, GaloisKernel kernel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(data, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(parity);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)data + parity, CellsMax, nameof(parity));
        if (!GaloisKernels.IsSupported(kernel)) throw new PlatformNotSupportedException($"This CPU cannot run {kernel}.");
        (Data, Parity, _kernel) = (data, parity, kernel);
        _matrix = GaloisMatrix.Systematic(data, parity);
        _parityRows = new CoefficientRow[parity];
        for (int r = 0; r < parity; r++) _parityRows[r] = RowOf(_matrix, data + r);
    }

    /// <summary>K.</summary>
    public int Data { get; }

    /// <summary>M.</summary>
    public int Parity { get; }

    /// <summary>K+M.</summary>
    public int Total => Data + Parity;

    /// <summary>Decode rows in the cache.</summary>
    internal int DecodeRowsCached => _decodeRows.Count;

    /// <summary>The shared instance for a geometry.</summary>
    public static ReedSolomon For(int data, int parity) =>
        Shared.GetOrAdd((data, parity), static key => new ReedSolomon(key.Data, key.Parity));

    /// <summary>Computes all parity cells.</summary>
    /// <param name="data">The K data cells.</param>
    /// <param name="parity">The M parity cells, overwritten; they must not overlap data.</param>
    /// <exception cref="ArgumentException">The number of cells is not K and M, or lengths differ.</exception>
    public void Encode(ReadOnlySpan<ReadOnlyMemory<byte>> data, ReadOnlySpan<Memory<byte>> parity)
    {
        if (data.Length != Data) throw new ArgumentException($"{data.Length} data cells, not {Data}.", nameof(data));
        if (parity.Length != Parity) throw new ArgumentException($"{parity.Length} parity cells, not {Parity}.", nameof(parity));
        Run(_parityRows, data, parity);
    }

    /// <summary>Computes cells that are not at hand from K that are.</summary>
    /// <param name="cells">K+M entries by cell index; those not in <paramref name="present"/> are ignored.</param>
    /// <param name="present">Bit i set: cell i is there. Only the K lowest are read, so data cells come first.</param>
    /// <param name="wanted">Indices of the cells to compute, in any order; one that is present is computed too.</param>
    /// <param name="outputs">One buffer for each wanted cell, overwritten; they must not overlap <paramref name="cells"/>.</param>
    /// <exception cref="ArgumentException">Fewer than K cells are present, an index is out of range, or lengths differ.</exception>
    public void Reconstruct(ReadOnlySpan<ReadOnlyMemory<byte>> cells, uint present, ReadOnlySpan<int> wanted,
        ReadOnlySpan<Memory<byte>> outputs)
    {
        if (cells.Length != Total) throw new ArgumentException($"{cells.Length} cells, not {Total}.", nameof(cells));
        if (wanted.Length > Total) throw new ArgumentException($"More than {Total} cells wanted.", nameof(wanted));
        if (wanted.Length != outputs.Length) throw new ArgumentException("One output for each wanted cell.", nameof(outputs));
        uint known = Total == 32 ? uint.MaxValue : (1U << Total) - 1;
        if ((present & ~known) != 0) throw new ArgumentException("A bit beyond the last cell is set.", nameof(present));
        if (BitOperations.PopCount(present) < Data)
            throw new ArgumentException($"{BitOperations.PopCount(present)} cells present, {Data} needed.", nameof(present));

        ReadOnlyMemory<byte>[] chosen = new ReadOnlyMemory<byte>[Data];
        uint sources = 0;
        for (int i = 0, n = 0; n < Data; i++)
        {
            if ((present >> i & 1) == 0) continue;
            sources |= 1U << i;
            chosen[n++] = cells[i];
        }
        CoefficientRow[] rows = new CoefficientRow[wanted.Length];
        for (int i = 0; i < wanted.Length; i++)
        {
            if ((uint)wanted[i] >= (uint)Total) throw new ArgumentException($"No cell {wanted[i]}.", nameof(wanted));
            rows[i] = DecodeRow(sources, wanted[i]);
        }
        Run(rows, chosen, outputs);
    }

    private CoefficientRow DecodeRow(uint sources, int wanted)
    {
        if (_decodeRows.TryGetValue((sources, wanted), out CoefficientRow? row)) return row;
        byte[,] square = new byte[Data, Data];
        for (int i = 0, n = 0; n < Data; i++)
        {
            if ((sources >> i & 1) == 0) continue;
            for (int c = 0; c < Data; c++) square[n, c] = _matrix[i, c];
            n++;
        }
        byte[,] target = new byte[1, Data];
        for (int c = 0; c < Data; c++) target[0, c] = _matrix[wanted, c];
        row = RowOf(GaloisMatrix.Multiply(target, GaloisMatrix.Invert(square)), 0);
        if (_decodeRows.Count >= DecodeRowsMax) _decodeRows.Clear();
        _decodeRows[(sources, wanted)] = row;
        return row;
    }

    private static CoefficientRow RowOf(byte[,] matrix, int row)
    {
        byte[] coefficients = new byte[matrix.GetLength(1)];
        for (int c = 0; c < coefficients.Length; c++) coefficients[c] = matrix[row, c];
        return new CoefficientRow(coefficients);
    }

    private void Run(CoefficientRow[] rows, ReadOnlySpan<ReadOnlyMemory<byte>> inputs, ReadOnlySpan<Memory<byte>> outputs)
    {
        int length = inputs[0].Length;
        foreach (ReadOnlyMemory<byte> input in inputs)
            if (input.Length != length) throw new ArgumentException("Cells differ in length.", nameof(inputs));
        foreach (Memory<byte> output in outputs)
            if (output.Length != length) throw new ArgumentException("Cells differ in length.", nameof(outputs));
        if (length == 0 || outputs.Length == 0) return;

        MemoryHandle[] pins = ArrayPool<MemoryHandle>.Shared.Rent(inputs.Length + outputs.Length);
        int pinned = 0;
        byte** inputPointers = stackalloc byte*[inputs.Length];
        byte** outputPointers = stackalloc byte*[outputs.Length];
        byte** rowPointers = stackalloc byte*[outputs.Length];
        try
        {
            for (int i = 0; i < inputs.Length; i++)
                inputPointers[i] = (byte*)(pins[pinned++] = inputs[i].Pin()).Pointer;
            for (int i = 0; i < outputs.Length; i++)
            {
                outputPointers[i] = (byte*)(pins[pinned++] = outputs[i].Pin()).Pointer;
                rowPointers[i] = rows[i].Pointer;
            }
            GaloisKernels.Run(_kernel, rowPointers, inputPointers, inputs.Length, outputPointers, outputs.Length, length);
            GC.KeepAlive(rows);
        }
        finally
        {
            for (int i = 0; i < pinned; i++) pins[i].Dispose();
            ArrayPool<MemoryHandle>.Shared.Return(pins, clearArray: true);
        }
    }
}
