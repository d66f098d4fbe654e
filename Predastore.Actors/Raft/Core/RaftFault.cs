namespace Predastore.Actors.Raft.Core;

/// <summary>Bugs that the simulation can plant. A simulation that does not find them proves nothing.</summary>
internal enum RaftFault
{
    None,

    /// <summary>The vote is told and not written.</summary>
    VoteNotPersisted,

    /// <summary>Replies leave before what they promise is durable.</summary>
    AckBeforePersist,

    /// <summary>The leader counts itself before its own write.</summary>
    CountSelfBeforePersist,

    /// <summary>Entries of earlier terms are committed by counting.</summary>
    CommitOldTerm,

    /// <summary>An append that repeats what is held truncates what came after it.</summary>
    TruncateOnEqual,

    /// <summary>Reads are served without asking a quorum.</summary>
    LeaseRead,

    /// <summary>Reads are served before an entry of the leader's own term is committed.</summary>
    ReadBeforeOwnTerm,

    /// <summary>Heartbeats name the commit index to followers that may hold other entries there.</summary>
    HeartbeatCommitUnbounded,

    /// <summary>The log of a candidate is not compared.</summary>
    VoteForShorterLog,

    /// <summary>A configuration is proposed while the one before it is not committed.</summary>
    OverlappingMembership,

    /// <summary>A new leader changes the configuration before an entry of its own term is committed.</summary>
    MembershipBeforeOwnTerm,
}
