using System.IO.Pipelines;
using Predastore.Actors.Client;
using Predastore.Shards;

namespace Predastore.Actors.Streams;

/// <summary>The range that a reader has started, as a body for an upload; a pipe between the two bounds what is in flight.</summary>
public sealed class CopyStream : ForwardStream
{
    private const int WindowBytes = 1 << 20;

    private readonly CancellationTokenSource _ending;
    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: WindowBytes, resumeWriterThreshold: WindowBytes / 2));
    private readonly Stream _reader;
    private readonly Task _copying;

    /// <summary>Starts to read; <see cref="IObjectReader.StartAsync"/> was called.</summary>
    public CopyStream(IObjectReader source, CancellationToken cancel)
    {
        _ending = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        _reader = _pipe.Reader.AsStream();
        _copying = CopyAsync(source);
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        => _reader.ReadAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        _ending.Cancel();
        await _reader.DisposeAsync().ConfigureAwait(false);
        await _copying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ending.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private async Task CopyAsync(IObjectReader source)
    {
        Exception? failure = null;
        try
        {
            await source.CopyToAsync(_pipe.Writer, _ending.Token).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            failure = error;
        }

        // The failure reaches the upload as its body's failure: a half copy never looks like the end of the object.
        await _pipe.Writer.CompleteAsync(failure).ConfigureAwait(false);
    }
}
