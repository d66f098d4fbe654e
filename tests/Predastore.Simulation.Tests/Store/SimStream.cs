using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;

namespace Predastore.Simulation.Tests.Store;

/// <summary>Opens streams of one process: the production frames, client and server run over them.</summary>
internal sealed class SimTransport(SimProcess owner, SimNetwork network, VirtualClock clock) : ITransport
{
    private const int DialMs = 3_000;

    public TransportKind Kind => TransportKind.Tls;

    public ValueTask<ITransportStream> OpenAsync(Peer peer, CancellationToken cancel)
    {
        var opened = new TaskCompletionSource<ITransportStream>();
        CancellationTokenRegistration registration = cancel.Register(() => opened.TrySetCanceled(cancel));
        uint from = owner.Node;
        owner.After(DialMs, () => opened.TrySetException(new TransportException($"{peer} was not reached in time")));
        clock.After(network.Delay(from, peer.Node), () =>
        {
            if (network.IsCut(from, peer.Node) || network.IsCut(peer.Node, from))
                return;
            if (network.Running(peer.Node) is not { } target)
            {
                owner.Do(() => opened.TrySetException(new TransportException($"{peer} refused the connection")));
                return;
            }

            (SimStream near, SimStream far) = SimStream.Pair(owner, target, network, clock);
            target.Do(() => _ = ServeAsync(target, far, from));
            owner.After(network.Delay(peer.Node, from), () =>
            {
                registration.Dispose();
                if (!opened.TrySetResult(near))
                    near.Abort();
            });
        });
        return new ValueTask<ITransportStream>(opened.Task);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static async Task ServeAsync(SimProcess target, SimStream stream, uint from)
    {
        await target.Server.HandleAsync(stream, new PeerIdentity(from, TransportKind.Tls, null), CancellationToken.None);
        await stream.DisposeAsync();
    }
}

/// <summary>One end of a stream between two processes.</summary>
internal sealed class SimStream : ITransportStream
{
    private const int IdleMs = 10_000;
    private const int RetransmitMs = 200;

    // A host that is gone is found by probes of the connection, where silence of the exchange is allowed.
    private const int KeepAliveMs = 30_000;

    private readonly SimProcess _owner;
    private readonly SimNetwork _network;
    private readonly VirtualClock _clock;
    private readonly Queue<byte[]> _arrived = new();
    private readonly Queue<(byte[] Bytes, bool Last)> _leaving = new();
    private SimStream _peer = null!;
    private int _idleMs = IdleMs;
    private int _offset;
    private long _lastArrival;
    private bool _ended;
    private bool _writesDone;
    private bool _readsDone;
    private string? _broken;
    private (TaskCompletionSource<int> Answer, Memory<byte> Buffer)? _reading;

    private SimStream(SimProcess owner, SimNetwork network, VirtualClock clock)
    {
        (_owner, _network, _clock) = (owner, network, clock);
        owner.Streams.Add(this);
    }

    public TransportKind Kind => TransportKind.Tls;

    public bool Reused => false;

    public static (SimStream Near, SimStream Far) Pair(SimProcess near, SimProcess far, SimNetwork network, VirtualClock clock)
    {
        var a = new SimStream(near, network, clock);
        var b = new SimStream(far, network, clock) { _peer = a };
        a._peer = b;
        return (a, b);
    }

    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (TryRead(buffer, out int read))
            return ValueTask.FromResult(read);
        if (_broken is { } why)
            throw new TransportException(why);
        if (!_owner.Acts)
            return new ValueTask<int>(new TaskCompletionSource<int>().Task);
        var answer = new TaskCompletionSource<int>();
        _reading = (answer, buffer);
        CancellationTokenRegistration registration = cancel.Register(() =>
        {
            if (_reading?.Answer == answer)
                _reading = null;
            answer.TrySetCanceled(cancel);
        });
        _owner.After(_idleMs, () =>
        {
            registration.Dispose();
            if (!answer.Task.IsCompleted)
                Break("no byte came for the idle limit", stalled: true);
        });
        return new ValueTask<int>(answer.Task);
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, bool last, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (_broken is { } why)
            throw new TransportException(why);
        if (!_owner.Acts)
            return new ValueTask(new TaskCompletionSource().Task);
        _writesDone |= last;
        _leaving.Enqueue((bytes.ToArray(), last));
        Carry(0);
        return ValueTask.CompletedTask;
    }

    public void CompleteReads() => _readsDone = true;

    public void AllowSilence(TimeSpan? limit) => _idleMs = limit is null ? IdleMs : KeepAliveMs;

    public void Abort()
    {
        if (_broken is not null || (_writesDone && _readsDone && _reading is null))
            return;
        Break("the stream was aborted");
        if (_owner.Acts)
            _clock.After(_network.Delay(_owner.Node, _peer._owner.Node), () => _peer._owner.Do(() => _peer.Break("the other side aborted the stream")));
    }

    public ValueTask DisposeAsync()
    {
        Abort();
        _owner.Streams.Remove(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>The owner's process is gone; the peer hears of it now, or only when nothing comes any more.</summary>
    public void OwnerDied(bool reset)
    {
        _broken ??= "the process is gone";
        _reading = null;
        if (reset)
            _clock.After(_network.Delay(_owner.Node, _peer._owner.Node), () => _peer._owner.Do(() => _peer.Break("the connection was reset")));
    }

    // Each carrier takes whatever is first when it arrives: one that waited out a cut does not turn the order round.
    private void Carry(int waitedMs)
    {
        (uint from, uint to) = (_owner.Node, _peer._owner.Node);
        long at = Math.Max(_lastArrival, _clock.Now + _network.Delay(from, to));
        if (_network.Lost(from, to))
            at += RetransmitMs;
        _lastArrival = at;
        _clock.After(at - _clock.Now, () =>
        {
            if (!_network.IsCut(from, to))
            {
                if (_leaving.TryDequeue(out (byte[] Bytes, bool Last) next))
                    _peer._owner.Do(() => _peer.Arrive(next.Bytes, next.Last));
            }
            else if (waitedMs < IdleMs && _broken is null)
            {
                Carry(waitedMs + RetransmitMs);
            }
            else
            {
                _owner.Do(() => Break("nothing was acknowledged for the idle limit", stalled: true));
            }
        });
    }

    private void Arrive(byte[] bytes, bool last)
    {
        if (_broken is not null)
            return;
        if (bytes.Length > 0)
            _arrived.Enqueue(bytes);
        _ended |= last;
        if (_reading is { } reading && TryRead(reading.Buffer, out int read))
        {
            _reading = null;
            reading.Answer.TrySetResult(read);
        }
    }

    private bool TryRead(Memory<byte> buffer, out int read)
    {
        read = 0;
        while (read < buffer.Length && _arrived.TryPeek(out byte[]? first))
        {
            int count = Math.Min(first.Length - _offset, buffer.Length - read);
            first.AsMemory(_offset, count).CopyTo(buffer[read..]);
            read += count;
            _offset += count;
            if (_offset < first.Length)
                continue;
            _offset = 0;
            _arrived.Dequeue();
        }

        return read > 0 || _ended;
    }

    private void Break(string why, bool stalled = false)
    {
        if (_broken is not null)
            return;
        _broken = why;
        if (_reading is not { } reading)
            return;
        _reading = null;
        reading.Answer.TrySetException(new TransportException(why) { Stalled = stalled });
    }
}
