using Akka.Event;
using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <content>Proposals and reads of this process, and those that other replicas forward to the leader.</content>
public sealed partial class RaftActor
{
    private const int ForwardTicksMax = 50;

    private readonly SortedDictionary<ulong, (ulong Term, TaskCompletionSource<ProposeResult> Answer)> _proposed = [];
    private readonly SortedDictionary<ulong, List<TaskCompletionSource<ulong>>> _waitingForApply = [];
    private readonly Dictionary<ulong, RaftRequests.Propose> _forwardedProposals = [];
    private readonly Dictionary<ulong, TaskCompletionSource<ulong>> _forwardedReads = [];
    private readonly Dictionary<ulong, ReadOrigin> _readsAsked = [];
    private readonly Queue<(ulong Id, int Tick)> _forwards = new();
    private ulong _nextId;
    private int _ticks;

    private int Pending => _proposed.Count + _forwardedProposals.Count + _forwardedReads.Count + _readsAsked.Count;

    private void OnPropose(RaftRequests.Propose message)
    {
        if (Pending >= _settings.PendingMax)
        {
            message.Answer.TrySetResult(ProposeResult.NotProposed("too much is waiting on this replica"));
        }
        else if (_node.Role == RaftRole.Leader)
        {
            if (_node.Propose(message.Command, out ulong index))
                _proposed[index] = (_node.Term, message.Answer);
            else
                message.Answer.TrySetResult(ProposeResult.NotProposed("the leader takes no proposals now"));
        }
        else if (_node.Leader == ReplicaId.None)
        {
            message.Answer.TrySetResult(ProposeResult.NotProposed("no leader is known"));
        }
        else
        {
            ulong id = NextForward();
            _forwardedProposals[id] = message;
            _settings.Peers.Send(_node.Leader.Node, new ProposeRequest { Id = id, Data = message.Command, From = _settings.Self.ToWire() });
        }
    }

    private void OnRead(RaftRequests.Read message)
    {
        if (Pending >= _settings.PendingMax)
        {
            message.Answer.TrySetException(Refused("too much is waiting on this replica"));
            return;
        }

        ulong id = NextForward();
        if (_node.Role == RaftRole.Leader)
        {
            _readsAsked[id] = new ReadOrigin(message.Answer, ReplicaId.None, 0);
            _node.ReadIndex(id);
        }
        else if (_node.Leader == ReplicaId.None)
        {
            message.Answer.TrySetException(Refused("no leader is known"));
        }
        else
        {
            _forwardedReads[id] = message.Answer;
            _settings.Peers.Send(_node.Leader.Node, new ReadRequest { Id = id, From = _settings.Self.ToWire() });
        }
    }

    private void OnForwarded(ProposeRequest request)
    {
        bool accepted = _node.Propose(request.Data, out ulong index);
        _settings.Peers.Send(request.From.Node, new ProposeReply
        {
            Id = request.Id, Accepted = accepted, Index = index, Term = _node.Term,
        });
    }

    private void OnForwarded(ReadRequest request)
    {
        ulong id = NextForward();
        if (_readsAsked.Count < _settings.PendingMax && _node.Role == RaftRole.Leader)
        {
            _readsAsked[id] = new ReadOrigin(null, ReplicaId.From(request.From), request.Id);
            _node.ReadIndex(id);
        }
        else
        {
            _settings.Peers.Send(request.From.Node, new ReadReply { Id = request.Id });
        }
    }

    private void OnForwardReply(ProposeReply reply)
    {
        if (!_forwardedProposals.Remove(reply.Id, out RaftRequests.Propose? proposal))
            return;
        if (!reply.Accepted)
            proposal.Answer.TrySetResult(ProposeResult.NotProposed("the leader did not take the proposal"));
        else if (reply.Index <= Applied)
            proposal.Answer.TrySetResult(ProposeResult.Unknown("it was applied before its place was known here"));
        else
            _proposed[reply.Index] = (reply.Term, proposal.Answer);
    }

    private void OnForwardReply(ReadReply reply)
    {
        if (!_forwardedReads.Remove(reply.Id, out TaskCompletionSource<ulong>? answer))
            return;
        if (reply.Accepted)
            AnswerAtApplied(reply.Index, answer);
        else
            answer.TrySetException(Refused("the leader did not take the read"));
    }

    private bool TryApply(IReadOnlyList<Entry> entries)
    {
        if (entries.Count == 0)
            return true;
        ReadOnlyMemory<byte>[] results;
        try
        {
            results = _state.Apply([.. entries.Select(entry => new CommittedEntry(
                new LogPosition(entry.Index, entry.Term), entry.Kind == EntryKind.EntryCommand, entry.Data.Memory))]);
        }
        catch (UnknownCommandException unknown)
        {
            Halt(unknown.Message);
            return false;
        }

        for (int i = 0; i < entries.Count; i++)
        {
            if (!_proposed.Remove(entries[i].Index, out (ulong Term, TaskCompletionSource<ProposeResult> Answer) proposal))
                continue;
            if (proposal.Term == entries[i].Term)
                proposal.Answer.TrySetResult(new ProposeResult(
                    ProposeOutcome.Applied, new LogPosition(entries[i].Index, entries[i].Term), results[i], ""));
            else
                proposal.Answer.TrySetResult(ProposeResult.NotProposed("a later leader put another entry in its place"));
        }

        AnswerApplied();
        return true;
    }

    // Going on would make this replica another one than the rest: it is silent until its program is updated.
    private void Halt(string reason)
    {
        _halted = true;
        _failure = reason;
        _log.Error("Halted: {0}", reason);
        FailPending(reason);
        Timers.CancelAll();
        _group.Publish(_group.Status with { Phase = RaftPhase.Halted, Reason = reason, Readable = false });
        Become(() => CommandAny(_ => { }));
    }

    private void Confirm(IReadOnlyList<ReadState> reads)
    {
        foreach (ReadState read in reads)
        {
            if (!_readsAsked.Remove(read.Context, out ReadOrigin origin))
                continue;
            if (origin.Local is not { } answer)
                _settings.Peers.Send(origin.From.Node, new ReadReply { Id = origin.Id, Accepted = read.Index > 0, Index = read.Index });
            else if (read.Index > 0)
                AnswerAtApplied(read.Index, answer);
            else
                answer.TrySetException(Refused("leadership was lost"));
        }
    }

    private void AnswerAtApplied(ulong index, TaskCompletionSource<ulong> answer)
    {
        if (index <= Applied)
        {
            answer.TrySetResult(Applied);
            return;
        }

        if (!_waitingForApply.TryGetValue(index, out List<TaskCompletionSource<ulong>>? waiting))
            _waitingForApply[index] = waiting = [];
        waiting.Add(answer);
    }

    private void AnswerApplied()
    {
        while (_waitingForApply.Count > 0 && _waitingForApply.First() is var first && first.Key <= Applied)
        {
            _waitingForApply.Remove(first.Key);
            foreach (TaskCompletionSource<ulong> answer in first.Value)
                answer.TrySetResult(Applied);
        }
    }

    private ulong NextForward()
    {
        _forwards.Enqueue((++_nextId, _ticks));
        return _nextId;
    }

    // A reply that was lost must not hold its request for ever; its caller has timed out by then.
    private void ExpireForwards()
    {
        _ticks++;
        while (_forwards.TryPeek(out (ulong Id, int Tick) oldest) && _ticks - oldest.Tick > ForwardTicksMax)
        {
            _forwards.Dequeue();
            if (_forwardedProposals.Remove(oldest.Id, out RaftRequests.Propose? proposal))
                proposal.Answer.TrySetResult(ProposeResult.Unknown("the leader did not answer"));
            if (_forwardedReads.Remove(oldest.Id, out TaskCompletionSource<ulong>? read))
                read.TrySetException(Refused("the leader did not answer"));
            if (_readsAsked.Remove(oldest.Id, out ReadOrigin origin))
                origin.Local?.TrySetException(Refused("no quorum answered"));
        }

        foreach (ulong index in _proposed.Keys.TakeWhile(index => index <= Applied).ToArray())
        {
            _proposed[index].Answer.TrySetResult(ProposeResult.Unknown("a snapshot took its place"));
            _proposed.Remove(index);
        }
    }

    private void FailPending(string why)
    {
        foreach ((_, TaskCompletionSource<ProposeResult> answer) in _proposed.Values)
            answer.TrySetResult(ProposeResult.Unknown(why));
        foreach (RaftRequests.Propose proposal in _forwardedProposals.Values)
            proposal.Answer.TrySetResult(ProposeResult.Unknown(why));
        foreach (TaskCompletionSource<ulong> read in _forwardedReads.Values
            .Concat(_waitingForApply.Values.SelectMany(list => list))
            .Concat(_readsAsked.Values.Select(origin => origin.Local).OfType<TaskCompletionSource<ulong>>()))
            read.TrySetException(Refused(why));
    }

    private static TimeoutException Refused(string why) => new($"The read was not confirmed: {why}.");

    private readonly record struct ReadOrigin(TaskCompletionSource<ulong>? Local, ReplicaId From, ulong Id);
}
