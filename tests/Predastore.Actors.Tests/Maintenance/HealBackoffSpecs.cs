using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class HealBackoffSpecs
{
    [Fact]
    public void Pause_should_begin_after_some_failures_double_and_end_with_a_success()
    {
        var time = new FakeTimeProvider();
        var backoff = new HealBackoff(time);
        ByteString row = ByteString.CopyFromUtf8("row");
        for (int i = 1; i < HealBackoff.FailuresFree; i++)
        {
            backoff.Note(row, healed: false);
            Assert.False(backoff.IsPaused(row));
        }

        TimeSpan pause = TimeSpan.FromSeconds(5);
        for (int i = 0; i < 12; i++)
        {
            backoff.Note(row, healed: false);
            time.Advance(pause - TimeSpan.FromTicks(1));
            Assert.True(backoff.IsPaused(row));
            time.Advance(TimeSpan.FromTicks(1));
            Assert.False(backoff.IsPaused(row));
            pause = pause * 2 < HealBackoff.PauseMax ? pause * 2 : HealBackoff.PauseMax;
        }

        backoff.Note(row, healed: true);
        backoff.Note(row, healed: false);
        Assert.False(backoff.IsPaused(row));
    }

    [Fact]
    public async Task Row_without_K_shards_should_be_read_less_and_less_often_and_healed_once_it_can_be()
    {
        await using var fixture = new MaintenanceFixture(2, 1, 3);
        DataRow row = await fixture.PutAsync("key", 50_000);
        fixture.Lose(row, 0);
        fixture.Queue(row, 0);
        fixture.Stores.Down[row.Placement[1]] = true;
        for (int round = 0; round < 40; round++)
            await fixture.RoundAsync((int)(row.DataId[0] >> 2));
        Assert.Equal(HealBackoff.FailuresFree, fixture.Parts.Progress.Failures);
        fixture.Stores.Down.Clear();
        fixture.Time.Advance(HealBackoff.PauseMax);
        await fixture.RoundAsync();
        fixture.AssertCensus();
    }
}
