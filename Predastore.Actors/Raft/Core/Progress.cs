namespace Predastore.Actors.Raft.Core;

/// <summary>How a leader feeds a follower.</summary>
internal enum ProgressMode
{
    /// <summary>One append at a time, to find where the logs meet.</summary>
    Probe,

    /// <summary>Appends run ahead of their replies.</summary>
    Replicate,

    /// <summary>A snapshot is on its way; nothing is sent.</summary>
    Snapshot,
}

/// <summary>What a leader knows of one replica.</summary>
internal sealed class Progress
{
    private ulong _matchAtHeartbeat;

    public ulong Match { get; set; }

    public ulong Next { get; set; }

    public ProgressMode Mode { get; set; } = ProgressMode.Probe;

    /// <summary>In probe mode: an append is out and not answered.</summary>
    public bool Waiting { get; set; }

    /// <summary>Appends out in replicate mode, by their last index.</summary>
    public Queue<ulong> Inflight { get; } = new();

    /// <summary>Heard from since the last quorum check.</summary>
    public bool Active { get; set; }

    /// <summary>Newest read round it has acknowledged.</summary>
    public ulong Round { get; set; }

    public bool CanSend(int inflightMax) => Mode switch
    {
        ProgressMode.Probe => !Waiting,
        ProgressMode.Replicate => Inflight.Count < inflightMax,
        _ => false,
    };

    /// <summary>
    /// True if nothing was acknowledged between two heartbeat replies although appends are out and the follower lacks them: they were
    /// lost. (While replies come in, appends are merely on their way.)
    /// </summary>
    public bool IsStalled(ulong followerLast)
    {
        bool stalled = Mode == ProgressMode.Replicate && Inflight.Count > 0 && Match == _matchAtHeartbeat && followerLast < Next - 1;
        _matchAtHeartbeat = Match;
        return stalled;
    }

    public void BecomeProbe()
    {
        Mode = ProgressMode.Probe;
        Next = Match + 1;
        Waiting = false;
        Inflight.Clear();
    }

    public void BecomeReplicate()
    {
        Mode = ProgressMode.Replicate;
        Next = Match + 1;
        Waiting = false;
        Inflight.Clear();
    }

    public void BecomeSnapshot()
    {
        Mode = ProgressMode.Snapshot;
        Inflight.Clear();
    }

    public void Acknowledge(ulong index)
    {
        Match = Math.Max(Match, index);
        Next = Math.Max(Next, Match + 1);
        while (Inflight.TryPeek(out ulong first) && first <= index)
            Inflight.Dequeue();
    }
}
