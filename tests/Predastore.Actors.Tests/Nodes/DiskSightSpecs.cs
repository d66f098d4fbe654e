using Microsoft.Extensions.Time.Testing;
using Predastore.Actors.Nodes;
using Xunit;

namespace Predastore.Actors.Tests.Nodes;

/// <summary>When a node that starts has seen enough disks to be ready.</summary>
public sealed class DiskSightSpecs
{
    private const int Members = 5;
    private const int Parity = 2;

    private readonly FakeTimeProvider _time = new();
    private readonly DiskSight _sight;

    public DiskSightSpecs() => _sight = new DiskSight(_time);

    [Fact]
    public void All_disks_should_be_enough_at_once() => Assert.True(_sight.Look(Members, Members, Parity));

    [Fact]
    public void Too_few_for_a_write_should_never_do()
    {
        Assert.False(_sight.Look(Parity, Members, Parity));
        _time.Advance(DiskSight.Grace * 10);
        Assert.False(_sight.Look(Parity, Members, Parity));
    }

    [Fact]
    public void Enough_for_a_write_should_do_when_the_rest_stays_away()
    {
        Assert.False(_sight.Look(Parity + 1, Members, Parity));
        _time.Advance(DiskSight.Grace - TimeSpan.FromMilliseconds(1));
        Assert.False(_sight.Look(Members - 1, Members, Parity));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(_sight.Look(Parity + 1, Members, Parity));
    }

    [Fact]
    public void Disks_lost_later_should_not_take_it_back()
    {
        Assert.True(_sight.Look(Members, Members, Parity));
        Assert.False(new DiskSight(_time).Look(0, Members, Parity));
        Assert.True(_sight.Look(0, Members, Parity));
    }
}
