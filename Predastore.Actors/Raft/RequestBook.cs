using Predastore.Shards;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Google.Protobuf;
using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <summary>
/// Proposals and reads of this process, and those that other replicas forward to the leader: who waits for which index. Not
/// thread-safe; whoever feeds the core calls it.
/// </summary>
internal sealed partial class RequestBook(
    RaftNode node, ReplicaId self, Action<uint, IMessage> send, int pendingMax, Func<ulong> applied, Func<bool>? hasRoom = null)
{
    private const int ForwardTicksMax = 50;
    private const string NoRoom = "the disk of the metadata has only its reserve left";

    private readonly SortedDictionary<ulong, (ulong Term, TaskCompletionSource<ProposeResult> Answer)> _proposed = [];
    private readonly SortedDictionary<ulong, List<TaskCompletionSource<ulong>>> _waitingForApply = [];
    private readonly Dictionary<ulong, RaftRequests.Propose> _forwardedProposals = [];
    private readonly Dictionary<ulong, TaskCompletionSource<ulong>> _forwardedReads = [];
    private readonly Dictionary<ulong, ReadOrigin> _readsAsked = [];
    private readonly Queue<(ulong Id, int Tick, ulong Term)> _forwards = new();

    // At random: an answer to an earlier life of this replica must not be taken for one to this life.
    private ulong _nextId = Planted.Has(PlantedBug.RequestIdsRepeat)
        ? 0
        : BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));
    private int _waitingReads;
    private int _ticks;

    // A machine without a disk of its own has room.
    private bool HasRoom => hasRoom?.Invoke() ?? true;

    private int Pending => _proposed.Count + _forwardedProposals.Count + _forwardedReads.Count + _readsAsked.Count + _waitingReads;

    /// <summary>A command of this process.</summary>
    public void OnPropose(RaftRequests.Propose message)
    {
        if (Pending >= pendingMax)
        {
            message.Answer.TrySetResult(ProposeResult.NotProposed("too much is waiting on this replica"));
        }
        else if (message.Grows && !HasRoom)
        {
            message.Answer.TrySetResult(ProposeResult.Full(NoRoom));
        }
        else if (node.Role == RaftRole.Leader)
        {
            if (node.Propose(message.Command, out ulong index))
                Await(index, node.Term, message.Answer);
            else
                message.Answer.TrySetResult(ProposeResult.NotProposed("the leader takes no proposals now"));
        }
        else if (node.Leader == ReplicaId.None)
        {
            message.Answer.TrySetResult(ProposeResult.NotProposed("no leader is known"));
        }
        else
        {
            ulong id = NextForward();
            _forwardedProposals[id] = message;
            send(node.Leader.Node, new ProposeRequest { Id = id, Data = message.Command, From = self.ToWire(), Grows = message.Grows });
        }
    }

    /// <summary>A read of this process.</summary>
    public void OnRead(RaftRequests.Read message)
    {
        if (Pending >= pendingMax)
        {
            message.Answer.TrySetException(Refused("too much is waiting on this replica"));
            return;
        }

        ulong id = NextForward();
        if (node.Role == RaftRole.Leader)
        {
            _readsAsked[id] = new ReadOrigin(message.Answer, ReplicaId.None, 0);
            node.ReadIndex(id);
        }
        else if (node.Leader == ReplicaId.None)
        {
            message.Answer.TrySetException(Refused("no leader is known"));
        }
        else
        {
            _forwardedReads[id] = message.Answer;
            send(node.Leader.Node, new ReadRequest { Id = id, From = self.ToWire() });
        }
    }

    /// <summary>A command that another replica forwards.</summary>
    public void OnForwarded(ProposeRequest request)
    {
        ulong index = 0;
        bool full = request.Grows && !HasRoom;
        bool accepted = !full && node.Propose(request.Data, out index);
        send(request.From.Node, new ProposeReply
        {
            Id = request.Id, Accepted = accepted, Index = index, Term = node.Term, Full = full,
        });
    }

    /// <summary>A read that another replica forwards.</summary>
    public void OnForwarded(ReadRequest request)
    {
        ulong id = NextForward();
        if (_readsAsked.Count < pendingMax && node.Role == RaftRole.Leader)
        {
            _readsAsked[id] = new ReadOrigin(null, ReplicaId.From(request.From), request.Id);
            node.ReadIndex(id);
        }
        else
        {
            send(request.From.Node, new ReadReply { Id = request.Id });
        }
    }

    /// <summary>Where a forwarded command stands.</summary>
    public void OnForwardReply(ProposeReply reply)
    {
        if (!_forwardedProposals.Remove(reply.Id, out RaftRequests.Propose? proposal))
            return;
        if (reply.Full)
            proposal.Answer.TrySetResult(ProposeResult.Full(NoRoom));
        else if (!reply.Accepted)
            proposal.Answer.TrySetResult(ProposeResult.NotProposed("the leader did not take the proposal"));
        else if (reply.Index <= applied())
            proposal.Answer.TrySetResult(ProposeResult.Unknown("it was applied before its place was known here"));
        else
            Await(reply.Index, reply.Term, proposal.Answer);
    }

    // A place can be given out again by a later leader; whichever entry comes to stand there, it is not known yet.
    private void Await(ulong index, ulong term, TaskCompletionSource<ProposeResult> answer)
    {
        if (_proposed.TryGetValue(index, out (ulong Term, TaskCompletionSource<ProposeResult> Answer) earlier))
            earlier.Answer.TrySetResult(ProposeResult.Unknown("another leader gave its place away"));
        _proposed[index] = (term, answer);
    }

    /// <summary>At which index a forwarded read may be served.</summary>
    public void OnForwardReply(ReadReply reply)
    {
        if (!_forwardedReads.Remove(reply.Id, out TaskCompletionSource<ulong>? answer))
            return;
        if (reply.Accepted)
            AnswerAtApplied(reply.Index, answer);
        else
            answer.TrySetException(Refused("the leader did not take the read"));
    }

    /// <summary>Answers those whose entries were applied; results stand in the order of the entries.</summary>
    public void Applied(IReadOnlyList<Entry> entries, IReadOnlyList<ReadOnlyMemory<byte>> results)
    {
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
    }

    /// <summary>Reads that the core has confirmed or failed.</summary>
    public void Confirm(IReadOnlyList<ReadState> reads)
    {
        foreach (ReadState read in reads)
        {
            if (!_readsAsked.Remove(read.Context, out ReadOrigin origin))
                continue;
            if (origin.Local is not { } answer)
                send(origin.From.Node, new ReadReply { Id = origin.Id, Accepted = read.Index > 0, Index = read.Index });
            else if (read.Index > 0)
                AnswerAtApplied(read.Index, answer);
            else
                answer.TrySetException(Refused("leadership was lost"));
        }
    }

    private void AnswerAtApplied(ulong index, TaskCompletionSource<ulong> answer)
    {
        if (index <= applied())
        {
            answer.TrySetResult(applied());
            return;
        }

        if (!_waitingForApply.TryGetValue(index, out List<TaskCompletionSource<ulong>>? waiting))
            _waitingForApply[index] = waiting = [];
        waiting.Add(answer);
        _waitingReads++;
    }

    /// <summary>Answers reads whose index is applied.</summary>
    public void AnswerApplied()
    {
        while (_waitingForApply.Count > 0 && _waitingForApply.First() is var first && first.Key <= applied())
        {
            _waitingForApply.Remove(first.Key);
            _waitingReads -= first.Value.Count;
            foreach (TaskCompletionSource<ulong> answer in first.Value)
                answer.TrySetResult(applied());
        }
    }

    private ulong NextForward()
    {
        _forwards.Enqueue((++_nextId, _ticks, node.Term));
        return _nextId;
    }

    /// <summary>
    /// A tick. A reply that was lost must not hold its request for ever, and whoever was leader in an earlier term is not waited for: it may
    /// be dead.
    /// </summary>
    public void ExpireForwards()
    {
        _ticks++;
        while (_forwards.TryPeek(out (ulong Id, int Tick, ulong Term) oldest)
            && (_ticks - oldest.Tick > ForwardTicksMax || oldest.Term != node.Term))
        {
            _forwards.Dequeue();
            if (_forwardedProposals.Remove(oldest.Id, out RaftRequests.Propose? proposal))
                proposal.Answer.TrySetResult(ProposeResult.Unknown("the leader did not answer"));
            if (_forwardedReads.Remove(oldest.Id, out TaskCompletionSource<ulong>? read))
                read.TrySetException(Refused("the leader did not answer"));
            if (_forwardedChanges.Remove(oldest.Id, out TaskCompletionSource<ChangeResult>? change))
                change.TrySetResult(ChangeResult.Unknown("the leader did not answer"));
            if (_readsAsked.Remove(oldest.Id, out ReadOrigin origin))
                origin.Local?.TrySetException(Refused("no quorum answered"));
        }

        foreach (ulong index in _proposed.Keys.TakeWhile(index => index <= applied()).ToArray())
        {
            _proposed[index].Answer.TrySetResult(ProposeResult.Unknown("a snapshot took its place"));
            _proposed.Remove(index);
        }
    }

    /// <summary>The replica stops: nothing that waits has a definite answer.</summary>
    public void FailPending(string why)
    {
        foreach ((_, TaskCompletionSource<ProposeResult> answer) in _proposed.Values)
            answer.TrySetResult(ProposeResult.Unknown(why));
        foreach (RaftRequests.Propose proposal in _forwardedProposals.Values)
            proposal.Answer.TrySetResult(ProposeResult.Unknown(why));
        foreach (TaskCompletionSource<ChangeResult> change in _forwardedChanges.Values)
            change.TrySetResult(ChangeResult.Unknown(why));
        foreach (TaskCompletionSource<ulong> read in _forwardedReads.Values
            .Concat(_waitingForApply.Values.SelectMany(list => list))
            .Concat(_readsAsked.Values.Select(origin => origin.Local).OfType<TaskCompletionSource<ulong>>()))
            read.TrySetException(Refused(why));
    }

    private static TimeoutException Refused(string why) => new($"The read was not confirmed: {why}.");

    private readonly record struct ReadOrigin(TaskCompletionSource<ulong>? Local, ReplicaId From, ulong Id);
}
