using Predastore.Actors.Client;
using Predastore.Actors.Nodes;
using Predastore.Actors.Raft.Core;
using Predastore.Host.Config;
using Predastore.Http.Admin;
using Predastore.Http.Admin.Replicas;

namespace Predastore.Host.Nodes;

/// <summary>The metadata group for the operator, from what its nodes say of themselves.</summary>
internal sealed partial class ReplicaAdmin(ClusterFile file, ClusterNode node) : IReplicaAdmin
{
    public async Task<ReplicaList> ListAsync(CancellationToken cancel)
    {
        NodeReport?[] answers = await Task.WhenAll(file.Nodes.Select(number => node.ReportOfAsync(number, cancel)));
        Dictionary<uint, ReplicaReport> reports = answers.OfType<NodeReport>().Where(report => report.Replica is not null)
            .ToDictionary(report => report.Node, report => report.Replica);

        // Whoever was leader in an earlier term may not know yet.
        KeyValuePair<uint, ReplicaReport>? leader = reports.Where(report => report.Value.Role == "leader")
            .OrderByDescending(report => report.Value.Term).Cast<KeyValuePair<uint, ReplicaReport>?>().FirstOrDefault();
        ReplicaReport best = leader?.Value
            ?? reports.Values.Where(report => report.Members?.Members.Count > 0).OrderByDescending(report => report.Commit).FirstOrDefault()
            ?? throw new AdminException(AdminFault.Unavailable, $"No metadata replica answers node {node.Node}.");
        var members = Membership.From(best.Members);
        var matches = best.Matches.ToDictionary(match => ReplicaId.From(match.Replica), match => match.Index);
        IEnumerable<Replica> inGroup = members.All.OrderBy(member => member.Node).Select(
            member => Member(member, members, reports.GetValueOrDefault(member.Node), matches, best.LastIndex));
        IEnumerable<Replica> outside = file.Dbs.Select(db => db.Node).Order()
            .Where(number => Incarnation(number, reports) is var own && (own == 0
                ? members.All.All(member => member.Node != number)
                : !members.Contains(new ReplicaId(number, own))))
            .Select(number => Outside(number, reports.GetValueOrDefault(number)));
        return new ReplicaList
        {
            ClusterId = Convert.ToHexStringLower(best.ClusterId.Span),
            Leader = leader?.Key,
            Term = best.Term,
            Quorum = members.Quorum,
            Replicas = [.. inGroup, .. outside],
        };
    }

    private static Replica Member(
        ReplicaId id, Membership members, ReplicaReport? report, Dictionary<ReplicaId, ulong> matches, ulong lastIndex)
    {
        bool here = report is not null && report.Incarnation == id.Incarnation;
        ulong? match = matches.TryGetValue(id, out ulong known) ? known : null;
        string note = here ? report!.Reason
            : report is not null ? $"node {id.Node} runs replica {Hex(report.Incarnation)} instead"
            : "the node does not answer";
        return new Replica(
            id.Node, Hex(id.Incarnation), members.IsVoter(id) ? "voter" : "learner", here ? report!.Role : "unreachable",
            match, match is { } at ? lastIndex - Math.Min(at, lastIndex) : null, here ? report!.Applied : null, note);
    }

    private static Replica Outside(uint number, ReplicaReport? report) => report is null
        ? new Replica(number, "", "none", "unreachable", null, null, null, "the cluster file gives this node a replica, and it does not answer")
        : new Replica(number, Hex(report.Incarnation), "none", report.Role, null, null, report.Applied, report.Reason);

    private static ulong Incarnation(uint number, Dictionary<uint, ReplicaReport> reports)
        => reports.GetValueOrDefault(number)?.Incarnation ?? 0;

    private static string Hex(ulong incarnation) => incarnation.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
}
