using Microsoft.Extensions.Time.Testing;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Shards.Tests.Transport;

public sealed class GrowingPauseSpecs
{
    private readonly FakeTimeProvider _time = new();
    private readonly GrowingPause _pause;

    public GrowingPauseSpecs() => _pause = new GrowingPause(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(15), _time);

    [Fact]
    public void Pause_should_double_up_to_its_bound()
    {
        foreach (int seconds in new[] { 5, 10, 15, 15 })
        {
            Assert.True(_pause.Fail());
            _time.Advance(TimeSpan.FromSeconds(seconds - 1));
            Assert.True(_pause.IsOn);
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.False(_pause.IsOn);
            Assert.True(_pause.HasFailed);
        }
    }

    [Fact]
    public void What_fails_at_the_same_time_should_count_as_one()
    {
        Assert.True(_pause.Fail());
        Assert.False(_pause.Fail());
        Assert.False(_pause.Fail());

        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.False(_pause.IsOn);
    }

    [Fact]
    public void Success_should_begin_anew()
    {
        _pause.Fail();
        _time.Advance(TimeSpan.FromSeconds(5));
        _pause.Fail();
        _pause.Succeed();
        Assert.False(_pause.IsOn || _pause.HasFailed);

        _pause.Fail();
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.False(_pause.IsOn);
    }
}
