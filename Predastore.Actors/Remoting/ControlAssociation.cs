using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
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
    private readonly Channel<ByteString> _frames = Channel.CreateUnbounded<ByteString>(new UnboundedChannelOptions { SingleReader = true });
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
        Task<bool> sending = SucceedsAsync(SendAsync());
        Task<bool> receiving = SucceedsAsync(ReceiveAsync());
        // All is sent: the peer closes when it has read that. A connection closed before that could lose what is under way to it.
        if (await Task.WhenAny(sending, receiving) == sending && await sending) await receiving;
        _frames.Writer.TryComplete();
        await _cut.CancelAsync();
        _connection.Cut();
        await Task.WhenAll(sending, receiving);
        _connection.Dispose();
        // Told at once where somebody listens, else as soon as somebody does.
        _ = ReadHandlerSource.Task.ContinueWith(
            static listener => listener.Result.Notify(new Disassociated(DisassociateInfo.Unknown)),
            CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
    }

    private async Task<bool> SucceedsAsync(Task work)
    {
        try
        {
            await work;
            return true;
        }
        catch (Exception e)
        {
            // Whatever it was, the association ends by it.
            if (!_cut.IsCancellationRequested) _log(RemoteAddress, e.Message);
            return false;
        }
    }

    private async Task SendAsync()
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(HeaderBytes + _frameMax);
        var stall = CancellationTokenSource.CreateLinkedTokenSource(_cut.Token);
        try
        {
            while (await _frames.Reader.WaitToReadAsync(_cut.Token))
            {
                int used = Fill(buffer);
                stall.CancelAfter(WriteStall);
                await _connection.Stream.WriteAsync(buffer.AsMemory(0, used), stall.Token);
                Interlocked.Add(ref _queued, -used);
                // Not reset: the source is linked. A new time is set with the next write, and none runs meanwhile.
                stall.CancelAfter(Timeout.InfiniteTimeSpan);
            }

            await _connection.Stream.ShutdownAsync().WaitAsync(_cut.Token);
        }
        catch (OperationCanceledException) when (!_cut.IsCancellationRequested)
        {
            throw new IOException($"the peer has taken nothing for {WriteStall.TotalSeconds} s");
        }
        finally
        {
            stall.Dispose();
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

    private async Task ReceiveAsync()
    {
        IHandleEventListener listener = await ReadHandlerSource.Task.WaitAsync(_cut.Token);
        var reader = PipeReader.Create(_connection.Stream, new StreamPipeReaderOptions(bufferSize: 16 << 10, leaveOpen: true));
        try
        {
            ReadResult read;
            do
            {
                read = await reader.ReadAsync(_cut.Token);
                ReadOnlySequence<byte> left = read.Buffer;
                while (TryTake(ref left) is { } frame) listener.Notify(new InboundPayload(frame));
                reader.AdvanceTo(left.Start, left.End);
            }
            while (!read.IsCompleted);
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }

    private ByteString? TryTake(ref ReadOnlySequence<byte> bytes)
    {
        if (bytes.Length < HeaderBytes) return null;
        Span<byte> header = stackalloc byte[HeaderBytes];
        bytes.Slice(0, HeaderBytes).CopyTo(header);
        int length = BinaryPrimitives.ReadInt32BigEndian(header);
        if (length < 0 || length > _frameMax) throw new InvalidDataException($"a frame of {length} bytes, and {_frameMax} are allowed");
        if (bytes.Length < HeaderBytes + length) return null;
        ByteString frame = UnsafeByteOperations.UnsafeWrap(bytes.Slice(HeaderBytes, length).ToArray());
        bytes = bytes.Slice(HeaderBytes + length);
        return frame;
    }
}
