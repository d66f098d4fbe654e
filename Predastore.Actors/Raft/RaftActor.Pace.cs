using System.Diagnostics;
using Akka.Event;
using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <content>
/// A leader whose disk is much slower than the others' hands over: whatever it sends waits for its own writes, so it slows everybody
/// while its followers could go on without it. A disk that hangs needs no measure: heartbeats stop with it.
/// </content>
public sealed partial class RaftActor
{
    private const int WritesMin = 5;
    private const double OvertakenMin = 0.9;

    // The next leader may be as slow, and would hand back: not more often than this.
    private static readonly TimeSpan HandOverPause = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan SlowWrite = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan PaceWindow = TimeSpan.FromSeconds(4);

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
        if (slow && (_handedOverAt is not { } last || Stopwatch.GetElapsedTime(last) > HandOverPause))
        {
            _handedOverAt = Stopwatch.GetTimestamp();
            ReplicaId heir = _node.HandOver();
            _log.Warning("The journal's disk takes {0:0} ms a write and the others do not wait for it: leadership goes to {1}",
                (_writing / _writes).TotalMilliseconds, heir);
        }

        (_writes, _overtaken, _writing, _windowFrom) = (0, 0, TimeSpan.Zero, Stopwatch.GetTimestamp());
    }
}
