using System.Globalization;
using Akka.Cluster.Sharding;
using Predastore.Actors.Hosting.Partitions.Wire;
using Predastore.Actors.Serialization;

namespace Predastore.Actors.Hosting.Partitions;

/// <summary>Messages to partition keepers, and how they find their keeper.</summary>
public static class PartitionProtocol
{
    /// <summary>Parts of the hash space, each with one keeper. Never changed: nodes of two versions must agree.</summary>
    public const int Partitions = 64;

    /// <summary>Name of the keepers' region.</summary>
    public const string RegionName = "partition-keepers";

    /// <summary>The manifests.</summary>
    public static readonly WireProtocol Messages = new WireProtocol("partitions").Add("touch", TouchPartition.Parser);

    /// <summary>One region shard per partition, so that partitions move one by one.</summary>
    internal sealed class Extractor : IMessageExtractor
    {
        public string? EntityId(object message) =>
            message is TouchPartition { Partition: < Partitions } touch
                ? touch.Partition.ToString(CultureInfo.InvariantCulture)
                : null;

        public object EntityMessage(object message) => message;

        public string? ShardId(object message) => EntityId(message);

        public string ShardId(string entityId, object? messageHint = null) => entityId;
    }
}
