using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <summary>
/// The group, seen from one of its replicas, leader or not. Thread-safe. Deadlines are given as the time left.
/// </summary>
public interface IRaftGroup
{
    /// <summary>What this replica knows now.</summary>
    RaftStatus Status { get; }

    /// <summary>Proposes a command, at the leader wherever it is, and waits until this replica has applied it.</summary>
    /// <param name="command">At most <see cref="RaftSettings.EntryBytesMax"/>; not changed by the caller afterwards.</param>
    /// <param name="timeout">After it the answer is <see cref="ProposeOutcome.Unknown"/> or <see cref="ProposeOutcome.NotProposed"/>.</param>
    /// <param name="grows">True for what is refused while the disk of this replica or of the leader keeps its reserve.</param>
    /// <exception cref="ArgumentException">The command is too large.</exception>
    Task<ProposeResult> Propose(ReadOnlyMemory<byte> command, TimeSpan timeout, bool grows = false);

    /// <summary>
    /// Waits until this replica has applied everything that was committed when this was called; a read of its state after that is
    /// linearizable.
    /// </summary>
    /// <returns>An index that is applied here.</returns>
    /// <exception cref="TimeoutException">No leader confirmed it in time, or this replica lags.</exception>
    Task<ulong> ReadIndex(TimeSpan timeout);

    /// <summary>Changes the part of one replica in the group, at the leader wherever it is, and waits until that is committed.</summary>
    Task<ChangeResult> Change(MembershipChange change, TimeSpan timeout);

    /// <summary>Hands leadership to a voter of that node. Leader only; false if refused.</summary>
    Task<bool> Transfer(uint node, TimeSpan timeout);
}

/// <summary>How a proposal ended.</summary>
public enum ProposeOutcome
{
    /// <summary>Applied here, once; the result is the state machine's.</summary>
    Applied,

    /// <summary>Certainly never applied, now or later.</summary>
    NotProposed,

    /// <summary>It may have been applied, or may still be.</summary>
    Unknown,

    /// <summary>Certainly never applied: a disk has only its reserve left.</summary>
    Full,
}

/// <summary>The answer to a proposal.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Position">Where it was applied; default otherwise.</param>
/// <param name="Result">What <see cref="IStateMachine.Apply"/> returned for it; empty otherwise.</param>
/// <param name="Reason">For people, where it was not applied; else empty.</param>
public sealed record ProposeResult(ProposeOutcome Outcome, LogPosition Position, ReadOnlyMemory<byte> Result, string Reason)
{
    /// <summary>Certainly not applied.</summary>
    public static ProposeResult NotProposed(string reason) => new(ProposeOutcome.NotProposed, default, default, reason);

    /// <summary>Certainly not applied, for want of space.</summary>
    public static ProposeResult Full(string reason) => new(ProposeOutcome.Full, default, default, reason);

    /// <summary>Perhaps applied.</summary>
    public static ProposeResult Unknown(string reason) => new(ProposeOutcome.Unknown, default, default, reason);
}
