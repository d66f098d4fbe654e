using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;
using Predastore.Actors.Hosting;
using Predastore.Actors.Topology.Wire;
using Xunit;

namespace Predastore.Actors.Tests.Hosting;

public sealed class SeedFinderSpecs
{
    [Theory]
    [InlineData(1, "2:23 3:23", "2 3")] // a restarted first seed joins those that run, and founds nothing
    [InlineData(3, "1:123 2:12", "1 2")] // they may still believe that this node's last life is there
    [InlineData(2, "1: 3:", "1 2 3")] // all begin
    [InlineData(2, "3:", "2 3")] // the first seed is gone: the next one founds
    [InlineData(3, "", "1 2 3")] // a minority founds nothing
    public async Task Seeds_should_be_a_running_cluster_or_else_a_majority_that_answers(uint self, string answers, string seeds)
    {
        await using var cluster = new LoopbackCluster(3, (_, _) => { });
        Dictionary<uint, string> says = answers.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(one => one.Split(':')).ToDictionary(one => uint.Parse(one[0]), one => one[1]);
        var time = new FakeTimeProvider();
        var finder = new SeedFinder(cluster.Settings(self) with { ProbeAside = (node, _) => Task.FromResult(Answer(node)) }, time);

        Task<IReadOnlyList<uint>> finding = finder.FindAsync(CancellationToken.None);
        await time.UntilAsync(finding, TimeSpan.FromMilliseconds(200));
        Assert.Equal(seeds, string.Join(' ', await finding));

        byte[] Answer(uint node) => says.TryGetValue(node, out string? members)
            ? new Probe { Sender = Member(node), Members = { members.Select(digit => Member((uint)(digit - '0'))) } }.ToByteArray()
            : throw new IOException("nobody there");
    }

    [Fact]
    public async Task Seeds_should_be_joined_only_when_those_that_answer_listen()
    {
        await using var cluster = new LoopbackCluster(3, (_, _) => { });
        var time = new FakeTimeProvider();
        int asked = 0;
        bool listens = false;
        var finder = new SeedFinder(cluster.Settings(2) with { ProbeAside = (node, _) => Answer(node) }, time);

        Task waiting = finder.WaitListeningAsync([1, 2, 3], CancellationToken.None);
        time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.False(waiting.IsCompleted);
        listens = true;
        await time.UntilAsync(waiting, TimeSpan.FromMilliseconds(100));
        Assert.True(asked > 1);

        Task<byte[]> Answer(uint node)
        {
            if (node == 3) throw new IOException("nobody there");
            asked++;
            return Task.FromResult(new Probe { Sender = Member(node), Listens = listens }.ToByteArray());
        }
    }

    private static Incarnation Member(uint node) => new() { Node = node, Uid = (int)node };
}
