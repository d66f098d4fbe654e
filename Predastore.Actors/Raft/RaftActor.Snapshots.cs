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
        _log.Info("Replica {0} is behind the log: a snapshot at {1} goes to it", to, snapshot.Position);
        IActorRef self = Self;
        _ = SendSnapshotAsync(to, Stamped(message), snapshot, self);
    }

    private async Task SendSnapshotAsync(ReplicaId to, RaftMessage message, ISnapshotSource snapshot, IActorRef self)
    {
        bool delivered = false;
        try
        {
            using (snapshot)
            {
                using var limit = new CancellationTokenSource(SnapshotTimeout);
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
        RaftLog log = _node.Log;
        ulong kept = (ulong)_settings.TailEntries;
        if (_node.AwaitsState)
            return;
        bool due = Applied - log.BaseIndex > (ulong)_settings.CompactEntries + kept || log.Bytes > _settings.CompactBytes;
        ulong to = Math.Min(Applied, log.Persisted);
        to = log.Bytes > _settings.CompactBytes ? to : to > kept ? to - kept : 0;
        if (!due || _compacting || to <= log.BaseIndex)
            return;

        // The state must stand on its own before the entries that made it go.
        _compacting = true;
        _state.Flush();
        var saved = new JournalEvent
        {
            Term = _node.Term,
            VotedFor = _node.VotedFor.ToWire(),
            Installed = new SnapshotMeta
            {
                Index = to,
                Term = log.TermOf(to)!.Value,
                Configuration = log.MembershipAt(to).ToWire(),
                Folder = _folder,
            },
        };
        if (log.Persisted > to)
        {
            saved.FirstIndex = to + 1;
            saved.Entries.AddRange(log.Slice(to + 1, log.Persisted, long.MaxValue));
        }

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
}
