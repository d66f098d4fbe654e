using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;

namespace Predastore.Simulation.Tests.Raft;

/// <summary>A replica as the oracles see it.</summary>
internal interface IObservedReplica
{
    ReplicaId Id { get; }

    /// <summary>Counts starts.</summary>
    int Life { get; }

    /// <summary>Null while it is down.</summary>
    RaftNode? Running { get; }

    /// <summary>The journal as a restart would read it.</summary>
    RaftState Durable { get; }
}

/// <summary>What must hold of a group after every step, judged from outside with full knowledge.</summary>
/// <param name="find">Every replica there ever was, running or not.</param>
/// <param name="now">Virtual time, for the history.</param>
internal sealed class RaftOracles(Func<ReplicaId, IObservedReplica?> find, Func<long> now)
{
    private readonly Dictionary<ulong, (ReplicaId Id, int Life)> _leaders = [];
    private readonly Dictionary<(ReplicaId Voter, ulong Term), ReplicaId> _votes = [];
    private readonly Dictionary<(ulong Index, ulong Term), (ulong PreviousTerm, Entry Entry)> _written = [];
    private readonly Dictionary<ulong, ulong> _applied = [];
    private readonly Dictionary<ReplicaId, ulong> _terms = [];

    // The term of each committed entry, and the one in which it was committed, which may be later.
    private readonly List<(ulong Term, ulong In)> _committed = [(1, 1)];
    private readonly List<(ulong From, Membership Members)> _configurations = [];
    private readonly Dictionary<ReplicaId, (int Life, ulong Commit)> _configured = [];

    /// <summary>Index of the first position, of which all replicas are agreed at the start.</summary>
    public ulong Founded
    {
        init
        {
            for (ulong i = 0; i < value; i++)
                _committed.Add((1, 1));
        }
    }

    /// <summary>Everything up to here was committed by somebody.</summary>
    public ulong Committed => (ulong)_committed.Count - 1;

    /// <summary>Who led when.</summary>
    public List<string> History { get; } = [];

    /// <summary>Called with every configuration that becomes committed.</summary>
    public Action<Membership> OnCommitted { get; init; } = static _ => { };

    public void Observe(IObservedReplica replica)
    {
        RaftNode node = replica.Running!;

        // A group of one wins by its own vote at once, and tells nobody before it is durable.
        if (node.Role == RaftRole.Leader && replica.Durable.Term >= node.Term)
            ObserveLeader(replica, node);
        if (node.Commit > Committed)
            ObserveCommit(replica, node);
        ObserveConfiguration(replica, node);
    }

    // Whatever brought a replica to an index, entries or a snapshot: it counts with the configuration that was committed there.
    private void ObserveConfiguration(IObservedReplica replica, RaftNode node)
    {
        if (_configurations.Count == 0 || node.Commit < _configurations[0].From
            || _configured.GetValueOrDefault(replica.Id) == (replica.Life, node.Commit))
            return;
        _configured[replica.Id] = (replica.Life, node.Commit);
        Membership members = node.Log.MembershipAt(node.Commit);
        Membership committed = _configurations.FindLast(c => c.From <= node.Commit).Members;
        InvariantException.Check(Same(members, committed), $"{replica.Id} has {members} at {node.Commit}, {committed} were committed");
    }

    private void NoteConfiguration(RaftNode node, ulong index)
    {
        Membership members = node.Log.MembershipAt(index);
        if (_configurations.Count == 0 || !Same(_configurations[^1].Members, members))
            _configurations.Add((index, members));
    }

    private static bool Same(Membership a, Membership b)
        => ReferenceEquals(a, b) || (a.Voters.AsSpan().SequenceEqual(b.Voters.AsSpan()) && a.Learners.AsSpan().SequenceEqual(b.Learners.AsSpan()));

    // Election safety, and leader completeness at the moment of the election: a replica that was elected, frozen and thawed leads an old
    // term and owes nothing that was committed in later ones.
    private void ObserveLeader(IObservedReplica replica, RaftNode node)
    {
        if (_leaders.TryGetValue(node.Term, out (ReplicaId Id, int Life) known))
        {
            InvariantException.Check(known == (replica.Id, replica.Life), $"{known} and {(replica.Id, replica.Life)} both lead term {node.Term}");
            return;
        }

        _leaders[node.Term] = (replica.Id, replica.Life);
        History.Add($"{now()} {replica.Id} leads term {node.Term}, commit {node.Commit}, last {node.Log.LastIndex}");
        ulong owed = Committed;
        while (owed > 0 && _committed[(int)owed].In >= node.Term)
            owed--;
        InvariantException.Check(node.Log.LastIndex >= owed, $"{replica.Id} leads term {node.Term} with {node.Log.LastIndex} of {owed} committed");
        for (ulong index = node.Log.BaseIndex + 1; index <= owed; index++)
        {
            InvariantException.Check(node.Log.TermOf(index) == _committed[(int)index].Term,
                $"{replica.Id} leads term {node.Term} without the committed entry {_committed[(int)index].Term}:{index}");
        }
    }

    // Only a leader commits first; what it commits is of its own term and durable on a quorum of its configuration.
    private void ObserveCommit(IObservedReplica replica, RaftNode node)
    {
        ulong before = Committed;
        for (ulong index = before + 1; index <= node.Commit; index++)
        {
            ulong term = node.Log.TermOf(index) ?? throw new InvariantException($"{replica.Id} committed {index} and has it not");
            _committed.Add((term, node.Term));
            NoteConfiguration(node, index);
        }

        // A leader that removed itself has just stepped down.
        InvariantException.Check(_leaders.TryGetValue(node.Term, out (ReplicaId Id, int Life) leader) && leader.Id == replica.Id,
            $"{replica.Id} committed {node.Commit} before the leader of term {node.Term} did");
        InvariantException.Check(_committed[^1].Term == node.Term,
            $"{replica.Id} committed {node.Commit} of term {_committed[^1].Term} by counting in term {node.Term}");
        Membership members = node.Log.MembershipAt(node.Log.LastIndex);
        OnCommitted(node.Log.MembershipAt(node.Commit));
        int durable = members.Voters.Count(voter => find(voter) is { } r && Holds(r.Durable.Log, node));
        InvariantException.Check(durable >= members.Quorum, $"{replica.Id} committed {node.Commit}, durable on {durable} of {members}");
    }

    private static bool Holds(RaftLog durable, RaftNode leader)
        => durable.BaseIndex >= leader.Commit || durable.TermOf(leader.Commit) == leader.Log.TermOf(leader.Commit);

    /// <summary>A vote is given once a term, whatever happened to the voter in between.</summary>
    public void ObserveSend(IObservedReplica from, RaftMessage message)
    {
        if (message.Type != MessageType.MessageVoteReply || message.Reject)
            return;
        ReplicaId candidate = ReplicaId.From(message.To);
        if (!_votes.TryAdd((from.Id, message.Term), candidate))
            InvariantException.Check(_votes[(from.Id, message.Term)] == candidate, $"{from.Id} voted twice in term {message.Term}");
    }

    /// <summary>Log matching: an index and a term name one entry, and one entry before it. Terms on a disk never go back.</summary>
    public void ObserveWrite(IObservedReplica replica, JournalEvent e)
    {
        InvariantException.Check(e.Term >= _terms.GetValueOrDefault(replica.Id), $"term of {replica.Id} goes back to {e.Term}");
        _terms[replica.Id] = e.Term;
        foreach (Entry entry in e.Entries)
        {
            ulong? previous = replica.Durable.Log.TermOf(entry.Index - 1);
            if (previous is null)
                continue;
            if (!_written.TryAdd((entry.Index, entry.Term), (previous.Value, entry)))
            {
                (ulong previousTerm, Entry known) = _written[(entry.Index, entry.Term)];
                InvariantException.Check(previousTerm == previous && known.Data == entry.Data && known.Kind == entry.Kind,
                    $"two entries {entry.Term}:{entry.Index}");
            }
        }
    }

    /// <summary>What is applied was committed, and leads to the same state on every replica.</summary>
    /// <param name="replica">Who applied.</param>
    /// <param name="index">Index of the entry.</param>
    /// <param name="term">Its term.</param>
    /// <param name="state">Stands for the state after it.</param>
    public void ObserveApply(IObservedReplica replica, ulong index, ulong term, ulong state)
    {
        InvariantException.Check(index <= Committed && _committed[(int)index].Term == term,
            $"{replica.Id} applied {term}:{index}, which is not what was committed");
        if (!_applied.TryAdd(index, state))
            InvariantException.Check(_applied[index] == state, $"{replica.Id} has another state at {index}");
    }
}
