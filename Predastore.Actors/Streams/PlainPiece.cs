using System.IO.Pipelines;
using Predastore.Shards.Striping;

namespace Predastore.Actors.Streams;

/// <summary>Authenticated plain bytes on their way out. Disposed once.</summary>
internal interface IPiece : IDisposable
{
    /// <summary>Writes the bytes in object order; does not flush.</summary>
    void WriteTo(PipeWriter output);
}

/// <summary>Plain bytes of one range, still lying in the runs of their shards.</summary>
internal sealed class PlainPiece(IReadOnlyList<CellSlice> slices, IReadOnlyDictionary<int, ShardRun> runs) : IPiece
{
    /// <inheritdoc/>
    public void WriteTo(PipeWriter output)
    {
        foreach (CellSlice slice in slices)
        {
            ShardRun run = runs[slice.Cell];
            ReadOnlySpan<byte> bytes = run.Bodies.Span.Slice((int)(slice.ShardOffset - run.Start), slice.Length);
            bytes.CopyTo(output.GetSpan(bytes.Length));
            output.Advance(bytes.Length);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ShardRun run in runs.Values)
            run.Dispose();
    }
}

/// <summary>Plain bytes of inline data.</summary>
internal sealed class InlinePiece(ReadOnlyMemory<byte> bytes) : IPiece
{
    /// <inheritdoc/>
    public void WriteTo(PipeWriter output)
    {
        bytes.Span.CopyTo(output.GetSpan(bytes.Length));
        output.Advance(bytes.Length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
