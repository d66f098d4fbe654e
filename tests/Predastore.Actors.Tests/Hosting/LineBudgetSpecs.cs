using Microsoft.Extensions.Time.Testing;
using Predastore.Actors.Hosting;
using Xunit;

namespace Predastore.Actors.Tests.Hosting;

public sealed class LineBudgetSpecs
{
    [Fact]
    public void Source_should_get_a_few_lines_a_minute_and_the_count_of_the_rest()
    {
        var time = new FakeTimeProvider();
        var budget = new LineBudget(time);

        for (int i = 0; i < LineBudget.LinesMax; i++)
            Assert.True(budget.TryTake("a", out _));
        Assert.False(budget.TryTake("a", out _));
        Assert.False(budget.TryTake("a", out _));
        Assert.True(budget.TryTake("b", out int other));
        Assert.Equal(0, other);

        time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(budget.TryTake("a", out int dropped));
        Assert.Equal(2, dropped);
        Assert.True(budget.TryTake("a", out dropped));
        Assert.Equal(0, dropped);
    }
}
