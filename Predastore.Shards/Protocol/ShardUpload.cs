using Predastore.Shards.Transport;

namespace Predastore.Shards.Protocol;

/// <summary>
/// One shard on its way to a peer. Write, then commit; disposing without a commit that returned aborts it at the peer. One caller
/// at a time.
/// </summary>
public sealed class ShardUpload : IAsyncDisposable
{
    // A peer that is told of an abort answers at once; one that does not loses its connection instead.
    private static readonly TimeSpan AbortAnswerTimeout = TimeSpan.FromSeconds(1);

    private readonly ClientExchange _exchange;
    private readonly TaskCompletionSource _accepted = new(AnswerOptions.Current);
    private readonly TimeProvider _time;
    private readonly Task _answers;
    private bool _disposed;

    internal ShardUpload(ClientExchange exchange, TimeProvider time)
    {
        _exchange = exchange;
        _time = time;
        _answers = ReadAnswersAsync();
    }

    /// <summary>The peer it goes to.</summary>
    public Peer Peer => _exchange.Peer;

    /// <summary>How it travels.</summary>
    public TransportKind Transport => _exchange.Stream.Kind;

    /// <summary>Sealed bytes written so far.</summary>
    public long Written { get; private set; }

    /// <summary>Appends sealed bytes; they are the caller's again on return. It waits while the peer is behind.</summary>
    /// <exception cref="ShardException">The peer has refused the shard.</exception>
    /// <exception cref="IOException">The peer is gone or stalled.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> sealedBytes, CancellationToken cancel = default)
    {
        while (sealedBytes.Length > 0)
        {
            int part = Math.Min(sealedBytes.Length, ProtocolLimits.DataFrameBytes);
            await WriteFrameAsync(FrameType.Data, sealedBytes[..part], last: false, cancel).ConfigureAwait(false);
            Written += part;
            sealedBytes = sealedBytes[part..];
        }
    }

    /// <summary>Sends what is gathered and waits until the peer has taken the shard on.</summary>
    /// <exception cref="ShardException">The peer has refused the shard.</exception>
    /// <exception cref="IOException">The peer is gone or stalled.</exception>
    public async ValueTask WaitAcceptedAsync(CancellationToken cancel = default)
    {
        await _exchange.Writer.FlushAsync(cancel).ConfigureAwait(false);
        await _accepted.Task.WaitAsync(cancel).ConfigureAwait(false);

        // From here on it is this side that the answer waits for.
        _exchange.Stream.AllowSilence(ProtocolLimits.UploadSilenceMax);
    }

    /// <summary>Makes the shard durable and readable at the peer; returns only when it is.</summary>
    /// <param name="digest">The first 16 bytes, big-endian, of SHA-256 over the shard's tags.</param>
    /// <param name="cancel">Ends the wait; the outcome is then unknown.</param>
    /// <exception cref="ShardException">The peer has refused the shard; it is not readable there.</exception>
    /// <exception cref="IOException">The peer is gone or stalled; the outcome is unknown.</exception>
    public async ValueTask CommitAsync(UInt128 digest, CancellationToken cancel = default)
    {
        await WriteFrameAsync(FrameType.Commit, Wire.EncodeCommit(Written, digest), last: true, cancel).ConfigureAwait(false);
        _exchange.Stream.AllowSilence(null);
        await _answers.WaitAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>Ends the upload; uncommitted, it is aborted at the peer.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        if (!_exchange.Writer.Ended && !_answers.IsCompleted || _answers.IsFaulted && _answers.Exception.InnerException is ShardException)
            await TryAbortAsync().ConfigureAwait(false);
        // Before the buffers go back, nobody may be reading into them.
        if (!_answers.IsCompleted) _exchange.Stream.Abort();
        await _answers.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _exchange.DisposeAsync().ConfigureAwait(false);
        // Nobody may be waiting for it any more; its exception is not a surprise.
        _ = _accepted.Task.Exception;
    }

    // Tells the peer, so that it frees the room at once and the connection can be used again.
    private async Task TryAbortAsync()
    {
        using var limit = new CancellationTokenSource(AbortAnswerTimeout, _time);
        try
        {
            if (!_exchange.Writer.Ended) await _exchange.Writer.WriteAsync(FrameType.Abort, default, last: true, limit.Token).ConfigureAwait(false);
            await _answers.WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ShardException)
        {
        }
    }

    private async ValueTask WriteFrameAsync(FrameType type, ReadOnlyMemory<byte> body, bool last, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        // It cannot have ended well before the commit.
        if (_answers.IsCompleted) await _answers.ConfigureAwait(false);
        try
        {
            await _exchange.Writer.WriteAsync(type, body, last, cancel).ConfigureAwait(false);
        }
        catch (TransportException) when (_answers.IsFaulted && _answers.Exception.InnerException is ShardException)
        {
            // The peer said why before it hung up: that is the better error.
            await _answers.ConfigureAwait(false);
        }
    }

    private async Task ReadAnswersAsync()
    {
        try
        {
            FrameHeader header = await _exchange.NextAsync(CancellationToken.None).ConfigureAwait(false);
            if (header.Type != FrameType.Accepted || header.Last || header.Length != 0) throw _exchange.Reader.Unexpected(header.Type);
            _accepted.TrySetResult();
            header = await _exchange.NextAsync(CancellationToken.None).ConfigureAwait(false);
            if (!header.Last || header.Length != 0) throw _exchange.Reader.Unexpected(header.Type);
            if (header.Type == FrameType.Abort) throw new ShardException(ShardError.Refused, "the upload was aborted");
            if (header.Type != FrameType.Committed || !_exchange.Writer.Ended) throw _exchange.Reader.Unexpected(header.Type);
        }
        catch (Exception e)
        {
            _accepted.TrySetException(e);
            throw;
        }
    }
}
