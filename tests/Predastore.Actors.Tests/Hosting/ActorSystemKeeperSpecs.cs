using Akka.Actor;
using Akka.Cluster;
using Akka.Hosting;
using Google.Protobuf.WellKnownTypes;
using Predastore.Actors.Hosting;
using Predastore.Actors.Serialization;
using Xunit;
using Xunit.Abstractions;

namespace Predastore.Actors.Tests.Hosting;

public sealed class ActorSystemKeeperSpecs(ITestOutputHelper output)
{
    private static readonly WireProtocol Text = new WireProtocol("text").Add("text", StringValue.Parser);

    [Fact]
    public async Task Three_nodes_in_one_process_should_form_a_cluster_and_talk()
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await using var cluster = new LoopbackCluster(3, (node, builder) => builder.WithActors((system, _) =>
            system.ActorOf(Props.Create(() => new Echo(node)), "echo")), protocols: Text);
        await cluster.StartAllAsync();
        output.WriteLine($"up after {watch.ElapsedMilliseconds} ms");

        foreach (uint from in cluster.Nodes.Keys)
        {
            foreach (uint to in cluster.Nodes.Keys)
            {
                IActorRef echo = cluster[from].Topology.Find(to, "user/echo")!;
                StringValue answer = await echo.Ask<StringValue>(new StringValue { Value = "x" }, LoopbackCluster.Patience);
                Assert.Equal($"{to}:x", answer.Value);
            }
        }

        output.WriteLine(string.Join('\n', cluster.Logs.Lines.Where(l => l.Contains("Warn") || l.Contains("Error"))));
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo(uint node) => Receive<StringValue>(text => Sender.Tell(new StringValue { Value = $"{node}:{text.Value}" }));
    }
}
