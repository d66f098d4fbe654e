using System.Collections.Concurrent;
using Akka.Actor;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Stores;

/// <summary>Handles one kind of opaque message of the data plane.</summary>
public delegate ValueTask MessageHandler(Stream input, Stream output, PeerIdentity peer, CancellationToken cancel);

/// <summary>
/// What this node does for its peers: its disks, and messages by kind. Bytes go from the stream straight to the file, outside any
/// actor; only reserve, commit and delete pass through the store's actor.
/// </summary>
public sealed class ShardService(TimeProvider? time = null) : IShardService
{
    /// <summary>Time that an actor gets for an answer. One that ended in between never gives it.</summary>
    public static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(30);

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly ConcurrentDictionary<uint, StoreHandle> _stores = [];
    private readonly ConcurrentDictionary<uint, MessageHandler> _handlers = [];

    /// <summary>Storage ids that are open.</summary>
    public IReadOnlyCollection<StoreHandle> Stores => [.. _stores.Values];

    /// <summary>Makes a storage id available, or replaces its actor after a restart of the actor system.</summary>
    public void Serve(StoreHandle store) => _stores[store.StorageId] = store;

    /// <summary>As above, with an actor that ends with its system. What is read needs no actor, and goes on.</summary>
    public void Serve(StoreHandle store, ActorSystem system)
    {
        Serve(store);
        system.RegisterOnTermination(() => _stores.TryUpdate(store.StorageId, store with { Actor = null }, store));
    }

    /// <summary>Takes a storage id away.</summary>
    public void Withdraw(uint storageId) => _stores.TryRemove(storageId, out _);

    /// <summary>Handles a kind of message.</summary>
    public void Handle(uint kind, MessageHandler handler) => _handlers[kind] = handler;

    /// <inheritdoc/>
    public async ValueTask<IShardSink> BeginPutAsync(PutShardRequest request, PeerIdentity peer, CancellationToken cancel)
    {
        StoreHandle store = Find(request.StorageId);
        var reserve = new StoreMessages.Reserve(ExtentRequest.From(request));
        try
        {
            return new Sink(this, store, await AskAsync(store, reserve, reserve.Answer.Task, cancel).ConfigureAwait(false));
        }
        catch
        {
            // Whoever gave up must not leave the room reserved.
            _ = reserve.Answer.Task.ContinueWith(
                static late => (late.IsCompletedSuccessfully ? late.Result : null)?.Abort(), TaskScheduler.Default);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IShardSource?> OpenShardAsync(GetShardRequest request, PeerIdentity peer, CancellationToken cancel)
    {
        try
        {
            ShardReader? reader = Find(request.StorageId).Store.TryOpenRead(request.Key);
            if (reader is null)
                return ValueTask.FromResult<IShardSource?>(null);
            var source = new Source(reader);

            // Once for a whole object; every read of a range would pay for it too.
            if (request.Offset == 0)
                source.CheckHeaders();
            return ValueTask.FromResult<IShardSource?>(source);
        }
        catch (StoreException error)
        {
            throw Translate(error);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<DeleteOutcome>> DeleteAsync(
        DeleteShardsRequest request, PeerIdentity peer, CancellationToken cancel)
    {
        var delete = new StoreMessages.Delete(request.Shards);
        return await AskAsync(Find(request.StorageId), delete, delete.Answer.Task, cancel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ShardRow?>> StatAsync(
        StatShardsRequest request, PeerIdentity peer, CancellationToken cancel)
    {
        SegmentStore store = Find(request.StorageId).Store;
        return ValueTask.FromResult<IReadOnlyList<ShardRow?>>([.. request.Shards.Select(shard => store.Stat(shard))]);
    }

    /// <inheritdoc/>
    public ValueTask<ShardPage> ListAsync(ListShardsRequest request, PeerIdentity peer, CancellationToken cancel)
        => ValueTask.FromResult(
            Find(request.StorageId).Store.Scan(request.From, request.To, request.Cursor, request.Limit));

    /// <inheritdoc/>
    public ValueTask HandleMessageAsync(
        uint kind, Stream input, Stream output, PeerIdentity peer, CancellationToken cancel)
        => _handlers.TryGetValue(kind, out MessageHandler? handler)
            ? handler(input, output, peer, cancel)
            : throw new ShardException(ShardError.Unsupported, $"messages of kind {kind} are not handled here");

    private StoreHandle Find(uint storageId) => _stores.TryGetValue(storageId, out StoreHandle? store)
        ? store
        : throw new ShardException(ShardError.WrongStorage, $"storage id {storageId} is not served here");

    private async Task<T> AskAsync<T>(StoreHandle store, object message, Task<T> answer, CancellationToken cancel)
    {
        if (store.Actor is not { } actor)
            throw new ShardException(ShardError.Unavailable, $"storage id {store.StorageId} is between two actor systems");
        actor.Tell(message);
        try
        {
            return await answer.WaitAsync(AnswerMax, _time, cancel).ConfigureAwait(false);
        }
        catch (TimeoutException error)
        {
            throw new ShardException(ShardError.Unavailable, $"storage id {store.StorageId} does not answer", error);
        }
        catch (StoreException error)
        {
            throw Translate(error);
        }
    }

    private static ShardException Translate(StoreException error) => error switch
    {
        StoreFullException => new ShardException(ShardError.Full, "the disk is full", error),
        StoreBusyException => new ShardException(ShardError.Busy, "too many shards are being written to this disk", error),
        SegmentFencedException => new ShardException(ShardError.Failed, "a sync of the segment failed", error),
        ExtentDamagedException => new ShardException(ShardError.Mismatch, "the extent of the shard is damaged", error),
        _ => new ShardException(ShardError.Unavailable, "the disk has failed", error),
    };

    private sealed class Sink(ShardService service, StoreHandle store, ExtentWriter writer) : IShardSink
    {
        public async ValueTask WriteAsync(ReadOnlyMemory<byte> sealedBytes, CancellationToken cancel)
        {
            try
            {
                await writer.WriteAsync(sealedBytes, cancel).ConfigureAwait(false);
            }
            catch (StoreException error)
            {
                throw Translate(error);
            }
        }

        public async ValueTask CommitAsync(long length, UInt128 digest, CancellationToken cancel)
        {
            writer.Complete();
            var commit = new StoreMessages.Commit(new CommitRequest(writer.Id, length, digest));
            CommitResult result = await service.AskAsync(store, commit, commit.Answer.Task, cancel).ConfigureAwait(false);
            if (result.Outcome != CommitOutcome.Committed)
                throw new ShardException(ErrorOf(result.Outcome), $"the shard was not committed: {result.Outcome}");
        }

        // A commit under way is not taken back: its outcome is then for orphan collection to find.
        public ValueTask DisposeAsync()
        {
            writer.Abort();
            return ValueTask.CompletedTask;
        }

        private static ShardError ErrorOf(CommitOutcome outcome) => outcome switch
        {
            CommitOutcome.Failed => ShardError.Failed,
            CommitOutcome.LengthMismatch => ShardError.Mismatch,
            _ => ShardError.Refused,
        };
    }

    private sealed class Source(ShardReader reader) : IShardSource
    {
        public Guid AttemptId => reader.Row.Shard.AttemptId;

        public long Length => reader.Length;

        public void CheckHeaders()
        {
            try
            {
                reader.CheckHeaders();
            }
            catch
            {
                reader.Dispose();
                throw;
            }
        }

        public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel)
        {
            try
            {
                return await reader.ReadAsync(offset, buffer, cancel).ConfigureAwait(false);
            }
            catch (StoreException error)
            {
                throw Translate(error);
            }
        }

        public ValueTask DisposeAsync()
        {
            reader.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
