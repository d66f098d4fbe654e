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
    private const int StalledRepliesMax = 4;

    private ulong _matchAtHeartbeat;
    private int _stalledReplies;

    public ulong Match { get; set; }

    public ulong Next { get; set; }

    public ProgressMode Mode { get; set; } = ProgressMode.Probe;

    /// <summary>In probe mode: an append is out and not answered.</summary>
    public bool Waiting { get; set; }

    /// <summary>Appends out in replicate mode, by their last index.</summary>
    public Queue<ulong> Inflight { get; } = new();

    /// <summary>Heard from since the last quorum check.</summary>
    public bool Active { get; set; }

    /// <summary>Ticks since it was last heard; it has never been heard at first.</summary>
    public int SilentTicks { get; set; } = int.MaxValue / 2;

    /// <summary>Newest read round it has acknowledged.</summary>
    public ulong Round { get; set; }

    public bool CanSend(int inflightMax) => Mode switch
    {
        ProgressMode.Probe => !Waiting,
        ProgressMode.Replicate => Inflight.Count < inflightMax,
        _ => false,
    };

    /// <summary>
    /// To be asked at every heartbeat reply. True if several came while appends are out and none was acknowledged: the appends were
    /// lost, or what acknowledged them was. A full window would stand for ever. Fewer replies only mean a slow disk.
    /// </summary>
    public bool IsStalled()
    {
        if (Mode != ProgressMode.Replicate || Inflight.Count == 0 || Match != _matchAtHeartbeat)
            _stalledReplies = 0;
        _matchAtHeartbeat = Match;
        return ++_stalledReplies > StalledRepliesMax;
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
