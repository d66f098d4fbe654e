namespace Predastore.Actors.Raft.Core;

/// <content>
/// Linearizable reads without a lease (dissertation, section 6.4): the commit index is taken after an entry of this term has
/// committed, then a round of heartbeats begun after the request confirms that this is still the leader.
/// </content>
public sealed partial class RaftNode
{
    private readonly List<ReadState> _reads = [];
    private readonly List<ulong> _readsWaiting = [];
    private readonly Queue<(ulong Round, ulong Index, ulong Context)> _readsAsked = new();
    private ulong _round;

    /// <summary>Asks for the index at which a read may be served; answered in <see cref="Ready.Reads"/>. Leader only.</summary>
    /// <returns>False if this is not the leader.</returns>
    public bool ReadIndex(ulong context)
    {
        if (Role != RaftRole.Leader)
            return false;
        if (Has(RaftFault.LeaseRead) && HasCommittedInTerm)
        {
            _reads.Add(new ReadState(context, Commit));
            return true;
        }

        _readsWaiting.Add(context);
        ReleaseReads();
        return true;
    }

    // Starts one round for all reads that wait, unless one is under way: those that come meanwhile need a later one.
    private void ReleaseReads()
    {
        if (_readsWaiting.Count == 0 || _readsAsked.Count > 0 || !(HasCommittedInTerm || Has(RaftFault.ReadBeforeOwnTerm)))
            return;
        _round++;
        foreach (ulong context in _readsWaiting)
            _readsAsked.Enqueue((_round, Commit, context));
        _readsWaiting.Clear();
        if (_progress.TryGetValue(Id, out Progress? own))
            own.Round = _round;
        BroadcastHeartbeats();
        ConfirmReads();
    }

    private void ConfirmReads()
    {
        ulong[] rounds = [.. Members.Voters
            .Select(voter => voter == Id ? _round : _progress.TryGetValue(voter, out Progress? p) ? p.Round : 0)
            .OrderDescending()];
        ulong confirmed = rounds[Members.Quorum - 1];
        while (_readsAsked.TryPeek(out (ulong Round, ulong Index, ulong Context) read) && read.Round <= confirmed)
        {
            _readsAsked.Dequeue();
            _reads.Add(new ReadState(read.Context, read.Index));
        }

        if (_readsAsked.Count == 0 && _readsWaiting.Count > 0)
            ReleaseReads();
    }

    private void FailReads()
    {
        foreach (ulong context in _readsWaiting.Concat(_readsAsked.Select(read => read.Context)))
            _reads.Add(new ReadState(context, 0));
        _readsWaiting.Clear();
        _readsAsked.Clear();
    }
}
