using System.Globalization;
using Predastore.Actors.Raft.Core;
using Predastore.Http.Admin;
using Predastore.Http.Admin.Replicas;

namespace Predastore.Host.Nodes;

/// <content>Changes, each of them one step of the group at a time, so that it can be broken off anywhere and asked for again.</content>
internal sealed partial class ReplicaAdmin
{
    /// <summary>A step that cannot be done right now is asked for again for this long; then the operator is told why.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan StepTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    public async Task<ReplicaChange> AddAsync(ReplicaTarget target, CancellationToken cancel)
    {
        Replica waiting = Find(await ListAsync(cancel), target, replica => replica.Member == "none" && replica.Incarnation.Length > 0,
            "no replica that waits to be added; its node must run, with an empty metadata folder");
        await StepAsync(MembershipStep.AddLearner, waiting, false, cancel);
        return new ReplicaChange(true, $"replica {waiting.Incarnation} of node {target.Node} learns; promote it when it has caught up");
    }

    public async Task<ReplicaChange> PromoteAsync(ReplicaTarget target, CancellationToken cancel)
    {
        Replica learner = Find(await ListAsync(cancel), target, replica => replica.Member == "learner", "no learner");
        await StepAsync(MembershipStep.Promote, learner, false, cancel);
        return new ReplicaChange(true, $"replica {learner.Incarnation} of node {target.Node} votes");
    }

    public async Task<ReplicaChange> RemoveAsync(ReplicaTarget target, CancellationToken cancel)
    {
        Replica member = Find(await ListAsync(cancel), target, replica => replica.Member != "none", "no replica in the group");
        await StepAsync(MembershipStep.Remove, member, target.AcceptFewer, cancel);
        return new ReplicaChange(true, $"replica {member.Incarnation} of node {target.Node} is no part of the group any more");
    }

    public async Task<ReplicaChange> ReplaceAsync(ReplicaTarget target, CancellationToken cancel)
    {
        ReplicaList list = await ListAsync(cancel);
        Replica[] own = [.. list.Replicas.Where(replica => replica.Node == target.Node)];
        Replica? old = own.FirstOrDefault(replica => replica.Member == "voter");
        if (old is { Role: not "unreachable" })
            throw Refused($"the replica of node {target.Node} votes and answers: there is nothing to replace");
        Replica fresh = own.FirstOrDefault(replica => replica.Member == "learner")
            ?? Find(list, target, replica => replica.Member == "none" && replica.Role == "waiting",
                "no new replica; start it with an empty metadata folder");
        if (fresh.Member == "none")
        {
            await StepAsync(MembershipStep.AddLearner, fresh, false, cancel);
            return new ReplicaChange(false, $"replica {fresh.Incarnation} of node {target.Node} was added and is being filled");
        }

        // The old vote goes only when the new one can take its place: until then the group is as it was.
        if (fresh.Behind is not { } behind || behind > RaftNode.CaughtUpEntries || fresh.Role != "learner")
        {
            string how = fresh.Role != "learner" ? "does not answer" : $"lacks {fresh.Behind?.ToString("N0", CultureInfo.InvariantCulture) ?? "some"} entries";
            return new ReplicaChange(false, $"replica {fresh.Incarnation} of node {target.Node} {how}");
        }

        if (old is not null)
            await StepAsync(MembershipStep.Remove, old, true, cancel);
        await StepAsync(MembershipStep.Promote, fresh, false, cancel);
        return new ReplicaChange(true, $"replica {fresh.Incarnation} of node {target.Node} votes in the place of "
            + (old is null ? "the one before it" : old.Incarnation));
    }

    private async Task StepAsync(MembershipStep step, Replica replica, bool acceptLess, CancellationToken cancel)
    {
        ulong incarnation = ulong.Parse(replica.Incarnation, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var change = new MembershipChange(step, new ReplicaId(replica.Node, incarnation), acceptLess);
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            ChangeResult result = await node.ChangeReplicaAsync(change, StepTimeout, cancel);
            switch (result.Outcome)
            {
                case ChangeOutcome.Done:
                    return;
                case ChangeOutcome.Refused:
                    throw Refused(result.Reason);
                case ChangeOutcome.Unknown or ChangeOutcome.Later when TimeProvider.System.GetElapsedTime(started) < Patience:
                    // Every step may be asked for twice: what is so already is done.
                    await Task.Delay(Pause, cancel);
                    break;
                case ChangeOutcome.Later:
                    throw Refused($"{result.Reason}; try again later");
                default:
                    throw new AdminException(AdminFault.Unknown, $"{result.Reason}; look at 's3d admin replica list' before you repeat it");
            }
        }
    }

    private static Replica Find(ReplicaList list, ReplicaTarget target, Func<Replica, bool> wanted, string none)
    {
        Replica[] found = [.. list.Replicas.Where(replica => replica.Node == target.Node && wanted(replica)
            && (target.Incarnation is null || string.Equals(target.Incarnation, replica.Incarnation, StringComparison.OrdinalIgnoreCase)))];
        return found switch
        {
            [var one] => one,
            [] => throw new AdminException(AdminFault.NotFound, $"node {target.Node} has {none}"),
            _ => throw new AdminException(AdminFault.Invalid,
                $"node {target.Node} has several replicas ({string.Join(", ", found.Select(replica => replica.Incarnation))}): name one with --replica"),
        };
    }

    private static AdminException Refused(string reason) => new(AdminFault.Refused, reason);
}
