using Akka.Actor;
using Microsoft.Extensions.Time.Testing;
using Predastore.Actors.Stores;
using Predastore.Actors.Tests.Client;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Shards.Transport;
using Predastore.Testing.Disk;

namespace Predastore.Actors.Tests.Stores;

public sealed class ShardServiceSpecs : IAsyncDisposable
{
    private const uint Id = 7;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly PeerIdentity Peer = new(1, TransportKind.InProcess, null);

    private readonly ActorSystem _system = ActorSystem.Create("stores");
    private readonly FakeTimeProvider _time = new();
    private readonly SegmentStore _store = SegmentStore.Open(
        new MemoryDisk(), new MemoryKvFactory(), new SegmentStoreOptions("/disk", Guid.NewGuid(), Id, Guid.NewGuid())
        {
            LowSpacePercent = 0,
            FullSpacePercent = 0,
            PreallocateBytes = 0,
            ReservationsMax = 1,
        });
    private readonly ShardService _service;

    public ShardServiceSpecs() => _service = new ShardService(_time);

    public async ValueTask DisposeAsync()
    {
        await _system.Terminate();
        _store.Dispose();
    }

    [Fact]
    public async Task Actor_that_never_answers_should_not_be_waited_for_without_end()
    {
        var silent = new SilentActor();
        _service.Serve(new StoreHandle(Id, _store, silent));
        Task put = _service.BeginPutAsync(Put(1), Peer, CancellationToken.None).AsTask();
        await UnavailableAsync(put);

        Task delete = _service.DeleteAsync(new DeleteShardsRequest(Id, []), Peer, CancellationToken.None).AsTask();
        await UnavailableAsync(delete);

        Task<IShardSink> begun = _service.BeginPutAsync(Put(2), Peer, CancellationToken.None).AsTask();
        silent.Answer(_store);
        await using IShardSink sink = await begun;
        await UnavailableAsync(sink.CommitAsync(0, 0, CancellationToken.None).AsTask());
    }

    [Fact]
    public async Task Room_that_is_given_after_the_wait_should_be_given_back()
    {
        var late = new SilentActor();
        _service.Serve(new StoreHandle(Id, _store, late));
        await UnavailableAsync(_service.BeginPutAsync(Put(1), Peer, CancellationToken.None).AsTask());
        ExtentWriter writer = late.Answer(_store);
        await ScriptedMetadata.UntilAsync(() => _store.FindReservation(writer.Id) is null);
    }

    [Fact]
    public async Task Disk_should_be_read_and_not_written_between_two_actor_systems()
    {
        _service.Serve(new StoreHandle(Id, _store, Actor(_system)), _system);
        await using (IShardSink sink = await _service.BeginPutAsync(Put(1), Peer, CancellationToken.None))
        {
            await sink.WriteAsync(new byte[1000], CancellationToken.None);
            await sink.CommitAsync(1000, 5, CancellationToken.None);
        }

        await _system.Terminate();
        ShardException refused = await Assert.ThrowsAsync<ShardException>(
            () => _service.BeginPutAsync(Put(2), Peer, CancellationToken.None).AsTask().WaitAsync(Patience));
        Assert.Equal(ShardError.Unavailable, refused.Error);
        IShardSource? source = await _service.OpenShardAsync(
            new GetShardRequest(ObjectHash.First, 1, Id, 0, 1000), Peer, CancellationToken.None);
        Assert.NotNull(source);
        await source.DisposeAsync();
    }

    [Fact]
    public async Task End_of_an_actor_system_should_not_take_the_actor_of_the_next_one()
    {
        _service.Serve(new StoreHandle(Id, _store, new SilentActor()), _system);
        ActorSystem next = ActorSystem.Create("next");
        try
        {
            _service.Serve(new StoreHandle(Id, _store, Actor(next)), next);
            await _system.Terminate();
            await using IShardSink sink = await _service.BeginPutAsync(Put(1), Peer, CancellationToken.None).AsTask().WaitAsync(Patience);
        }
        finally
        {
            await next.Terminate();
        }
    }

    private IActorRef Actor(ActorSystem system) => system.ActorOf(StoreActor.Props(_store, Id, null));

    private static PutShardRequest Put(uint shard) => new(ObjectHash.First, shard, 9, Guid.NewGuid(), 4, 2, Id, -1);

    private async Task UnavailableAsync(Task waiting)
    {
        _time.Advance(ShardService.AnswerMax);
        ShardException error = await Assert.ThrowsAsync<ShardException>(() => waiting.WaitAsync(Patience));
        Assert.Equal(ShardError.Unavailable, error.Error);
    }

    /// <summary>An actor that has ended, or one that answers when the test says so.</summary>
    private sealed class SilentActor : MinimalActorRef
    {
        private StoreMessages.Reserve? _last;

        public override ActorPath Path { get; } = new RootActorPath(new Address("akka", "test")) / "silent";

        public override IActorRefProvider Provider => throw new NotSupportedException();

        public ExtentWriter Answer(SegmentStore store)
        {
            ExtentWriter writer = store.Reserve(_last!.Request);
            _last.Answer.SetResult(writer);
            return writer;
        }

        protected override void TellInternal(object message, IActorRef sender) => _last = message as StoreMessages.Reserve ?? _last;
    }
}
