using Microsoft.Extensions.Time.Testing;
using Predastore.Actors.Maintenance;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class PaceSpecs
{
    [Fact]
    public void Bucket_should_hold_its_rate_whatever_the_size_of_a_take()
    {
        var time = new FakeTimeProvider();
        var bucket = new TokenBucket(time);
        long taken = 0;
        TimeSpan passed = TimeSpan.Zero;
        var random = new Random(1);
        while (passed < TimeSpan.FromSeconds(60))
        {
            int bytes = random.Next(1, 3_000_000);
            TimeSpan wait = bucket.Take(bytes, 1_000_000);
            time.Advance(wait);
            passed += wait;
            taken += bytes;
        }

        Assert.InRange(taken / passed.TotalSeconds, 950_000, 1_100_000);
    }

    [Fact]
    public void Bucket_without_a_bound_should_never_make_wait_and_owe_nothing_later()
    {
        var time = new FakeTimeProvider();
        var bucket = new TokenBucket(time);
        for (int i = 0; i < 100; i++)
            Assert.Equal(TimeSpan.Zero, bucket.Take(1 << 30, 0));
        Assert.Equal(TimeSpan.Zero, bucket.Take(1, 1000));
    }

    [Fact]
    public void Unused_time_should_not_add_up_to_a_flood()
    {
        var time = new FakeTimeProvider();
        var bucket = new TokenBucket(time);
        time.Advance(TimeSpan.FromHours(1));
        bucket.Take(1_000_000, 1_000_000);
        Assert.True(bucket.Take(1, 1_000_000) > TimeSpan.FromMilliseconds(800));
    }

    [Fact]
    public async Task Fewer_rows_should_be_worked_on_at_once_while_requests_are_served()
    {
        bool busy = false;
        var time = new FakeTimeProvider();
        var pace = new MaintenancePace(new MaintenanceSettings { RowsAtOnceIdle = 3, RowsAtOnceBusy = 1 }, () => busy, time);
        List<IDisposable> rows = [];
        for (int i = 0; i < 3; i++)
            rows.Add(await pace.EnterAsync(CancellationToken.None));
        Assert.Equal(3, pace.Rows);
        busy = true;
        Task<IDisposable> next = pace.EnterAsync(CancellationToken.None);
        rows[0].Dispose();
        rows[0].Dispose();
        rows[1].Dispose();
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(next.IsCompleted);
        rows[2].Dispose();
        await time.UntilAsync(next, TimeSpan.FromSeconds(1));
        (await next).Dispose();
        Assert.Equal(0, pace.Rows);
    }

    [Fact]
    public void Time_away_should_count_from_the_first_look_and_end_with_a_return()
    {
        bool usable = true;
        var time = new FakeTimeProvider();
        var clock = new AwayClock(_ => usable, time);
        Assert.Equal(TimeSpan.Zero, clock.Look(1));
        usable = false;
        clock.Look(1);
        time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(TimeSpan.FromMinutes(5), clock.Look(1));
        usable = true;
        Assert.Equal(TimeSpan.Zero, clock.Look(1));
        usable = false;
        time.Advance(TimeSpan.FromMinutes(5));
        Assert.True(clock.Look(1) < TimeSpan.FromSeconds(1));
    }
}
