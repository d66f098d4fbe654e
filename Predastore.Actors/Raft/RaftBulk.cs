using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Threading.Channels;
using Google.Protobuf;
using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Raft;

/// <summary>
/// Raft on the data plane.
/// <code>
/// kind 1, a message:  type 1 (1 RaftMessage, 2 ProposeRequest) | message (protobuf) to the end
///                     reply: empty, when it was handed to the replica
/// kind 2, a snapshot: length 4, big-endian | RaftMessage of that length | bytes of the snapshot to the end
///                     reply: 1 byte, 1, when everything was received, verified and made durable
/// </code>
/// What cannot be sent is dropped: the protocol sends it again. Thread-safe.
/// </summary>
public sealed partial class RaftBulk : IAsyncDisposable
{
    /// <summary>Kind of a message on the data plane.</summary>
    public const uint MessageKind = 1;

    /// <summary>Kind of a snapshot on the data plane.</summary>
    public const uint SnapshotKind = 2;

    /// <summary>Largest message: entries of 1 MiB and what surrounds them.</summary>
    public const int MessageBytesMax = 4 << 20;

    private const byte RaftMessageType = 1;
    private const byte ProposeRequestType = 2;
    private const int QueueMessagesMax = 64;
    private const int QueueBytesMax = 16 << 20;
    private const int HeadBytesMax = 64 << 10;
    private const int ChunkBytes = 256 << 10;
    private static readonly TimeSpan MessageTimeout = TimeSpan.FromSeconds(10);

    private readonly ShardClient _client;
    private readonly Func<uint, Peer?> _peerOf;
    private readonly IStateMachine _machine;
    private readonly RaftGroup _group;
    private readonly ConcurrentDictionary<uint, Lazy<Outbox>> _outboxes = [];
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Creates it; client and machine stay the caller's.</summary>
    public RaftBulk(ShardClient client, Func<uint, Peer?> peerOf, IStateMachine machine, RaftGroup group)
    {
        _client = client;
        _peerOf = peerOf;
        _machine = machine;
        _group = group;
    }

    /// <summary>True while messages for the node wait or are on their way.</summary>
    public bool HasPending(uint node) => _outboxes.TryGetValue(node, out Lazy<Outbox>? outbox) && outbox.Value.Pending > 0;

    /// <summary>Queues a message for a node; drops it if the queue is full. Never waits.</summary>
    /// <exception cref="ArgumentException">It is of no type that travels here.</exception>
    public void Send(uint node, IMessage message)
    {
        byte type = message switch
        {
            RaftMessage => RaftMessageType,
            ProposeRequest => ProposeRequestType,
            _ => throw new ArgumentException($"{message.Descriptor.Name} does not travel on the data plane"),
        };
        byte[] payload = new byte[1 + message.CalculateSize()];
        payload[0] = type;
        message.WriteTo(payload.AsSpan(1));
        _outboxes.GetOrAdd(node, n => new Lazy<Outbox>(() => new Outbox(this, n))).Value.Add(payload);
    }

    /// <summary>Sends a snapshot. True if the other side has received and verified it; false if it refused it.</summary>
    /// <exception cref="IOException">The way broke, or the source cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or this is being disposed.</exception>
    public async Task<bool> SendSnapshotAsync(uint node, RaftMessage message, ISnapshotSource snapshot, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel, _stopping.Token);
        if (_peerOf(node) is not { } peer)
            return false;
        try
        {
            await using MessageExchange exchange = await _client.OpenMessageAsync(peer, SnapshotKind, limit.Token).ConfigureAwait(false);
            byte[] head = new byte[4 + message.CalculateSize()];
            BinaryPrimitives.WriteInt32BigEndian(head, head.Length - 4);
            message.WriteTo(head.AsSpan(4));
            await exchange.Output.WriteAsync(head, limit.Token).ConfigureAwait(false);
            await CopyAsync(snapshot, exchange.Output, limit.Token).ConfigureAwait(false);
            await exchange.CompleteAsync(limit.Token).ConfigureAwait(false);
            ReadOnlyMemory<byte> reply = await exchange.ReadAllAsync(16, limit.Token).ConfigureAwait(false);
            return reply.Length == 1 && reply.Span[0] == 1;
        }
        catch (ShardException)
        {
            return false;
        }
    }

    /// <summary>Drops what waits and cuts what is under way.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        foreach (Lazy<Outbox> outbox in _outboxes.Values)
            await outbox.Value.Loop.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private static async Task CopyAsync(ISnapshotSource snapshot, Stream output, CancellationToken cancel)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            while (snapshot.Read(buffer) is > 0 and int read)
                await output.WriteAsync(buffer.AsMemory(0, read), cancel).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Messages to one node, one after the other.</summary>
    private sealed class Outbox
    {
        private readonly RaftBulk _bulk;
        private readonly uint _node;
        private readonly Channel<byte[]> _queue = Channel.CreateBounded<byte[]>(
            new BoundedChannelOptions(QueueMessagesMax) { SingleReader = true });
        private int _pending;
        private long _bytes;

        public Outbox(RaftBulk bulk, uint node)
        {
            _bulk = bulk;
            _node = node;
            Loop = Task.Run(RunAsync);
        }

        public Task Loop { get; }

        public int Pending => Volatile.Read(ref _pending);

        public void Add(byte[] payload)
        {
            Interlocked.Increment(ref _pending);
            if (Interlocked.Add(ref _bytes, payload.Length) > QueueBytesMax || !_queue.Writer.TryWrite(payload))
                Forget(payload);
        }

        private async Task RunAsync()
        {
            try
            {
                while (await _queue.Reader.WaitToReadAsync(_bulk._stopping.Token).ConfigureAwait(false))
                {
                    while (_queue.Reader.TryRead(out byte[]? payload))
                    {
                        if (!await TrySendAsync(payload).ConfigureAwait(false))
                        {
                            // What stands behind a message that was lost follows nothing: the peer would only refuse it.
                            while (_queue.Reader.TryRead(out byte[]? next))
                                Forget(next);
                        }

                        Forget(payload);
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // Disposed.
            }
        }

        private async Task<bool> TrySendAsync(byte[] payload)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_bulk._stopping.Token);
            limit.CancelAfter(MessageTimeout);
            try
            {
                if (_bulk._peerOf(_node) is not { } peer)
                    return false;
                await _bulk._client.SendMessageAsync(peer, MessageKind, payload, limit.Token).ConfigureAwait(false);
                return true;
            }
            catch (Exception)
            {
                // Whatever it was: an outbox that ends would take every later message, and every append behind it, with it.
                return false;
            }
        }

        private void Forget(byte[] payload)
        {
            Interlocked.Add(ref _bytes, -payload.Length);
            Interlocked.Decrement(ref _pending);
        }
    }
}
