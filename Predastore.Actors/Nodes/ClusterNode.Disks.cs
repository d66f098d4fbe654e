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

    // Between two tries to open a disk anew.
    private static readonly TimeSpan ReopenInterval = TimeSpan.FromSeconds(15);

    private readonly Dictionary<uint, OpenDisk> _opened = [];
    private Task _reopening = Task.CompletedTask;

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
                _opened[storageId] = new OpenDisk(store);
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
        lock (_scrubs)
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
            foreach ((uint storageId, OpenDisk disk) in _opened)
                StartDisk(system, storageId, disk);
        }
    }

    private void StartDisk(ActorSystem system, uint storageId, OpenDisk disk)
    {
        // A disk that is opened while a new system is composed comes by here twice.
        if (ReferenceEquals(disk.System, system))
            return;
        disk.System = system;
        SegmentStore store = disk.Store;
        IActorRef actor = system.ActorOf(
            StoreActor.Props(
                store, storageId, new ExtentCheck(_maintenance, storageId, _log), trouble => OnTrouble(storageId, trouble)),
            StoreActor.NameOf(storageId));
        _service.Serve(new StoreHandle(storageId, store, actor), system);
        system.ActorOf(ScrubActor.Props(ScrubOf(storageId, store), storageId, _log), ScrubActor.NameOf(storageId));
    }

    private void OnTrouble(uint storageId, StoreTrouble trouble)
    {
        CancellationToken stopping = _stopping.Token;
        var reopening = Task.Run(() => ReopenAsync(storageId, trouble, stopping), CancellationToken.None);
        lock (_opened)
            _reopening = Task.WhenAll(_reopening, reopening);
    }

    // The shards of the disk are rebuilt from parity for readers meanwhile; what a rebuilt index does not find again is healed afterwards.
    private async Task ReopenAsync(uint storageId, StoreTrouble trouble, CancellationToken stopping)
    {
        OpenDisk? disk;
        lock (_opened)
        {
            if (!_opened.Remove(storageId, out disk))
                return;
        }

        _service.Withdraw(storageId);
        await StopActorsAsync(disk, storageId).ConfigureAwait(false);
        disk.Store.Dispose();
        lock (_scrubs)
            _scrubs.Remove(storageId);
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                SegmentStore store = OpenAnew(storageId, trouble);
                lock (_opened)
                    _opened[storageId] = new OpenDisk(store);
                break;
            }
            catch (Exception error)
            {
                // Readers may still hold the old index open, or the disk has not come back.
                Log.NotReopened(_log, storageId, error.Message);
            }

            await Task.Delay(ReopenInterval, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // If the system is ending, the next one starts it.
        if (!stopping.IsCancellationRequested && _keeper.Current is { } system)
            StartDisks(system);
    }

    private static async Task StopActorsAsync(OpenDisk disk, uint storageId)
    {
        if (disk.System is not { } system)
            return;
        foreach (string name in new[] { ScrubActor.NameOf(storageId), StoreActor.NameOf(storageId) })
        {
            try
            {
                IActorRef actor = await system.ActorSelection($"/user/{name}").ResolveOne(DiskStop).ConfigureAwait(false);
                await actor.GracefulStop(DiskStop).ConfigureAwait(false);
            }
            catch (Exception error) when (error is ActorNotFoundException or OperationCanceledException)
            {
                // Its actor system is ending, and it with it.
            }
        }
    }

    private SegmentStore OpenAnew(uint storageId, StoreTrouble trouble)
    {
        string folder = _settings.StorageFolders[storageId];
        DiskIdentity identity = IdentityFile.TryRead(_disk, folder)
            ?? throw new IOException($"{folder} has no identity file any more");
        if (!trouble.IndexLost)
        {
            SegmentStore store = Open(identity, storageId, folder);
            Log.Reopened(_log, storageId, trouble.Why);
            return store;
        }

        Log.IndexLost(_log, storageId, trouble.Why);
        return Rebuild(Options(identity, storageId, folder), storageId);
    }

    private async Task CloseDisksAsync()
    {
        Task reopening;
        lock (_opened)
            reopening = _reopening;
        await reopening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_opened)
        {
            foreach (OpenDisk disk in _opened.Values)
                disk.Store.Dispose();
            _opened.Clear();
        }
    }

    private sealed class OpenDisk(SegmentStore store)
    {
        public SegmentStore Store => store;

        /// <summary>Where its actors run; null before they do.</summary>
        public ActorSystem? System { get; set; }
    }
}
