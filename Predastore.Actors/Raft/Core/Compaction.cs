namespace Predastore.Actors.Raft.Core;

/// <summary>When a journal is cut, and where.</summary>
/// <param name="Entries">Entries, beside the tail, after which it is cut.</param>
/// <param name="Tail">Entries kept for followers that are a little behind.</param>
/// <param name="Bytes">
/// Bytes of applied entries after which it is cut; the tail has at most half of them, or each cut would soon be followed by the next.
/// </param>
/// <param name="BytesMax">Entry bytes after which it is cut whatever is still needed of it.</param>
public readonly record struct Compaction(int Entries, int Tail, long Bytes, long BytesMax)
{
    /// <summary>The last entry to drop; null if it is not time.</summary>
    /// <param name="log">The log.</param>
    /// <param name="applied">Last entry that the state machine holds.</param>
    /// <param name="needed">
    /// A replica that is being filled needs everything after this entry: cut earlier, the log would have to fill it again, and under load
    /// for ever.
    /// </param>
    public ulong? Due(RaftLog log, ulong applied, ulong needed = ulong.MaxValue)
    {
        ulong to = Math.Min(applied, log.Persisted);
        if (to <= log.BaseIndex)
            return null;
        if (log.Bytes <= BytesMax)
        {
            bool due = applied - log.BaseIndex > (ulong)Entries + (ulong)Tail
                || (log.Bytes > Bytes && log.Bytes - log.BytesOf(to + 1, log.LastIndex) > Bytes);
            if (!due)
                return null;
            ulong first = Math.Max(log.BaseIndex, to - Math.Min(to, (ulong)Tail));
            for (long kept = 0; to > first && (kept += log.At(to).Data.Length) <= Bytes / 2;)
                to--;

            // Not cut in part: the event would repeat all that is kept.
            if (to > needed)
                return null;
        }

        return to > log.BaseIndex ? to : null;
    }

    /// <summary>The event that begins the journal anew after an entry; the state machine holds durably what comes before.</summary>
    public static JournalEvent Event(RaftLog log, ulong to, ulong term, ReplicaId vote, string folder)
    {
        var saved = new JournalEvent
        {
            Term = term,
            VotedFor = vote.ToWire(),
            Installed = new SnapshotMeta
            {
                Index = to,
                Term = log.TermOf(to)!.Value,
                Configuration = log.MembershipAt(to).ToWire(),
                Folder = folder,
            },
        };
        if (log.Persisted > to)
        {
            saved.FirstIndex = to + 1;
            saved.Entries.AddRange(log.Slice(to + 1, log.Persisted, long.MaxValue));
        }

        return saved;
    }
}
