using Akka.Actor;
using Akka.Event;
using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <content>Snapshots to and from other replicas, and compaction of the journal.</content>
public sealed partial class RaftActor
{
    private static readonly TimeSpan SnapshotTimeout = TimeSpan.FromMinutes(10);

    // Ticks between two requests: a snapshot under way is refused a second time anyway.
    private const int FetchTicks = 20;

    private readonly HashSet<ReplicaId> _filling = [];

    // Index of the snapshot that a replica was sent, until it has caught up with what came after it.
    private readonly Dictionary<ReplicaId, ulong> _snapshots = [];

    // A snapshot that is still sent holds the state open, and the next life of this replica could not open it.
    private readonly CancellationTokenSource _ending = new();
    private int _fetchTicks;

    // The supervisor starts it again, and what it opens then is made anew.
    private static void OnFail(RaftRequests.Fail message) => throw new IOException(message.Reason);

    private void FetchState()
    {
        if (!_node.AwaitsState || _node.Leader == ReplicaId.None || _fetchTicks++ % FetchTicks != 0)
            return;
        _settings.Peers.Send(_node.Leader.Node, new SnapshotRequest { From = _settings.Self.ToWire() });
    }

    private void OnSnapshotRequest(SnapshotRequest request)
    {
        var from = ReplicaId.From(request.From);
        if (_node.Role == RaftRole.Leader && _node.Log.Membership.Contains(from))
            SendSnapshot(from);
    }

    private void SendSnapshot(ReplicaId to)
    {
        if (!_filling.Add(to))
            return;
        ISnapshotSource snapshot = _state.TakeSnapshot();
        var message = new RaftMessage
        {
            Type = MessageType.MessageSnapshot,
            ClusterId = _settings.ClusterId,
            From = _settings.Self.ToWire(),
            To = to.ToWire(),
            Term = _node.Term,
            Snapshot = new SnapshotMeta
            {
                Index = snapshot.Position.Index,
                Term = snapshot.Position.Term,
                Configuration = _node.Log.MembershipAt(snapshot.Position.Index).ToWire(),
            },
        };
        _snapshots[to] = snapshot.Position.Index;
        _log.Info("Replica {0} is behind the log: a snapshot at {1} goes to it", to, snapshot.Position);
        IActorRef self = Self;
        Stamped(message);

        // Elsewhere: for as long as the peer takes all at once, sending would read the snapshot on this replica's own thread.
        _ = Task.Run(() => SendSnapshotAsync(to, message, snapshot, self));
    }

    private async Task SendSnapshotAsync(ReplicaId to, RaftMessage message, ISnapshotSource snapshot, IActorRef self)
    {
        bool delivered = false;
        try
        {
            using (snapshot)
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
                limit.CancelAfter(SnapshotTimeout);
                delivered = await _settings.Peers.SendSnapshotAsync(to.Node, message, snapshot, limit.Token).ConfigureAwait(false);
            }
        }
        catch (Exception error)
        {
            // The follower is probed again and gets another one; whatever went wrong, the core must hear that this one has ended.
            _log.Warning("A snapshot to replica {0} was not delivered: {1}", to, error.Message);
        }

        // Whoever asked again meanwhile asks once more.
        self.Tell(new RaftRequests.Sent(to, message.Snapshot.Index, delivered));
    }

    private void OnSent(RaftRequests.Sent message)
    {
        _filling.Remove(message.To);
        if (!message.Delivered)
            _snapshots.Remove(message.To);
        _node.SnapshotSent(message.To, message.Index, message.Delivered);
    }

    private void OnReceived(RaftRequests.Received received)
    {
        if (IsOfAnotherCopy(received.Message))
            return;
        _node.Step(received.Message);
        bool taken = _node.Ignored is null && received.Message.Term == _node.Term
            && _node.InstallSnapshot(received.Message.Snapshot, ReplicaId.From(received.Message.From));
        if (!taken)
            _state.Discard(received.Message.Snapshot.Folder);
    }

    // The event that names the folder is durable: from now on it is the state.
    private void Install(SnapshotMeta snapshot)
    {
        _log.Info("A snapshot at {0} takes the place of the state at {1}", snapshot.Index, Applied);
        _folder = snapshot.Folder;
        _state.Install(_folder);
        Requests.AnswerApplied();
    }

    private void CompactIfDue()
    {
        if (_node.AwaitsState || _compacting || _settings.Compaction.Due(_node.Log, Applied, LastUnneeded()) is not { } to)
            return;

        // The state must stand on its own before the entries that made it go.
        _compacting = true;
        _state.Flush();
        JournalEvent saved = Compaction.Event(_node.Log, to, _node.Term, _node.VotedFor, _folder);
        string folder = _folder;
        PersistAsync(saved, _ =>
        {
            _compacting = false;

            // A snapshot installed meanwhile has reset the log; its own event comes later and stands.
            if (folder == _folder && to > _node.Log.BaseIndex && to <= _node.Log.Persisted)
                _node.Log.Compact(to);
            DeleteMessages(LastSequenceNr - 1);
        });
    }

    // The last entry that no replica needs of those that are being filled. One that the log has left behind gets another snapshot.
    private ulong LastUnneeded()
    {
        ulong needed = ulong.MaxValue;
        if (_snapshots.Count == 0)
            return needed;
        IReadOnlyDictionary<ReplicaId, ulong> matches = _node.Matches;
        foreach ((ReplicaId replica, ulong sent) in _snapshots)
        {
            ulong has = Math.Max(sent, matches.GetValueOrDefault(replica));
            bool filling = _filling.Contains(replica)
                || (matches.ContainsKey(replica) && has + (ulong)_settings.Compaction.Tail < Applied);
            if (!filling)
                _snapshots.Remove(replica);
            else if (has >= _node.Log.BaseIndex)
                needed = Math.Min(needed, has);
        }

        return needed;
    }
}
