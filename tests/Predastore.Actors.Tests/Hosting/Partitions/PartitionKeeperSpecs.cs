using System.Collections.Concurrent;
using System.Threading.Channels;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using Predastore.Actors.Hosting.Partitions;
using Predastore.Actors.Hosting.Partitions.Wire;
using Predastore.Actors.Tests.Serialization;
using Xunit;

namespace Predastore.Actors.Tests.Hosting.Partitions;

public sealed class PartitionKeeperSpecs() : TestKit(StrictMessages.Setup("akka.loglevel = ERROR", PartitionProtocol.Messages))
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly PartitionTimes Quick = new(
        TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(20));

    [Fact]
    public async Task Rounds_should_follow_each_other_and_never_overlap()
    {
        var work = new Work((_, cancellation) => Task.Delay(3, cancellation));
        IActorRef keeper = Sys.ActorOf(PartitionKeeper.Props(5, work, Quick));
        for (int i = 0; i < 200; i++) keeper.Tell(new TouchPartition { Partition = 5 });

        await work.RoundsAsync(10);

        Assert.Equal(1, work.AtOnceMax);
        Assert.All(work.Partitions, partition => Assert.Equal(5, partition));
    }

    [Fact]
    public async Task Failing_round_should_be_tried_again()
    {
        var work = new Work((round, _) => round < 3 ? throw new InvalidOperationException("no") : Task.CompletedTask);
        Sys.ActorOf(PartitionKeeper.Props(1, work, Quick));

        await work.RoundsAsync(6);
    }

    [Fact]
    public async Task Round_should_be_cancelled_at_its_deadline()
    {
        var cancelled = new TaskCompletionSource();
        var work = new Work(async (round, cancellation) =>
        {
            if (round > 0) return;
            try
            {
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            catch (OperationCanceledException)
            {
                cancelled.SetResult();
                throw;
            }
        });
        Sys.ActorOf(PartitionKeeper.Props(1, work, Quick));

        await cancelled.Task.WaitAsync(Patience);
        await work.RoundsAsync(2);
    }

    [Fact]
    public async Task Round_that_ignores_its_deadline_should_not_be_joined_by_another()
    {
        var finish = new TaskCompletionSource();
        var late = new TaskCompletionSource();
        var work = new Work((round, cancellation) =>
        {
            if (round > 0) return Task.CompletedTask;
            cancellation.Register(() => late.TrySetResult());
            return finish.Task;
        });
        IActorRef keeper = Sys.ActorOf(PartitionKeeper.Props(1, work, Quick));
        await late.Task.WaitAsync(Patience);
        // Behind the deadline and some more messages, still the first round only.
        for (int i = 0; i < 20; i++) keeper.Tell(new TouchPartition { Partition = 1 });
        await keeper.Ask<ActorIdentity>(new Identify(1), Patience);

        Assert.Single(work.Partitions);
        finish.SetResult();
        await work.RoundsAsync(2);
        Assert.Equal(1, work.AtOnceMax);
    }

    [Fact]
    public async Task Keeper_that_stops_should_cancel_its_round()
    {
        var started = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        var work = new Work((_, cancellation) =>
        {
            cancellation.Register(() => cancelled.TrySetResult());
            started.TrySetResult();
            return Task.Delay(Timeout.Infinite, cancellation);
        });
        IActorRef keeper = Sys.ActorOf(PartitionKeeper.Props(1, work, Quick with { Deadline = TimeSpan.FromHours(1) }));
        await started.Task.WaitAsync(Patience);

        await keeper.GracefulStop(Patience);

        await cancelled.Task.WaitAsync(Patience);
    }

    [Theory]
    [InlineData(0, 1000)]
    [InlineData(1, 10)]
    [InlineData(2, 20)]
    [InlineData(4, 80)]
    [InlineData(5, 100)]
    [InlineData(1_000_000, 100)]
    public void Pause_should_double_with_each_failure_up_to_its_limit(int failures, int expectedSeconds)
    {
        var times = new PartitionTimes(
            TimeSpan.FromSeconds(1000), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(100));

        Assert.Equal(TimeSpan.FromSeconds(expectedSeconds), times.After(failures));
    }

    [Theory]
    [InlineData(0u, "0")]
    [InlineData(63u, "63")]
    [InlineData(64u, null)]
    public void Extractor_should_know_64_partitions(uint partition, string? id)
    {
        var extractor = new PartitionProtocol.Extractor();

        Assert.Equal(id, extractor.EntityId(new TouchPartition { Partition = partition }));
        Assert.Equal(id, extractor.ShardId(new TouchPartition { Partition = partition }));
        Assert.Null(extractor.EntityId("something else"));
    }

    private sealed class Work(Func<int, CancellationToken, Task> round) : IPartitionWork
    {
        private readonly ConcurrentQueue<int> _partitions = new();
        private readonly Channel<int> _done = Channel.CreateUnbounded<int>();
        private int _atOnce;
        private int _round = -1;

        public int AtOnceMax { get; private set; }

        public IReadOnlyCollection<int> Partitions => _partitions;

        public async Task RunAsync(int partition, CancellationToken cancellation)
        {
            AtOnceMax = Math.Max(AtOnceMax, Interlocked.Increment(ref _atOnce));
            _partitions.Enqueue(partition);
            try
            {
                await round(Interlocked.Increment(ref _round), cancellation);
            }
            finally
            {
                Interlocked.Decrement(ref _atOnce);
                _done.Writer.TryWrite(partition);
            }
        }

        public async Task RoundsAsync(int count)
        {
            using var limit = new CancellationTokenSource(Patience);
            for (int i = 0; i < count; i++) await _done.Reader.ReadAsync(limit.Token);
        }
    }
}
