namespace Predastore.Actors.Raft.Core;

/// <summary>What is done to one replica's part in the group.</summary>
public enum MembershipStep
{
    /// <summary>It receives the log from now on, without a vote.</summary>
    AddLearner,

    /// <summary>A learner that holds the log gets a vote.</summary>
    Promote,

    /// <summary>It is no part of the group any more.</summary>
    Remove,
}

/// <summary>One step that an operator asks for.</summary>
/// <param name="Step">What.</param>
/// <param name="Replica">Whom.</param>
/// <param name="AcceptLess">True if the group may survive the loss of fewer voters afterwards than before.</param>
public readonly record struct MembershipChange(MembershipStep Step, ReplicaId Replica, bool AcceptLess = false);

/// <summary>How a step stands.</summary>
public enum ChangeOutcome
{
    /// <summary>It is committed, or things were so already.</summary>
    Done,

    /// <summary>Not now, and nothing was changed: it can be asked for again.</summary>
    Later,

    /// <summary>It would be wrong, and nothing was changed.</summary>
    Refused,

    /// <summary>It may be committed, or may still be.</summary>
    Unknown,
}

/// <summary>The answer to a step.</summary>
/// <param name="Outcome">How it stands.</param>
/// <param name="Reason">For people; empty if it is done.</param>
public sealed record ChangeResult(ChangeOutcome Outcome, string Reason)
{
    /// <summary>Done.</summary>
    public static readonly ChangeResult Done = new(ChangeOutcome.Done, "");

    /// <summary>Not now.</summary>
    public static ChangeResult Later(string reason) => new(ChangeOutcome.Later, reason);

    /// <summary>It would be wrong.</summary>
    public static ChangeResult Refused(string reason) => new(ChangeOutcome.Refused, reason);

    /// <summary>Nobody knows.</summary>
    public static ChangeResult Unknown(string reason) => new(ChangeOutcome.Unknown, reason);
}
