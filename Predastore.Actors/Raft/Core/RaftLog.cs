namespace Predastore.Actors.Raft.Core;

/// <summary>
/// The log as held in memory: everything after a snapshot position. Indexes are dense; persisted never exceeds last; what was
/// committed is never truncated.
/// </summary>
public sealed class RaftLog
{
    private readonly List<Entry> _entries = [];
    private readonly SortedDictionary<ulong, Membership> _memberships = [];

    /// <summary>A log that starts after a position.</summary>
    public RaftLog(ulong index, ulong term, Membership membership) => Reset(index, term, membership);

    /// <summary>Index of the entry just before the first one held.</summary>
    public ulong BaseIndex { get; private set; }

    /// <summary>Term of that entry.</summary>
    public ulong BaseTerm { get; private set; }

    /// <summary>Index of the last entry.</summary>
    public ulong LastIndex => BaseIndex + (ulong)_entries.Count;

    /// <summary>Term of the last entry.</summary>
    public ulong LastTerm => _entries.Count > 0 ? _entries[^1].Term : BaseTerm;

    /// <summary>Everything up to here is durable on this replica.</summary>
    public ulong Persisted { get; private set; }

    /// <summary>Bytes held, for compaction.</summary>
    public long Bytes { get; private set; }

    /// <summary>The newest configuration in the log, committed or not: the one that counts.</summary>
    public Membership Membership => _memberships.Values.Last();

    /// <summary>Index of the entry that set it.</summary>
    public ulong MembershipIndex => _memberships.Keys.Last();

    /// <summary>Configuration as of an index.</summary>
    public Membership MembershipAt(ulong index) => _memberships.Last(pair => pair.Key <= index).Value;

    /// <summary>Configurations of which one is in force where everything up to an index is known to be committed.</summary>
    public IEnumerable<Membership> MembershipsFrom(ulong index)
        => _memberships.Where(pair => pair.Key > index).Select(pair => pair.Value).Prepend(MembershipAt(index));

    /// <summary>Term of an entry, or null if it is not held.</summary>
    public ulong? TermOf(ulong index)
        => index == BaseIndex ? BaseTerm : index > BaseIndex && index <= LastIndex ? At(index).Term : null;

    /// <summary>An entry that is held.</summary>
    public Entry At(ulong index) => _entries[checked((int)(index - BaseIndex - 1))];

    /// <summary>Entries [from, to], cut to a number of bytes but never below one entry.</summary>
    public IReadOnlyList<Entry> Slice(ulong from, ulong to, long bytesMax)
    {
        List<Entry> slice = [];
        long bytes = 0;
        for (ulong index = from; index <= to; index++)
        {
            Entry entry = At(index);
            bytes += entry.Data.Length;
            if (slice.Count > 0 && bytes > bytesMax)
                break;
            slice.Add(entry);
        }

        return slice;
    }

    /// <summary>Bytes of the entries [from, to].</summary>
    public long BytesOf(ulong from, ulong to)
    {
        long bytes = 0;
        for (ulong index = from; index <= to; index++)
            bytes += At(index).Data.Length;
        return bytes;
    }

    /// <summary>Adds an entry of the leader's own.</summary>
    public void Append(Entry entry)
    {
        if (entry.Index != LastIndex + 1)
            throw new InvalidOperationException($"Entry {entry.Index} after {LastIndex}.");
        _entries.Add(entry);
        Bytes += entry.Data.Length;
        if (entry.Kind == EntryKind.EntryConfiguration)
            _memberships[entry.Index] = Membership.From(Configuration.Parser.ParseFrom(entry.Data));
    }

    /// <summary>
    /// Takes a leader's entries: keeps those already there, truncates from the first that conflicts. Entries that only repeat what
    /// is held truncate nothing, for a late message must not undo what came after it.
    /// </summary>
    /// <returns>Index of the first entry added, or 0.</returns>
    public ulong Merge(IEnumerable<Entry> entries, ulong committed) => Merge(entries, committed, truncateOnEqual: false);

    internal ulong Merge(IEnumerable<Entry> entries, ulong committed, bool truncateOnEqual)
    {
        ulong first = 0;
        foreach (Entry entry in entries)
        {
            if (entry.Index <= BaseIndex)
                continue;
            if (entry.Index <= LastIndex)
            {
                if (At(entry.Index).Term == entry.Term && !truncateOnEqual)
                    continue;
                if (entry.Index <= committed && !truncateOnEqual)
                    throw new InvalidOperationException($"Committed entry {entry.Index} would be truncated.");
                Truncate(entry.Index);
            }

            if (first == 0)
                first = entry.Index;
            Append(entry);
        }

        return first;
    }

    /// <summary>Marks entries as durable, unless others took their place meanwhile.</summary>
    public void MarkPersisted(ulong index, ulong term)
    {
        if (index > Persisted && TermOf(index) == term)
            Persisted = index;
    }

    /// <summary>Drops entries up to an index that the state machine holds durably.</summary>
    public void Compact(ulong index)
    {
        if (index <= BaseIndex)
            return;
        if (index > Persisted)
            throw new InvalidOperationException($"Compaction to {index} beyond {Persisted}.");
        Membership membership = MembershipAt(index);
        ulong term = TermOf(index)!.Value;
        int count = checked((int)(index - BaseIndex));
        for (int i = 0; i < count; i++)
            Bytes -= _entries[i].Data.Length;
        _entries.RemoveRange(0, count);
        foreach (ulong old in _memberships.Keys.Where(key => key <= index).ToArray())
            _memberships.Remove(old);
        _memberships[index] = membership;
        (BaseIndex, BaseTerm) = (index, term);
    }

    /// <summary>Starts anew after a snapshot.</summary>
    public void Reset(ulong index, ulong term, Membership membership)
    {
        _entries.Clear();
        _memberships.Clear();
        _memberships[index] = membership;
        (BaseIndex, BaseTerm, Persisted, Bytes) = (index, term, index, 0);
    }

    /// <summary>Takes entries out of the journal: an index at or before the last one truncates what was there.</summary>
    /// <exception cref="InvalidDataException">There is a gap before them.</exception>
    public void Restore(ulong first, IEnumerable<Entry> entries)
    {
        if (first <= BaseIndex || first > LastIndex + 1)
            throw new InvalidDataException($"entries from {first} in the journal after ({BaseIndex}, {LastIndex}]");
        if (first <= LastIndex)
            Truncate(first);
        foreach (Entry entry in entries)
            Append(entry);
        Persisted = LastIndex;
    }

    private void Truncate(ulong from)
    {
        int at = checked((int)(from - BaseIndex - 1));
        for (int i = at; i < _entries.Count; i++)
            Bytes -= _entries[i].Data.Length;
        _entries.RemoveRange(at, _entries.Count - at);
        foreach (ulong gone in _memberships.Keys.Where(key => key >= from).ToArray())
            _memberships.Remove(gone);
        Persisted = Math.Min(Persisted, from - 1);
    }
}
