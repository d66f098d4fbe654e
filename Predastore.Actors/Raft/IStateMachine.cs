namespace Predastore.Actors.Raft;

/// <summary>
/// What committed entries are applied to. Members are called by one thread at a time, except where they say otherwise.
/// </summary>
public interface IStateMachine : IDisposable
{
    /// <summary>Index of the last entry applied; after a crash it may be an earlier one, and entries are applied again from there.</summary>
    ulong Applied { get; }

    /// <summary>
    /// Applies entries in order, all of them, and moves <see cref="Applied"/> to the last. Entries that are no commands change nothing
    /// else.
    /// </summary>
    /// <returns>A result for each entry; empty for those that are no commands.</returns>
    /// <exception cref="NotSupportedException">A command this program does not know: the replica must halt.</exception>
    IReadOnlyList<byte[]> Apply(IReadOnlyList<Entry> entries);

    /// <summary>Makes everything applied durable.</summary>
    void Flush();

    /// <summary>Takes an immutable picture of this moment. The caller disposes it.</summary>
    IStateSnapshot TakeSnapshot();
}

/// <summary>The state at one index.</summary>
public interface IStateSnapshot : IDisposable
{
    /// <summary>Applied index.</summary>
    ulong Index { get; }

    /// <summary>Writes everything, in chunks of at most 1 MiB with a checksum over all. Any thread.</summary>
    Task WriteToAsync(Stream output, CancellationToken cancel);
}

/// <summary>Opens and receives state machines. The folders are named by the journal, so that a switch has one commit point.</summary>
public interface IStateMachineHost
{
    /// <summary>Opens the state in a folder, or an empty one if there is none. Deletes all other folders of states.</summary>
    IStateMachine Open(string folder);

    /// <summary>
    /// Receives a snapshot into a new folder, verifies it, and fsyncs it and its parent. Any thread.
    /// </summary>
    /// <returns>Name of the folder.</returns>
    /// <exception cref="InvalidDataException">The bytes are not a whole snapshot of that index.</exception>
    Task<string> ReceiveAsync(Stream input, ulong index, CancellationToken cancel);
}
