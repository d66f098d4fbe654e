using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Akka.Configuration.Hocon;
using Akka.Hosting;
using Predastore.Actors.Hosting;
using Predastore.Actors.Hosting.Partitions;
using Predastore.Actors.Serialization;
using Predastore.Actors.Topology;
using Xunit;

namespace Predastore.Actors.Tests.Hosting;

/// <summary>Checks the values that an actor system really runs with, after every default and every layer.</summary>
public sealed class NodeConfigurationSpecs
{
    /// <summary>Keys that code sets; a file that sets one too would be a second owner.</summary>
    private static readonly string[] KeysOfCode =
    [
        "akka.actor.provider", "akka.cluster.seed-nodes", "akka.cluster.roles",
        "akka.actor.serializers", "akka.actor.serialization-bindings", "akka.loggers",
    ];

    [Fact]
    public void Files_should_not_share_a_key()
    {
        HashSet<string> shared = Keys("predastore.conf"), development = Keys("development.conf"), production = Keys("production.conf");

        Assert.NotEmpty(shared);
        Assert.Empty(shared.Intersect(development));
        Assert.Equal(development.Order(), production.Order());
    }

    [Theory]
    [InlineData("predastore.conf")]
    [InlineData("development.conf")]
    [InlineData("production.conf")]
    public void Files_should_leave_structure_to_code(string file) =>
        Assert.DoesNotContain(Keys(file), key => KeysOfCode.Any(owned => key == owned || key.StartsWith(owned + ".", StringComparison.Ordinal)));

    [Theory]
    [InlineData("predastore.conf")]
    [InlineData("development.conf")]
    [InlineData("production.conf")]
    public void Files_should_not_shorten_what_remoting_needs(string file) =>
        Assert.DoesNotContain(Keys(file), key => key == "akka.remote.retry-gate-closed-for");

    [Fact]
    public async Task Merged_configuration_should_be_what_the_design_decided()
    {
        await using var cluster = new LoopbackCluster(1, (_, builder) => builder.AddPartitionKeepers((_, _) => new NoWork()));
        await cluster.StartAsync(1);
        ActorSystem system = cluster[1].Current!;
        Config config = system.Settings.Config;

        Assert.Equal("predastore", system.Name);
        Assert.Equal(["akka.remote.control"], config.GetStringList("akka.remote.enabled-transports"));
        Assert.Equal("akka.tls", Cluster.Get(system).SelfAddress.Protocol);
        Assert.Equal(128_000, config.GetByteSize("akka.remote.control.maximum-frame-size"));
        Assert.Equal(TimeSpan.FromSeconds(5), config.GetTimeSpan("akka.remote.retry-gate-closed-for"));
        Assert.Equal("fail", config.GetString("akka.persistence.journal-plugin-fallback.replay-filter.mode"));
        Assert.IsType<NoDowning>(Cluster.Get(system).DowningProvider);
        Assert.Equal(TimeSpan.FromSeconds(2), config.GetTimeSpan("predastore.downing.stable-after"));
        Assert.Equal("ddata", config.GetString("akka.cluster.sharding.state-store-mode"));
        Assert.Equal("storage", config.GetString("akka.cluster.sharding.role"));
        Assert.False(config.GetBoolean("akka.cluster.sharding.remember-entities"));
        Assert.Empty(config.GetStringList("akka.cluster.sharding.distributed-data.durable.keys"));
        Assert.Equal(0, system.Settings.LogDeadLetters);
        Assert.False(config.GetBoolean("akka.coordinated-shutdown.exit-clr"));
        Assert.False(config.GetBoolean("akka.coordinated-shutdown.run-by-clr-shutdown-hook"));
        Assert.True(config.GetTimeSpan("akka.actor.ask-timeout") < TimeSpan.FromMinutes(1));
        Assert.Equal(
            ["db", "gate", "node-1", "storage"], Cluster.Get(system).SelfRoles.Order());
    }

    [Fact]
    public async Task No_serializer_of_a_running_node_should_be_json_or_hyperion()
    {
        await using var cluster = new LoopbackCluster(1);
        await cluster.StartAsync(1);
        Akka.Serialization.Serialization serialization = cluster[1].Current!.Serialization;

        Assert.IsType<RefusingSerializer>(serialization.FindSerializerForType(typeof(object)));
        Assert.IsType<RefusingSerializer>(serialization.FindSerializerForType(typeof(Exception[])));
        Assert.IsType<RefusingSerializer>(serialization.FindSerializerForType(typeof(Dictionary<string, object>)));
        // By number is how a peer chooses the serializer: 1 is Akka's JSON, -5 Hyperion.
        byte[] json = "{\"$type\":\"System.Version\"}"u8.ToArray();
        Assert.ThrowsAny<Exception>(() => serialization.Deserialize(json, 1, ""));
        Assert.ThrowsAny<Exception>(() => serialization.Deserialize(json, -5, ""));
    }

    [Fact]
    public void Every_message_that_crosses_nodes_should_be_in_a_protocol()
    {
        System.Reflection.Assembly assembly = typeof(NodeSettings).Assembly;
        WireProtocol[] protocols =
        [
            .. assembly.GetTypes()
                .SelectMany(type => type.GetFields(System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.Public
                    | System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.DeclaredOnly))
                .Where(field => field.FieldType == typeof(WireProtocol))
                .Select(field => (WireProtocol)field.GetValue(null)!),
        ];
        var table = new ManifestTable(protocols);

        Assert.Contains(TopologyProtocol.Messages, protocols);
        Assert.Empty(assembly.GetTypes().Where(type => type is { IsInterface: false } && type.IsAssignableTo(typeof(IWireMessage))).Except(table.Types));
    }

    private static HashSet<string> Keys(string file)
    {
        var keys = new HashSet<string>();
        Walk(NodeConfiguration.Read(file).Root, "");
        return keys;

        void Walk(HoconValue value, string path)
        {
            if (!value.IsObject())
            {
                keys.Add(path);
                return;
            }

            foreach ((string key, HoconValue child) in value.GetObject().Items) Walk(child, path.Length == 0 ? key : $"{path}.{key}");
        }
    }

    private sealed class NoWork : IPartitionWork
    {
        public Task RunAsync(int partition, CancellationToken cancellation) => Task.CompletedTask;
    }
}
