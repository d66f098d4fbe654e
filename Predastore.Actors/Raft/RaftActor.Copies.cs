using Akka.Event;
using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <content>
/// Copies and restored backups of a replica's folder have forgotten votes and acknowledgements. The group refuses them when they log
/// their start, but they could have voted by then: so every message says which start it is from, and what comes from an earlier one than
/// is known here, or from another one of the same count, is not heard.
/// </content>
public sealed partial class RaftActor
{
    private readonly Dictionary<ReplicaId, ReplicaStart> _starts = [];
    private readonly HashSet<ReplicaStart> _reported = [];

    private void OnMessage(RaftMessage message)
    {
        if (!IsOfAnotherCopy(message))
            _node.Step(message);
    }

    private RaftMessage Stamped(RaftMessage message)
    {
        (message.Boots, message.Process) = (_settings.Start.Boots, _settings.Start.Process);
        return message;
    }

    private bool IsOfAnotherCopy(RaftMessage message)
    {
        var from = ReplicaId.From(message.From);
        var start = new ReplicaStart(message.Boots, message.Process);
        if (start.Boots == 0)
            return false;
        if (!_starts.TryGetValue(from, out ReplicaStart known))
            known = _state.StartOf(from);
        if (start == known || start.Boots > known.Boots || (start.Boots == known.Boots && known.Process == 0))
        {
            // Bounded by the group: only members are remembered.
            if (_node.Log.Membership.Contains(from))
                _starts[from] = start;
            return false;
        }

        if (_reported.Count < RaftNode.MembersMax && _reported.Add(start))
            _log.Error("Replica {0} started for the {1}. time as another program than the group knows: its folder is a copy or a restored backup",
                from, start.Boots);
        return true;
    }
}
