using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <summary>Membership changes and their answers in their wire form.</summary>
internal static class ChangeWire
{
    public static ChangeRequest ToWire(this MembershipChange change) => new()
    {
        Step = (ChangeStep)change.Step,
        Replica = change.Replica.ToWire(),
        AcceptLess = change.AcceptLess,
    };

    /// <summary>The change; null if this program does not know it.</summary>
    public static MembershipChange? ToChange(this ChangeRequest request) => Enum.IsDefined((MembershipStep)request.Step)
        ? new MembershipChange((MembershipStep)request.Step, ReplicaId.From(request.Replica), request.AcceptLess)
        : null;

    public static ChangeReply ToWire(this ChangeResult result) => new()
    {
        Outcome = result.Outcome switch
        {
            ChangeOutcome.Done => ChangeReply.Types.Outcome.Done,
            ChangeOutcome.Later => ChangeReply.Types.Outcome.Later,
            ChangeOutcome.Refused => ChangeReply.Types.Outcome.Refused,
            _ => ChangeReply.Types.Outcome.Unknown,
        },
        Reason = result.Reason,
    };

    public static ChangeResult ToResult(this ChangeReply reply) => reply.Outcome switch
    {
        ChangeReply.Types.Outcome.Done => ChangeResult.Done,
        ChangeReply.Types.Outcome.Later => ChangeResult.Later(reply.Reason),
        ChangeReply.Types.Outcome.Refused => ChangeResult.Refused(reply.Reason),
        _ => ChangeResult.Unknown(reply.Reason),
    };
}
