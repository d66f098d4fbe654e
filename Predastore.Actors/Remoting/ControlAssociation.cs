using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Remote.Transport;
using Google.Protobuf;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Remoting;

/// <summary>
/// One association of Akka.Remote on a TLS connection of its own. A message is a frame: its length (4 bytes, big-endian, without
/// themselves) and its bytes. Thread-safe.
/// </summary>
/// <remarks>
/// It reads and writes on threads of its own: a heartbeat that waited for a place in the thread pool behind a burst of uploads would cost a
/// busy node its leadership and its membership.
/// </remarks>
[SuppressMessage("Reliability", "CA1001", Justification = "Cancelled at the end, it holds nothing; the end may be asked for later than it comes")]
internal sealed class ControlAssociation : AssociationHandle
{
    /// <summary>Bytes that may wait to be written. Beyond, <see cref="Write"/> refuses, and Akka.Remote holds messages back.</summary>
    public const int QueueBytesMax = 4 << 20;

    private const int HeaderBytes = 4;

    // The peer reads nothing at all: its process is frozen, or the network swallows what is sent.
    private static readonly TimeSpan WriteStall = TimeSpan.FromSeconds(30);

    // What was written before the end still goes out, if the peer takes it.
    private static readonly TimeSpan FlushTime = TimeSpan.FromSeconds(2);

    private readonly TlsConnection _connection;
    private readonly int _frameMax;
    private readonly Action<Address, string> _log;

    // What writes wakes the sending thread itself.
    private readonly Channel<ByteString> _frames = Channel.CreateUnbounded<ByteString>(
        new UnboundedChannelOptions { SingleReader = true, AllowSynchronousContinuations = true });

    private readonly CancellationTokenSource _cut = new();
    private int _queued;

    /// <param name="connection">Belongs to the association from now on.</param>
    /// <param name="local">This side.</param>
    /// <param name="remote">The other side.</param>
    /// <param name="frameMax">Bytes of the largest frame, both ways.</param>
    /// <param name="log">Hears why the association ended.</param>
    public ControlAssociation(TlsConnection connection, Address local, Address remote, int frameMax, Action<Address, string> log)
        : base(local, remote)
    {
        _connection = connection;
        _frameMax = frameMax;
        _log = log;
        connection.Stream.WriteTimeout = (int)WriteStall.TotalMilliseconds;
        _cut.Token.Register(connection.Cut);
        Ended = Task.Run(RunAsync);
    }

    /// <summary>The other side, as its certificate proves.</summary>
    public uint Node => _connection.Node;

    /// <summary>Ends when the connection is closed and everybody has been told. Never fails.</summary>
    public Task Ended { get; }

    /// <summary>Queues a message.</summary>
    /// <returns>False if it was dropped, because too much waits or the association has ended.</returns>
    /// <exception cref="ArgumentException">It is larger than the largest frame, and would be refused for ever.</exception>
    public override bool Write(ByteString payload)
    {
        if (payload.Length > _frameMax) throw new ArgumentException($"a message of {payload.Length} bytes, and {_frameMax} are allowed");
        int size = HeaderBytes + payload.Length;
        if (Interlocked.Add(ref _queued, size) <= QueueBytesMax && _frames.Writer.TryWrite(payload)) return true;
        Interlocked.Add(ref _queued, -size);
        return false;
    }

    /// <inheritdoc/>
#pragma warning disable CS0672 // Akka.Remote's public method with a reason calls this one.
    public override void Disassociate() => End();
#pragma warning restore CS0672

    /// <summary>Ends the association once what waits is written, or after a short time. May be called often.</summary>
    public void End()
    {
        if (!_frames.Writer.TryComplete()) return;
        _cut.CancelAfter(FlushTime);
    }

    private async Task RunAsync()
    {
        Task<bool> sending = OnThread(Send, "sends to");
        Task<bool> receiving = OnThread(Receive, "receives from");
        // All is sent: the peer closes when it has read that. A connection closed before that could lose what is under way to it.
        if (await Task.WhenAny(sending, receiving) == sending && await sending) await receiving;
        _frames.Writer.TryComplete();
        await _cut.CancelAsync();
        await Task.WhenAll(sending, receiving);
        _connection.Dispose();
        // Told at once where somebody listens, else as soon as somebody does.
        _ = ReadHandlerSource.Task.ContinueWith(
            static listener => listener.Result.Notify(new Disassociated(DisassociateInfo.Unknown)),
            CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
    }

    // True if the work came to its own end.
    private Task<bool> OnThread(Action work, string does)
    {
        var done = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                work();
                done.SetResult(true);
            }
            catch (Exception e)
            {
                // Whatever it was, the association ends by it.
                if (!_cut.IsCancellationRequested) _log(RemoteAddress, e.Message);
                done.SetResult(false);
            }
        })
        {
            IsBackground = true,
            Name = $"{does} node {Node}",
        };
        thread.Start();
        return done.Task;
    }

    private void Send()
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(HeaderBytes + _frameMax);
        try
        {
            while (_frames.Reader.WaitToReadAsync(_cut.Token).AsTask().GetAwaiter().GetResult())
            {
                int used = Fill(buffer);
                _connection.Stream.Write(buffer, 0, used);
                Interlocked.Add(ref _queued, -used);
            }

            _connection.Stream.ShutdownAsync().Wait(_cut.Token);
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.TimedOut })
        {
            throw new IOException($"the peer has taken nothing for {WriteStall.TotalSeconds} s", e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // As many waiting frames as fit; the largest always does.
    private int Fill(byte[] buffer)
    {
        int used = 0;
        while (_frames.Reader.TryPeek(out ByteString? next) && used + HeaderBytes + next.Length <= buffer.Length)
        {
            _frames.Reader.TryRead(out _);
            BinaryPrimitives.WriteInt32BigEndian(buffer.AsSpan(used), next.Length);
            next.Span.CopyTo(buffer.AsSpan(used + HeaderBytes));
            used += HeaderBytes + next.Length;
        }

        return used;
    }

    private void Receive()
    {
        ReadHandlerSource.Task.Wait(_cut.Token);
        IHandleEventListener listener = ReadHandlerSource.Task.Result;
        while (TryRead() is { } frame) listener.Notify(new InboundPayload(frame));
    }

    // Null if the peer has ended in order.
    private ByteString? TryRead()
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        int got = _connection.Stream.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false);
        if (got == 0) return null;
        if (got < HeaderBytes) throw new EndOfStreamException("the connection ended in the middle of a frame");
        int length = BinaryPrimitives.ReadInt32BigEndian(header);
        if (length < 0 || length > _frameMax) throw new InvalidDataException($"a frame of {length} bytes, and {_frameMax} are allowed");
        byte[] bytes = new byte[length];
        _connection.Stream.ReadExactly(bytes);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }
}
