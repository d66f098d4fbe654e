using System.Diagnostics;
using Akka.Event;
using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <content>
/// A leader whose disk or links are much slower than the others' hands over: whatever it sends waits for its own writes, and what it
/// commits for its links, so it slows everybody while its followers could go on without it. What hangs needs no measure: heartbeats stop with it.
/// </content>
public sealed partial class RaftActor
{
    private const int WritesMin = 5;
    private const double OvertakenMin = 0.9;

    // The next leader may be as slow, and would hand back: not more often than this.
    private static readonly TimeSpan HandOverPause = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan SlowWrite = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan PaceWindow = TimeSpan.FromSeconds(4);

    private readonly Reach _reach = new();
    private TimeSpan _pingedAt;
    private long _windowFrom = Stopwatch.GetTimestamp();
    private long? _handedOverAt;
    private TimeSpan _writing;
    private int _writes;
    private int _overtaken;

    /// <summary>Counts a write of this replica's journal, before the core is told of it.</summary>
    private void Measure(ulong lastIndex, TimeSpan took)
    {
        if (_node.Role != RaftRole.Leader || lastIndex == 0)
            return;
        _writes++;
        _writing += took;
        if (_node.IsOvertaken(lastIndex))
            _overtaken++;
        if (Stopwatch.GetElapsedTime(_windowFrom) < PaceWindow)
            return;
        bool slow = _writes >= WritesMin && _overtaken >= OvertakenMin * _writes && _writing / _writes >= SlowWrite;
        if (slow && MayHandOver())
        {
            ReplicaId heir = _node.HandOver();
            _log.Warning("The journal's disk takes {0:0} ms a write and the others do not wait for it: leadership goes to {1}",
                (_writing / _writes).TotalMilliseconds, heir);
        }

        (_writes, _overtaken, _writing, _windowFrom) = (0, 0, TimeSpan.Zero, Stopwatch.GetTimestamp());
    }

    private bool MayHandOver()
    {
        if (_handedOverAt is { } last && Stopwatch.GetElapsedTime(last) <= HandOverPause)
            return false;
        _handedOverAt = Stopwatch.GetTimestamp();
        return true;
    }

    private void PingVoters()
    {
        Membership members = _node.Log.Membership;
        if (Now - _pingedAt < Reach.Interval || !members.IsVoter(_settings.Self))
            return;
        _pingedAt = Now;
        var ping = new ReachPing { From = _settings.Self.ToWire(), Sent = (ulong)_pingedAt.Ticks };
        foreach (ReplicaId voter in members.Voters.Where(voter => voter != _settings.Self))
            _settings.Peers.Send(voter.Node, ping);
    }

    private void OnPing(ReachPing ping)
    {
        if (ping.From is null)
            return;
        TimeSpan? reach = _reach.Own(_settings.Self, _node.Log.Membership, Now);
        _settings.Peers.Send(ping.From.Node, new ReachPong
        {
            From = _settings.Self.ToWire(),
            Sent = ping.Sent,
            ReachUs = (uint)Math.Clamp(reach?.TotalMicroseconds ?? 0, reach is null ? 0 : 1, uint.MaxValue),
        });
    }

    private void OnPong(ReachPong pong)
    {
        var from = ReplicaId.From(pong.From);
        Membership members = _node.Log.Membership;
        TimeSpan now = Now, roundTrip = now - new TimeSpan((long)pong.Sent);
        if (!members.IsVoter(from) || roundTrip < TimeSpan.Zero || roundTrip >= Reach.Window)
            return;
        _reach.Take(from, roundTrip, pong.ReachUs == 0 ? null : TimeSpan.FromMicroseconds(pong.ReachUs), now);
        if (_node.Role != RaftRole.Leader
            || _reach.Better(_settings.Self, members, now) is not { Heir.Node: > 0 } better || !MayHandOver() || !_node.Transfer(better.Heir))
            return;
        _log.Warning("A majority is {0:0} ms away from this leader and {1:0.0} ms from replica {2}: leadership goes to it",
            better.Own.TotalMilliseconds, better.Theirs.TotalMilliseconds, better.Heir);
    }

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);
}
