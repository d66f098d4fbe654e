using Akka.Actor;
using Predastore.Actors.Maintenance.Scrub;
using Predastore.Actors.Metadata;
using Predastore.Actors.Stores;
using Predastore.Shards.Disk;
using Predastore.Shards.Segments;
using Google.Protobuf;

namespace Predastore.Actors.Nodes;

/// <content>The disks of this node: who they are, and the actors that own them.</content>
public sealed partial class ClusterNode
{
    private static readonly TimeSpan DiskStop = TimeSpan.FromSeconds(10);

    private readonly Dictionary<uint, SegmentStore> _opened = [];

    // A system that is replaced while the node joins is met twice: by its own start, and when the disks have been opened.
    private readonly Dictionary<uint, ActorSystem> _startedIn = [];

    private async Task OpenDisksAsync(Guid clusterId, CancellationToken cancel)
    {
        foreach ((uint storageId, string folder) in _settings.StorageFolders)
        {
            DiskIdentity identity = Identify(clusterId, storageId, folder, out bool empty);
            await RegisterAsync(
                new Command
                {
                    RegisterStorage = new RegisterStorage
                    {
                        Id = storageId,
                        Node = Node,
                        DiskUuid = ByteString.CopyFrom(identity.DiskUuid.ToByteArray(bigEndian: true)),
                        Empty = empty,
                    },
                },
                $"the disk {folder} of storage id {storageId}",
                cancel).ConfigureAwait(false);
            SegmentStore store = Open(identity, storageId, folder);
            lock (_opened)
                _opened[storageId] = store;
        }

        StartDisks();
    }

    private DiskIdentity Identify(Guid clusterId, uint storageId, string folder, out bool empty)
    {
        _disk.CreateDurableDirectory(folder);
        DiskIdentity? known = IdentityFile.TryRead(_disk, folder, clusterId, IdentityKind.Storage, storageId);
        empty = !_disk.Exists(Path.Combine(folder, SegmentStore.IndexFolder))
            && !_disk.Exists(Path.Combine(folder, SegmentStore.SegmentsFolder));
        if (known is not null)
            return known;
        if (_disk.List(folder).Any(name => name is SegmentStore.SegmentsFolder or SegmentStore.IndexFolder))
        {
            throw new NodeRefusedException(
                $"{folder} holds segments but no identity file; give storage id {storageId} its own folder, or an empty one to heal it anew");
        }

        var made = new DiskIdentity(clusterId, IdentityKind.Storage, storageId, Guid.NewGuid(), 0, 0);
        IdentityFile.Write(_disk, folder, made);
        return made;
    }

    private SegmentStore Open(DiskIdentity identity, uint storageId, string folder)
    {
        SegmentStoreOptions options = Options(identity, storageId, folder);
        try
        {
            return SegmentStore.Open(_disk, _databases, options);
        }
        catch (IndexLostException lost)
        {
            Log.IndexLost(_log, storageId, lost.Message);
            return Rebuild(options, storageId);
        }
    }

    private SegmentStore Rebuild(SegmentStoreOptions options, uint storageId)
    {
        RebuildReport report = SegmentStore.RebuildIndex(_disk, _databases, options, null);
        Log.IndexRebuilt(_log, storageId, report.Shards, report.Incomplete, report.DamagedSegments);
        _rebuilt.Add(storageId);
        return SegmentStore.Open(_disk, _databases, options);
    }

    private static SegmentStoreOptions Options(DiskIdentity identity, uint storageId, string folder)
        => new(folder, identity.ClusterId, storageId, identity.DiskUuid);

    /// <summary>Starts the actors of the opened disks where they do not run in the actor system of the moment.</summary>
    internal void StartDisks()
    {
        if (_keeper.Current is { } system)
            StartDisks(system);
    }

    private void StartDisks(ActorSystem system)
    {
        lock (_opened)
        {
            foreach ((uint storageId, SegmentStore store) in _opened)
                if (_startedIn.GetValueOrDefault(storageId) != system)
                    StartDisk(system, storageId, store);
        }
    }

    private void StartDisk(ActorSystem system, uint storageId, SegmentStore store)
    {
        _startedIn[storageId] = system;
        IActorRef actor = system.ActorOf(
            StoreActor.Props(
                store, storageId, new ExtentCheck(_maintenance, storageId, _log), damage => OnIndexDamage(storageId, damage)),
            StoreActor.NameOf(storageId));
        _service.Serve(new StoreHandle(storageId, store, actor));
        system.ActorOf(ScrubActor.Props(ScrubOf(storageId, store), storageId, _log), ScrubActor.NameOf(storageId));
    }

    private void OnIndexDamage(uint storageId, string damage)
    {
        Log.IndexLost(_log, storageId, damage);
        _ = Task.Run(async () =>
        {
            try
            {
                await ReopenAsync(storageId).ConfigureAwait(false);
            }
            catch (Exception error) when (!_stopping.IsCancellationRequested)
            {
                Log.NotReopened(_log, storageId, error.Message);
            }
        });
    }

    // The shards of the disk are rebuilt from parity for readers meanwhile; what it cannot find again is healed afterwards.
    private async Task ReopenAsync(uint storageId)
    {
        _service.Withdraw(storageId);
        ActorSystem? system = _keeper.Current;
        foreach (string name in new[] { ScrubActor.NameOf(storageId), StoreActor.NameOf(storageId) })
        {
            if (system is null)
                break;
            IActorRef actor = await system.ActorSelection($"/user/{name}").ResolveOne(DiskStop, _stopping.Token).ConfigureAwait(false);
            await actor.GracefulStop(DiskStop).ConfigureAwait(false);
        }

        string folder = _settings.StorageFolders[storageId];
        lock (_opened)
        {
            if (!_opened.Remove(storageId, out SegmentStore? store))
                return;
            store.Dispose();
            DiskIdentity identity = IdentityFile.TryRead(_disk, folder)
                ?? throw new IOException($"{folder} has no identity file any more");
            SegmentStore opened = Rebuild(Options(identity, storageId, folder), storageId);
            _opened[storageId] = opened;
            lock (_scrubs)
                _scrubs.Remove(storageId);
            if (system is not null && ReferenceEquals(system, _keeper.Current))
                StartDisk(system, storageId, opened);
        }
    }

    private void CloseDisks()
    {
        lock (_opened)
        {
            foreach (SegmentStore store in _opened.Values)
                store.Dispose();
            _opened.Clear();
        }
    }
}
