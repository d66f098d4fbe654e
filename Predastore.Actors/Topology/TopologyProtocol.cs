using Predastore.Actors.Serialization;
using Predastore.Actors.Topology.Wire;

namespace Predastore.Actors.Topology;

/// <summary>Messages between the topology actors of two nodes (<c>topology.proto</c>).</summary>
public static class TopologyProtocol
{
    /// <summary>The manifests.</summary>
    public static readonly WireProtocol Messages =
        new WireProtocol("topology").Add("probe", Probe.Parser).Add("probe-reply", ProbeReply.Parser);
}
