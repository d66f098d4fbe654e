using System.Collections.Concurrent;
using System.Security.Cryptography;
using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Predastore.Actors.Stores;
using Predastore.Actors.Tests.Serialization;
using Predastore.Shards.Crypto;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Testing.Disk;

namespace Predastore.Actors.Tests.Stores;

public sealed class StoreActorSpecs : TestKit
{
    private static readonly SegmentStoreOptions Options = new("/d", Guid.Empty, 7, Guid.Empty)
    {
        LowSpacePercent = 0,
        FullSpacePercent = 0,
        PreallocateBytes = 0,
    };

    private readonly MemoryDisk _disk = new();
    private readonly MemoryKvFactory _databases = new();
    private readonly ConcurrentQueue<StoreTrouble> _troubles = new();
    private readonly SegmentStore _store;
    private readonly IActorRef _actor;

    public StoreActorSpecs()
        : base(StrictMessages.Setup("akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\""))
    {
        _store = SegmentStore.Open(_disk, _databases, Options);
        _actor = Sys.ActorOf(StoreActor.Props(_store, 7, null, _troubles.Enqueue), StoreActor.NameOf(7));

        // Its timers run once it answers: time that passes before would be lost.
        Settle();
    }

    [Fact]
    public async Task Store_that_failed_should_be_opened_anew_but_not_soon_after_it_was_opened()
    {
        Assert.Equal(CommitOutcome.Committed, await PutAsync(_store, 1));
        _databases.Fault = _ => new KvException(KvFailure.Io, "EIO");
        Assert.Equal(CommitOutcome.Failed, await PutAsync(_store, 2));
        _databases.Fault = null;
        Pass(25);
        Assert.Empty(_troubles);
        Pass(60);
        Assert.False(Assert.Single(_troubles).IndexLost);

        // What the owner does then.
        Sys.Stop(_actor);
        _store.Dispose();
        using var again = SegmentStore.Open(_disk, _databases, Options);
        Assert.NotNull(again.Stat(Key(1)));
        Assert.Equal(CommitOutcome.Committed, await PutAsync(again, 3));
    }

    [Fact]
    public async Task Store_that_failed_should_stay_readable_until_there_is_room_to_open_it()
    {
        Assert.Equal(CommitOutcome.Committed, await PutAsync(_store, 1));
        _databases.Fault = _ => new KvException(KvFailure.NoSpace, "ENOSPC");
        Assert.Equal(CommitOutcome.Failed, await PutAsync(_store, 2));
        _databases.Fault = null;
        long capacity = _disk.CapacityBytes;
        _disk.CapacityBytes = capacity - _disk.Space("/d").FreeBytes;
        Pass(120);
        Assert.Empty(_troubles);
        Assert.NotNull(_store.Stat(Key(1)));
        _disk.CapacityBytes = capacity;
        Pass(5);
        Assert.Single(_troubles);
    }

    [Fact]
    public async Task Damaged_index_should_be_rebuilt_at_once()
    {
        _databases.Fault = _ => new KvException(KvFailure.Damaged, "a bad block");
        Assert.Equal(CommitOutcome.Failed, await PutAsync(_store, 1));
        Pass(5);
        Assert.True(Assert.Single(_troubles).IndexLost);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _store.Dispose();
    }

    private static ShardKey Key(byte number) => new(new ObjectHash(SHA256.HashData([number])), 0);

    private static async Task<CommitOutcome> PutAsync(SegmentStore store, byte number)
    {
        ExtentWriter writer = store.Reserve(new ExtentRequest(Key(number), 1, Guid.NewGuid(), 2, 1));
        await writer.WriteAsync(new byte[100]);
        writer.Complete();
        return store.Commit([new CommitRequest(writer.Id, 100, 1)])[0].Outcome;
    }

    private void Pass(int seconds)
    {
        for (int i = 0; i < seconds; i += 5)
        {
            ((TestScheduler)Sys.Scheduler).Advance(TimeSpan.FromSeconds(5));
            Settle();
        }
    }

    // The actor has dealt with all that it was sent before.
    private void Settle()
    {
        _actor.Tell(new Identify("settled"), TestActor);
        ExpectMsg<ActorIdentity>(TimeSpan.FromSeconds(10));
    }
}
