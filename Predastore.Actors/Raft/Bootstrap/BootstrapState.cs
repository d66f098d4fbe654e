using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft.Bootstrap;

/// <summary>What a replica does about what its peers have answered.</summary>
internal abstract record BootstrapDecision
{
    /// <summary>Goes on asking.</summary>
    /// <param name="Reason">What an operator should know; else empty.</param>
    public sealed record Wait(string Reason = "") : BootstrapDecision;

    /// <summary>Makes the cluster, with these replicas as its first configuration.</summary>
    public sealed record Create(Membership Initial) : BootstrapDecision;

    /// <summary>
    /// Belongs to a cluster from now on: to one whose first configuration names it, or, with an empty one, to one that exists without it.
    /// The latter has no vote and learns nothing until the group adds it.
    /// </summary>
    public sealed record Adopt(Guid ClusterId, Membership Initial) : BootstrapDecision;

    /// <summary>Must not take part.</summary>
    public sealed record Refuse(string Reason) : BootstrapDecision;

    /// <summary>Knows all it wanted to know.</summary>
    public sealed record Done : BootstrapDecision;
}

/// <summary>
/// The decision about the first configuration. Pure: answers go in, a decision comes out.
/// <para>
/// Why there is one cluster: (1) only the lowest configured node makes one, and only after every other configured node answered this
/// very incarnation that it is empty; (2) an incarnation is durable before it is told to anybody and belongs to at most one cluster,
/// because adopting is durable before it is told; (3) a quorum needs a majority of the first configuration by incarnation, so two
/// first configurations that share peers can never both have one.
/// </para>
/// </summary>
internal sealed class BootstrapState(ReplicaId self, IEnumerable<uint> configured, string folder, bool acceptLoss)
{
    private readonly SortedSet<uint> _configured = [.. configured];
    private readonly SortedDictionary<uint, Heard> _heard = [];

    /// <summary>Configured nodes whose answer is still of interest.</summary>
    public IEnumerable<uint> Unheard(Guid? cluster)
        => _configured.Where(node => node != self.Node && !(cluster is { } own && _heard.TryGetValue(node, out Heard? heard) && heard.Cluster == own));

    /// <summary>Takes an answer; the newest of a node counts. Those of nodes that are not configured are ignored.</summary>
    /// <exception cref="FormatException">The cluster id is not one.</exception>
    public void Hear(BootstrapAnswer answer)
    {
        var from = ReplicaId.From(answer.From);
        if (from.Node == self.Node || from.Incarnation == 0 || !_configured.Contains(from.Node))
            return;
        _heard[from.Node] = answer.ClusterId.Length switch
        {
            0 => new Heard(from, null, Membership.Empty),
            16 => new Heard(from, new Guid(answer.ClusterId.Span, bigEndian: true), Membership.From(answer.Configuration)),
            int length => throw new FormatException($"a cluster id of {length} bytes"),
        };
    }

    // Of the other nodes: one folder of a foreign cluster must not draw empty replicas into that cluster.
    private int OthersMajority => ((_configured.Count - 1) / 2) + 1;

    /// <summary>What an empty replica does.</summary>
    public BootstrapDecision DecideEmpty()
    {
        Heard[] members = [.. _heard.Values.Where(heard => heard.Cluster is not null)];
        if (members.FirstOrDefault(heard => heard.Initial.IsVoter(self)) is { } naming)
        {
            return _configured.SetEquals(naming.Initial.Voters.Select(voter => voter.Node))
                ? new BootstrapDecision.Adopt(naming.Cluster!.Value, naming.Initial)
                : new BootstrapDecision.Refuse(
                    $"cluster {naming.Cluster} began with metadata replicas on nodes {Nodes(naming.Initial)}, and the cluster file of node "
                    + $"{self.Node} names {string.Join(' ', _configured)}: use the same [[db]] tables on every node");
        }

        if (members.Length > 0)
        {
            IGrouping<Guid, Heard> cluster = members.GroupBy(heard => heard.Cluster!.Value).MaxBy(group => group.Count())!;
            if (cluster.Count() < OthersMajority)
            {
                return new BootstrapDecision.Wait(
                    $"the metadata replica of node {self.Node} is empty ({folder}), and nodes {string.Join(' ', members.Select(heard => heard.From.Node))} "
                    + $"belong to cluster {cluster.Key}: it joins them as a new replica when {OthersMajority} other nodes say the same");
            }

            bool lost = cluster.Any(heard => heard.Initial.Voters.Any(voter => voter.Node == self.Node));
            return !lost || acceptLoss
                ? new BootstrapDecision.Adopt(cluster.Key, Membership.Empty)
                : new BootstrapDecision.Refuse(
                    $"the metadata replica of node {self.Node} is empty ({folder}), but cluster {cluster.Key} began with one: mount its disk, or, if it "
                    + $"is lost, start the node with --new-replica and run 's3d admin replica replace --node {self.Node}'");
        }

        bool all = _configured.All(node => node == self.Node || _heard.ContainsKey(node));
        return all && _configured.Min == self.Node
            ? new BootstrapDecision.Create(new Membership([self, .. _heard.Values.Select(heard => heard.From)], []))
            : new BootstrapDecision.Wait();
    }

    /// <summary>
    /// What a member of a cluster does: it gives way only to a majority of the configured nodes, for one foreign node must not stop
    /// the others.
    /// </summary>
    public BootstrapDecision DecideMember(Guid cluster)
    {
        int quorum = (_configured.Count / 2) + 1;
        IGrouping<Guid, Heard>? foreign = _heard.Values.Where(heard => heard.Cluster is { } other && other != cluster)
            .GroupBy(heard => heard.Cluster!.Value).FirstOrDefault(group => group.Count() >= quorum);
        if (foreign is not null)
        {
            return new BootstrapDecision.Refuse(
                $"the metadata replica of node {self.Node} ({folder}) belongs to cluster {cluster}, and nodes "
                + $"{string.Join(' ', foreign.Select(heard => heard.From.Node))} are cluster {foreign.Key}: give this node the folder of that cluster");
        }

        return Unheard(cluster).Any() ? new BootstrapDecision.Wait() : new BootstrapDecision.Done();
    }

    private static string Nodes(Membership membership) => string.Join(' ', membership.Voters.Select(voter => voter.Node));

    private sealed record Heard(ReplicaId From, Guid? Cluster, Membership Initial);
}
