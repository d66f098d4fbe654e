using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <summary>One start of a replica's program.</summary>
/// <param name="Boots">Starts of its folder so far, this one included.</param>
/// <param name="Process">Of this start, random.</param>
public readonly record struct ReplicaStart(ulong Boots, ulong Process);

/// <summary>A committed entry.</summary>
/// <param name="Position">Where it stands in the log; positions handed to a machine have no gaps.</param>
/// <param name="IsCommand">False for entries of Raft itself: the machine only advances its position.</param>
/// <param name="Command">The proposed bytes, 256 KiB at most; empty if it is no command. Valid for ever, not to be written to.</param>
public readonly record struct CommittedEntry(LogPosition Position, bool IsCommand, ReadOnlyMemory<byte> Command);

/// <summary>
/// What the group replicates: one per replica, called by one thread at a time, except for the sources and sinks of snapshots, each of
/// which has a thread of its own. The replica serves no reads while <see cref="Applied"/> is before the log's start.
/// </summary>
public interface IStateMachine : IDisposable
{
    /// <summary>Everything up to here is applied and visible to reads; durable only after <see cref="Flush"/>.</summary>
    LogPosition Applied { get; }

    /// <summary>
    /// Opens the state in the folder that the journal names, and deletes every other folder: what was received and not committed.
    /// A folder that is missing or damaged is made anew, at (0, 0): the log, or a snapshot from a peer, fills it.
    /// </summary>
    /// <param name="folder">A name given out by <see cref="ISnapshotSink.Complete"/>; empty before the first snapshot.</param>
    void Open(string folder);

    /// <summary>
    /// Applies entries in order. Deterministic: state and results depend on nothing but the state before and the entries. After a crash
    /// entries come again from the last position that was durable.
    /// </summary>
    /// <returns>One result an entry; empty for those that are no commands.</returns>
    /// <exception cref="UnknownCommandException">A command of a newer program: the replica halts and must not guess.</exception>
    ReadOnlyMemory<byte>[] Apply(ReadOnlySpan<CommittedEntry> entries);

    /// <summary>
    /// The newest start that the group has recorded of a replica; default if none. What comes from an earlier one comes from a copy or a
    /// restored backup of its folder.
    /// </summary>
    ReplicaStart StartOf(ReplicaId replica) => default;

    /// <summary>Makes everything applied durable, before the journal in front of it is deleted.</summary>
    /// <exception cref="IOException">It is not durable; the replica stops.</exception>
    void Flush();

    /// <summary>A consistent view of the whole state as it is now. The caller disposes it; it may outlive later applies.</summary>
    ISnapshotSource TakeSnapshot();

    /// <summary>Starts to receive a snapshot into a new folder beside the state in use.</summary>
    /// <exception cref="IOException">The disk is full or broken.</exception>
    ISnapshotSink ReceiveSnapshot(LogPosition position);

    /// <summary>
    /// Puts a received snapshot in the place of the state; <see cref="Applied"/> is then its position. Called after the journal names
    /// the folder durably, so the old folder may go.
    /// </summary>
    void Install(string folder);

    /// <summary>Deletes a received snapshot that is not wanted.</summary>
    void Discard(string folder);
}

/// <summary>A state as a stream of bytes. One thread.</summary>
public interface ISnapshotSource : IDisposable
{
    /// <summary>Everything up to here is in it.</summary>
    LogPosition Position { get; }

    /// <summary>Fills the buffer with the next bytes; 0 only at the end.</summary>
    int Read(Span<byte> buffer);
}

/// <summary>A snapshot on its way in. Disposed without <see cref="Complete"/>, it leaves nothing behind. One thread.</summary>
public interface ISnapshotSink : IDisposable
{
    /// <summary>Takes the next bytes, in order.</summary>
    /// <exception cref="InvalidDataException">They are not part of a snapshot.</exception>
    void Write(ReadOnlySpan<byte> bytes);

    /// <summary>Verifies everything, makes the folder and its parent durable and closes it.</summary>
    /// <returns>The folder's name for <see cref="IStateMachine.Install"/> and <see cref="IStateMachine.Open"/>.</returns>
    /// <exception cref="InvalidDataException">It is incomplete or damaged.</exception>
    string Complete();
}

/// <summary>A committed command that this program does not know: applying anything after it would diverge.</summary>
public sealed class UnknownCommandException(string message) : Exception(message);
