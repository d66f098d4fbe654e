using System.Buffers;
using System.Buffers.Binary;
using Google.Protobuf;
using Predastore.Actors.Raft.Core;
using Predastore.Actors.Serialization;
using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Raft;

/// <content>What peers send: messages and snapshots.</content>
public sealed partial class RaftBulk
{
    private readonly SemaphoreSlim _receiving = new(1);

    /// <summary>Takes a message (kind 1) and hands it to the replica.</summary>
    /// <exception cref="ShardException">It is malformed, too large, or not from the node that it names.</exception>
    public async ValueTask HandleMessageAsync(Stream input, Stream output, PeerIdentity peer, CancellationToken cancel)
    {
        ReadOnlyMemory<byte> payload = await MessageBody.ReadAsync(input, MessageBytesMax, "Raft message", cancel)
            .ConfigureAwait(false);
        IMessage message = payload.Length == 0 ? throw Malformed("it is empty") : payload.Span[0] switch
        {
            RaftMessageType => Parse(RaftMessage.Parser, payload[1..]),
            ProposeRequestType => Parse(ProposeRequest.Parser, payload[1..]),
            byte other => throw Malformed($"it is of type {other}"),
        };
        RequireSender(message is RaftMessage raft ? raft.From : ((ProposeRequest)message).From, peer);
        _group.Deliver(message);
    }

    /// <summary>Takes a snapshot (kind 2), puts it beside the state and tells the replica where it is.</summary>
    /// <exception cref="ShardException">It is not for this replica, damaged, or another one is being received.</exception>
    public async ValueTask HandleSnapshotAsync(Stream input, Stream output, PeerIdentity peer, CancellationToken cancel)
    {
        RaftMessage message = await ReadHeadAsync(input, cancel).ConfigureAwait(false);
        RequireSender(message.From, peer);
        RaftStatus status = _group.Status;
        if (status.Phase != RaftPhase.Running)
            throw new ShardException(ShardError.Unavailable, $"the replica is {status.Phase}");
        if (message.Type != MessageType.MessageSnapshot || message.Snapshot is null || ReplicaId.From(message.To) != status.Id
            || !message.ClusterId.Span.SequenceEqual(status.ClusterId.ToByteArray(bigEndian: true)))
            throw new ShardException(ShardError.Refused, "the snapshot is not for this replica");
        if (!await _receiving.WaitAsync(0, CancellationToken.None).ConfigureAwait(false))
            throw new ShardException(ShardError.Busy, "another snapshot is being received");
        try
        {
            // The name of a folder is this replica's own matter: what the sender says is never used.
            message.Snapshot.Folder = await ReceiveAsync(message.Snapshot, input, cancel).ConfigureAwait(false);
            _group.Received(message);
        }
        catch (InvalidDataException error)
        {
            throw new ShardException(ShardError.Mismatch, "the snapshot is incomplete or damaged", error);
        }
        finally
        {
            _receiving.Release();
        }

        await output.WriteAsync(new byte[] { 1 }, cancel).ConfigureAwait(false);
    }

    private async Task<string> ReceiveAsync(SnapshotMeta snapshot, Stream input, CancellationToken cancel)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            using ISnapshotSink sink = _machine.ReceiveSnapshot(new LogPosition(snapshot.Index, snapshot.Term));
            int read;
            while ((read = await input.ReadAsync(buffer.AsMemory(0, ChunkBytes), cancel).ConfigureAwait(false)) > 0)
                sink.Write(buffer.AsSpan(0, read));
            return sink.Complete();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<RaftMessage> ReadHeadAsync(Stream input, CancellationToken cancel)
    {
        try
        {
            byte[] length = new byte[4];
            await input.ReadExactlyAsync(length, cancel).ConfigureAwait(false);
            uint bytes = BinaryPrimitives.ReadUInt32BigEndian(length);
            if (bytes > HeadBytesMax)
                throw Malformed($"its head has {bytes} bytes");
            byte[] head = new byte[bytes];
            await input.ReadExactlyAsync(head, cancel).ConfigureAwait(false);
            return Parse(RaftMessage.Parser, head);
        }
        catch (EndOfStreamException error)
        {
            throw new ShardException(ShardError.Malformed, "the snapshot ends in its head", error);
        }
    }

    private static T Parse<T>(MessageParser<T> parser, ReadOnlyMemory<byte> bytes)
        where T : class, IMessage<T>
    {
        try
        {
            return parser.ParseFrom(bytes.Span);
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new ShardException(ShardError.Malformed, "it is no Raft message", error);
        }
    }

    // A node may only speak for itself: a vote in another's name would break everything the group promises.
    private static void RequireSender(Replica? from, PeerIdentity peer)
    {
        if (from is null || from.Node != peer.Node)
            throw new ShardException(ShardError.Refused, $"node {peer.Node} sent a message in another's name");
    }

    private static ShardException Malformed(string what) => new(ShardError.Malformed, $"a Raft message was not understood: {what}");
}
