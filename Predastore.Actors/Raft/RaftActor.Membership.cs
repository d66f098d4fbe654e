using Akka.Event;
using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <content>This replica's own place in the group.</content>
public sealed partial class RaftActor
{
    private int _leaderlessTicks;
    private bool _dismissed;

    // The log of a replica that was removed may end before its removal, and nobody sends it the rest: then only others can tell.
    private bool IsOutside => !_node.Log.Membership.Contains(_settings.Self) || _dismissed;

    // A learner that is being filled would let reads wait for it.
    private bool IsBehind => !_node.Log.Membership.IsVoter(_settings.Self) && _node.Commit - Math.Min(Applied, _node.Commit) > RaftNode.CaughtUpEntries;

    private void WatchMembership()
    {
        if (_node.Leader != ReplicaId.None)
        {
            _leaderlessTicks = 0;
            _dismissed = false;
            return;
        }

        int period = 2 * _settings.Core.ElectionTicks;
        if (++_leaderlessTicks % period != 0)
            return;
        var request = new GroupRequest { From = _settings.Self.ToWire(), ClusterId = _settings.ClusterId };
        foreach (uint node in _settings.Nodes)
            if (node != _settings.Self.Node)
                _settings.Peers.Send(node, request);
    }

    private void OnGroupRequest(GroupRequest request)
    {
        if (request.ClusterId != _settings.ClusterId || request.From is null)
            return;
        _settings.Peers.Send(request.From.Node, new GroupReply
        {
            From = _settings.Self.ToWire(),
            Term = _node.Term,
            HasLeader = _node.Leader != ReplicaId.None,
            Commit = _node.Commit,
            Configuration = _node.Log.MembershipAt(_node.Commit).ToWire(),
        });
    }

    // Advice only: this replica votes and follows as before if anybody asks it to.
    private void OnGroupReply(GroupReply reply)
    {
        var members = Membership.From(reply.Configuration);
        if (_node.Leader != ReplicaId.None || !reply.HasLeader || reply.Commit < _node.Commit || !members.Contains(ReplicaId.From(reply.From)))
            return;
        bool dismissed = !members.Contains(_settings.Self);
        if (dismissed == _dismissed)
            return;
        _dismissed = dismissed;
        _log.Info("The group is {0}: replica {1} is {2} part of it", members, _settings.Self, dismissed ? "no" : "a");
        Publish();
    }
}
