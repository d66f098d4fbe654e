namespace Predastore.Actors.Raft.Core;

/// <summary>What a replica knew durably when it stopped.</summary>
/// <param name="Term">Newest term seen.</param>
/// <param name="VotedFor">Vote in that term.</param>
/// <param name="Log">The log, all of it persisted.</param>
public sealed record RaftState(ulong Term, ReplicaId VotedFor, RaftLog Log)
{
    /// <summary>Folds the events of a journal, oldest first.</summary>
    /// <exception cref="InvalidDataException">They leave a gap, or the term goes back.</exception>
    public static RaftState Replay(IEnumerable<JournalEvent> events)
    {
        var fold = new JournalFold();
        foreach (JournalEvent e in events)
            fold.Add(e);
        return fold.State;
    }
}

/// <summary>Turns the events of a journal back into a state, one by one. Not thread-safe.</summary>
public sealed class JournalFold
{
    private readonly RaftLog _log = new(0, 0, Membership.Empty);
    private ulong _term;
    private ReplicaId _votedFor;

    /// <summary>The state so far. Its log is this fold's own: nothing is added once it is handed to a node.</summary>
    public RaftState State => new(_term, _votedFor, _log);

    /// <summary>Folder of the snapshot that the log starts after; empty if it was never one from a peer.</summary>
    public string Folder { get; private set; } = "";

    /// <summary>Takes the next event.</summary>
    /// <exception cref="InvalidDataException">It leaves a gap, or the term goes back.</exception>
    public void Add(JournalEvent e)
    {
        if (e.Term < _term)
            throw new InvalidDataException($"term {e.Term} after {_term} in the journal");
        (_term, _votedFor) = (e.Term, ReplicaId.From(e.VotedFor));
        if (e.Installed is { } snapshot)
        {
            _log.Reset(snapshot.Index, snapshot.Term, Membership.From(snapshot.Configuration));
            Folder = snapshot.Folder;
        }

        if (e.FirstIndex != 0)
            _log.Restore(e.FirstIndex, e.Entries);
    }
}
