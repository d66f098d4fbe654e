using System.Numerics;
using Predastore.Shards.Codec;
using Xunit;

namespace Predastore.Shards.Tests.Codec;

public sealed class ReedSolomonSpecs
{
    private static readonly GaloisKernel[] Supported = [.. Enum.GetValues<GaloisKernel>().Where(GaloisKernels.IsSupported)];

    private static byte[][] Encoded(ReedSolomon code, int length, int seed)
    {
        Random random = new(seed);
        byte[][] cells = new byte[code.Total][];
        for (int i = 0; i < cells.Length; i++)
        {
            cells[i] = new byte[length];
            if (i < code.Data) random.NextBytes(cells[i]);
            else cells[i].AsSpan().Fill(0xA5);
        }
        Encode(code, cells);
        return cells;
    }

    private static void Encode(ReedSolomon code, byte[][] cells) => code.Encode(
        cells.Take(code.Data).Select(c => (ReadOnlyMemory<byte>)c).ToArray(),
        cells.Skip(code.Data).Select(c => (Memory<byte>)c).ToArray());

    private static byte[][] Rebuild(ReedSolomon code, byte[][] cells, uint present, params int[] wanted)
    {
        ReadOnlyMemory<byte>[] given = new ReadOnlyMemory<byte>[code.Total];
        for (int i = 0; i < given.Length; i++)
            if ((present >> i & 1) != 0) given[i] = cells[i];
        byte[][] outputs = [.. wanted.Select(_ => Enumerable.Repeat((byte)0x5A, cells[0].Length).ToArray())];
        code.Reconstruct(given, present, wanted, outputs.Select(o => (Memory<byte>)o).ToArray());
        return outputs;
    }

    [Fact]
    public void Parity_should_match_the_published_five_plus_five_vector()
    {
        // "One encode" of the Vandermonde codes over 0x11D: the vector that the Java and Go libraries of this family share.
        byte[][] cells = [[0, 1], [4, 5], [2, 3], [6, 7], [8, 9], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]];
        Encode(new ReedSolomon(5, 5), cells);
        Assert.Equal(new byte[][] { [12, 13], [10, 11], [14, 15], [90, 91], [94, 95] }, cells[5..]);
    }

    [Theory]
    [InlineData(1, 0), InlineData(1, 1), InlineData(1, 3), InlineData(2, 1), InlineData(3, 2), InlineData(4, 2), InlineData(5, 3)]
    [InlineData(6, 4), InlineData(8, 4), InlineData(10, 2), InlineData(12, 4), InlineData(4, 8), InlineData(16, 3)]
    public void Any_loss_of_parity_many_cells_should_be_rebuilt(int data, int parity)
    {
        ReedSolomon code = new(data, parity);
        byte[][] cells = Encoded(code, 37, data * 100 + parity);
        uint all = (1U << code.Total) - 1;
        int combinations = 0;
        for (uint lost = 0; lost <= all; lost++)
        {
            if (BitOperations.PopCount(lost) != parity) continue;
            int[] wanted = [.. Enumerable.Range(0, code.Total).Where(i => (lost >> i & 1) != 0)];
            byte[][] rebuilt = Rebuild(code, cells, all & ~lost, wanted);
            for (int i = 0; i < wanted.Length; i++) Assert.Equal(cells[wanted[i]], rebuilt[i]);
            combinations++;
        }
        Assert.Equal(Binomial(code.Total, parity), combinations);
    }

    private static int Binomial(int n, int k)
    {
        long result = 1;
        for (int i = 1; i <= k; i++) result = result * (n - k + i) / i;
        return (int)result;
    }

    [Fact]
    public void Every_geometry_should_rebuild_from_random_losses()
    {
        const int seed = 20260101;
        Random random = new(seed);
        for (int data = 1; data <= ReedSolomon.CellsMax; data++)
        {
            for (int parity = 0; data + parity <= ReedSolomon.CellsMax; parity++)
            {
                ReedSolomon code = new(data, parity);
                byte[][] cells = Encoded(code, 19, random.Next());
                int[] order = [.. Enumerable.Range(0, code.Total)];
                random.Shuffle(order);
                uint present = order.Take(data).Aggregate(0U, (mask, i) => mask | 1U << i);
                byte[][] rebuilt = Rebuild(code, cells, present, order[data..]);
                for (int i = 0; i < rebuilt.Length; i++)
                    Assert.True(cells[order[data + i]].SequenceEqual(rebuilt[i]), $"({data},{parity}) seed {seed}");
            }
        }
    }

    [Fact]
    public void Kernels_should_agree_with_the_field_for_every_coefficient()
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        foreach (GaloisKernel kernel in Supported)
        {
            for (int c = 0; c < 256; c++)
            {
                byte[] actual = RunKernel(kernel, [new CoefficientRow([(byte)c])], [all])[0];
                Assert.True(all.Select(x => GaloisField.Multiply((byte)c, x)).SequenceEqual(actual), $"{kernel}, coefficient {c}");
            }
        }
    }

    [Fact]
    public void Kernels_should_agree_on_all_small_lengths_and_row_counts()
    {
        const int seed = 7;
        Random random = new(seed);
        for (int length = 1; length <= 300; length++)
        {
            int inputCount = random.Next(1, 9), outputCount = 1 + length % 8;
            byte[][] inputs = [.. Enumerable.Range(0, inputCount).Select(_ => Bytes(random, length))];
            CoefficientRow[] rows = [.. Enumerable.Range(0, outputCount).Select(_ => new CoefficientRow(Bytes(random, inputCount)))];
            byte[][] expected = RunKernel(GaloisKernel.Scalar, rows, inputs);
            foreach (GaloisKernel kernel in Supported)
                Assert.True(Same(expected, RunKernel(kernel, rows, inputs)), $"{kernel}, length {length}, seed {seed}");
        }
    }

    [Fact]
    public void Kernels_should_agree_across_block_borders()
    {
        Random random = new(11);
        foreach (int length in new[] { 8191, 8192, 8193, 8192 + 17, 16384 + 63, 65536, 65536 + 1, 100_003 })
        {
            byte[][] cells = Encoded(new ReedSolomon(3, 7, GaloisKernel.Scalar), length, random.Next());
            foreach (GaloisKernel kernel in Supported)
            {
                byte[][] again = [.. cells.Select((c, i) => i < 3 ? c : new byte[length])];
                Encode(new ReedSolomon(3, 7, kernel), again);
                Assert.True(Same(cells, again), $"{kernel}, length {length}");
            }
        }
    }

    [Fact]
    public void Output_should_stay_inside_its_memory()
    {
        byte[] guarded = Enumerable.Repeat((byte)0xEE, 64 + 77 + 64).ToArray();
        foreach (GaloisKernel kernel in Supported)
        {
            new ReedSolomon(1, 1, kernel).Encode(new ReadOnlyMemory<byte>[] { new byte[77] }, new[] { guarded.AsMemory(64, 77) });
            Assert.True(guarded.Take(64).Concat(guarded.Skip(64 + 77)).All(b => b == 0xEE), kernel.ToString());
            Assert.True(guarded.Skip(64).Take(77).All(b => b == 0), kernel.ToString());
        }
    }

    [Fact]
    public void Single_data_cell_should_be_replicated()
    {
        byte[][] cells = Encoded(new ReedSolomon(1, 4), 1000, 3);
        Assert.All(cells, c => Assert.Equal(cells[0], c));
    }

    [Fact]
    public void No_parity_and_no_bytes_should_be_legal()
    {
        Encode(new ReedSolomon(3, 0), [[1], [2], [3]]);
        byte[][] empty = Encoded(new ReedSolomon(2, 1), 0, 1);
        Assert.Empty(Rebuild(new ReedSolomon(2, 1), empty, 0b110, 0)[0]);
    }

    [Fact]
    public void Present_cells_should_be_computable_too()
    {
        ReedSolomon code = new(3, 2);
        byte[][] cells = Encoded(code, 100, 5);
        byte[][] rebuilt = Rebuild(code, cells, 0b11111, 4, 0, 3);
        Assert.Equal(new[] { cells[4], cells[0], cells[3] }, rebuilt);
    }

    [Fact]
    public void Decode_cache_should_stay_bounded_and_right()
    {
        ReedSolomon code = new(8, 8);
        byte[][] cells = Encoded(code, 8, 9);
        Random random = new(13);
        int[] order = [.. Enumerable.Range(0, 16)];
        for (int round = 0; round < 400; round++)
        {
            random.Shuffle(order);
            uint present = order.Take(8).Aggregate(0U, (mask, i) => mask | 1U << i);
            byte[][] rebuilt = Rebuild(code, cells, present, order[8..]);
            for (int i = 0; i < 8; i++) Assert.Equal(cells[order[8 + i]], rebuilt[i]);
            Assert.InRange(code.DecodeRowsCached, 1, ReedSolomon.DecodeRowsMax);
        }
    }

    [Fact]
    public void Bad_arguments_should_be_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ReedSolomon(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ReedSolomon(1, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ReedSolomon(30, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ReedSolomon(int.MaxValue, int.MaxValue));
        ReedSolomon code = new(2, 1);
        byte[][] cells = Encoded(code, 4, 1);
        Assert.Throws<ArgumentException>(() => Rebuild(code, cells, 0b001, 1));
        Assert.Throws<ArgumentException>(() => Rebuild(code, cells, 0b1011, 1));
        Assert.Throws<ArgumentException>(() => Rebuild(code, cells, 0b011, 3));
        Assert.Throws<ArgumentException>(() => Encode(code, [[1], [2, 3], [4]]));
        Assert.Throws<ArgumentException>(() => Encode(code, [[1], [2], [3, 4]]));
        Assert.Throws<ArgumentException>(() => code.Encode(new ReadOnlyMemory<byte>[1], new Memory<byte>[1]));
        Assert.Throws<ArgumentException>(() => code.Encode(new ReadOnlyMemory<byte>[2], new Memory<byte>[2]));
    }

    private static byte[] Bytes(Random random, int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private static bool Same(byte[][] a, byte[][] b) => a.Zip(b).All(p => p.First.AsSpan().SequenceEqual(p.Second));

    private static unsafe byte[][] RunKernel(GaloisKernel kernel, CoefficientRow[] rows, byte[][] inputs)
    {
        int length = inputs[0].Length;
        byte[][] pinnedInputs = [.. inputs.Select(input =>
        {
            byte[] copy = GC.AllocateArray<byte>(length, pinned: true);
            input.CopyTo(copy, 0);
            return copy;
        })];
        byte[][] outputs = [.. rows.Select(_ => GC.AllocateArray<byte>(length, pinned: true))];
        byte** rowPointers = stackalloc byte*[rows.Length];
        byte** inputPointers = stackalloc byte*[inputs.Length];
        byte** outputPointers = stackalloc byte*[rows.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            rowPointers[i] = rows[i].Pointer;
            fixed (byte* p = outputs[i]) outputPointers[i] = p;
        }
        for (int i = 0; i < inputs.Length; i++)
            fixed (byte* p = pinnedInputs[i]) inputPointers[i] = p;
        GaloisKernels.Run(kernel, rowPointers, inputPointers, inputs.Length, outputPointers, rows.Length, length);
        GC.KeepAlive(pinnedInputs);
        return outputs;
    }
}
