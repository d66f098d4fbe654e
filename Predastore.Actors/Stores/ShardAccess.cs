using Predastore.Actors.Streams;
using Predastore.Actors.Topology;
using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Stores;

/// <summary>
/// Finds a storage id: disks of this process are called directly, others over the data plane. A node that fails or stays silent
/// becomes suspect. Thread-safe.
/// </summary>
/// <param name="self">This node.</param>
/// <param name="local">What this node does for its peers; null on a node without storage.</param>
/// <param name="client">Client of the data plane.</param>
/// <param name="topology">Where storage ids are.</param>
/// <param name="peers">Address of every node's data plane.</param>
/// <param name="time">Clock of the probes of lost nodes.</param>
public sealed class ShardAccess(
    uint self, IShardService? local, ShardClient client, ITopology topology, IReadOnlyDictionary<uint, Peer> peers,
    TimeProvider? time = null) : IShardAccess
{
    private readonly PeerIdentity _self = new(self, TransportKind.InProcess, null);
    private readonly PeerContact _contact = new(time ?? TimeProvider.System);

    /// <inheritdoc/>
    public bool IsLocal(uint storageId) => local is not null && topology.TryNodeOf(storageId, out uint node) && node == self;

    /// <inheritdoc/>
    public void Suspect(uint storageId)
    {
        if (topology.TryNodeOf(storageId, out uint node) && node != self)
            topology.SuspectNode(node);
        else
            topology.SuspectStorage(storageId);
    }

    /// <inheritdoc/>
    public async ValueTask<IShardSink> BeginPutAsync(PutShardRequest request, CancellationToken cancel)
    {
        if (IsLocal(request.StorageId))
            return await local!.BeginPutAsync(request, _self, cancel).ConfigureAwait(false);
        return await AskAsync(request.StorageId, async peer =>
        {
            ShardUpload upload = await client.PutShardAsync(peer, request, cancel).ConfigureAwait(false);
            try
            {
                await upload.WaitAcceptedAsync(cancel).ConfigureAwait(false);
                return (IShardSink)new RemoteSink(this, request.StorageId, upload);
            }
            catch
            {
                await upload.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }, cancel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask ReadAsync(
        uint storageId, ShardKey shard, long offset, Memory<byte> destination, CancellationToken cancel)
    {
        var request = new GetShardRequest(shard.ObjectHash, shard.ShardIndex, storageId, offset, destination.Length);
        if (IsLocal(storageId))
        {
            await using IShardSource source = await local!.OpenShardAsync(request, _self, cancel).ConfigureAwait(false)
                ?? throw Missing(storageId, shard);
            int read = await source.ReadAsync(offset, destination, cancel).ConfigureAwait(false);
            if (read < destination.Length)
                throw Short(storageId, shard);
            return;
        }

        await AskAsync(storageId, async peer =>
        {
            await using ShardDownload download = await client.GetShardAsync(peer, request, cancel).ConfigureAwait(false)
                ?? throw Missing(storageId, shard);
            if (download.Length < destination.Length)
                throw Short(storageId, shard);
            await download.ReadExactlyAsync(destination, cancel).ConfigureAwait(false);
            return true;
        }, cancel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<DeleteOutcome>> DeleteAsync(DeleteShardsRequest request, CancellationToken cancel)
        => IsLocal(request.StorageId)
            ? await local!.DeleteAsync(request, _self, cancel).ConfigureAwait(false)
            : await AskAsync<IReadOnlyList<DeleteOutcome>>(
                request.StorageId,
                async peer => await client.DeleteAsync(peer, request, cancel).ConfigureAwait(false), cancel).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ShardRow?>> StatAsync(StatShardsRequest request, CancellationToken cancel)
        => IsLocal(request.StorageId)
            ? await local!.StatAsync(request, _self, cancel).ConfigureAwait(false)
            : await AskAsync<IReadOnlyList<ShardRow?>>(
                request.StorageId,
                async peer => await client.StatAsync(peer, request, cancel).ConfigureAwait(false), cancel).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<ShardPage> ListAsync(ListShardsRequest request, CancellationToken cancel)
        => IsLocal(request.StorageId)
            ? await local!.ListAsync(request, _self, cancel).ConfigureAwait(false)
            : await AskAsync(
                request.StorageId,
                async peer => await client.ListAsync(peer, request, cancel).ConfigureAwait(false), cancel).ConfigureAwait(false);

    private async ValueTask<T> AskAsync<T>(uint storageId, Func<Peer, ValueTask<T>> ask, CancellationToken cancel)
    {
        if (!topology.TryNodeOf(storageId, out uint node) || !peers.TryGetValue(node, out Peer? peer))
            throw new ShardException(ShardError.WrongStorage, $"storage id {storageId} is on no node that is known here");

        // A suspect node is avoided where there is a choice; whoever asks for it by name may have none.
        bool alive = topology.View.IsAlive(node);
        if (!alive && !_contact.MayTry(node))
            throw new ShardException(ShardError.Unavailable, $"node {node} with storage id {storageId} is down");
        try
        {
            T answer = await ask(peer).ConfigureAwait(false);
            _contact.Note(node, answered: true);
            return answer;
        }
        catch (Exception error)
        {
            // A caller that gave up says nothing of a node that is there; of a lost one it says that it was silent.
            if (error is ShardException)
                _contact.Note(node, answered: true);
            else if (error is not TransportException { Busy: true } && (!alive || error is not OperationCanceledException))
                _contact.Note(node, answered: false);
            throw Judge(storageId, error, cancel);
        }
    }

    // A broken way makes the node suspect, a refusing disk only that disk; what the caller gave up by itself and what this node has no place
    // for make nobody suspect.
    private Exception Judge(uint storageId, Exception error, CancellationToken cancel)
    {
        switch (error)
        {
            case ShardException { Error: ShardError.Full or ShardError.WrongStorage or ShardError.Unavailable }:
                topology.SuspectStorage(storageId);
                return error;
            case ShardException:
                return error;
            case TransportException { Busy: true }:
                return new ShardException(ShardError.Busy, error.Message, error);
            case IOException when topology.TryNodeOf(storageId, out uint node):
                topology.SuspectNode(node);
                return new ShardException(ShardError.Unavailable, $"storage id {storageId}: {error.Message}", error);
            case OperationCanceledException when cancel.IsCancellationRequested:
                return error;
            default:
                return new ShardException(ShardError.Failed, $"storage id {storageId}: {error.Message}", error);
        }
    }

    private static ShardException Missing(uint storageId, ShardKey shard)
        => new(ShardError.NotFound, $"storage id {storageId} does not have shard {shard.ShardIndex} of {shard.ObjectHash}");

    private static ShardException Short(uint storageId, ShardKey shard)
        => new(ShardError.Mismatch, $"shard {shard.ShardIndex} of {shard.ObjectHash} on storage id {storageId} is too short");

    private sealed class RemoteSink(ShardAccess owner, uint storageId, ShardUpload upload) : IShardSink
    {
        public async ValueTask WriteAsync(ReadOnlyMemory<byte> sealedBytes, CancellationToken cancel)
        {
            try
            {
                await upload.WriteAsync(sealedBytes, cancel).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                throw owner.Judge(storageId, error, cancel);
            }
        }

        public async ValueTask CommitAsync(long length, UInt128 digest, CancellationToken cancel)
        {
            if (length != upload.Written)
                throw new ShardException(ShardError.Mismatch, $"{upload.Written} bytes were written, not {length}");
            try
            {
                await upload.CommitAsync(digest, cancel).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                throw owner.Judge(storageId, error, cancel);
            }
        }

        public ValueTask DisposeAsync() => upload.DisposeAsync();
    }
}
