using Predastore.Shards.Disk;

namespace Predastore.Actors.Raft.Journal;

/// <summary>
/// Makes the batches that append and delete events: each event carries the chain of the one before it, and the head row says where
/// they end. Not thread-safe.
/// </summary>
internal sealed class JournalWriter
{
    private readonly Dictionary<string, JournalHead> _heads = [];

    /// <summary>Adds events to a batch.</summary>
    /// <exception cref="JournalDamagedException">They do not follow the last one.</exception>
    public void Append(IOrderedKv kv, KvBatch batch, string persistenceId, IReadOnlyList<JournalRecord> records)
    {
        JournalHead head = Head(kv, persistenceId);
        foreach (JournalRecord record in records)
        {
            if (record.SequenceNr != head.Highest + 1)
                throw new JournalDamagedException($"event {record.SequenceNr} of {persistenceId} after {head.Highest}");
            byte[] value = JournalRows.EventValue(head.HighestChain, record.SerializerId, record.Manifest, record.Payload);
            batch.Put(JournalRows.EventKey(persistenceId, record.SequenceNr), value);
            head = head with { Highest = record.SequenceNr, HighestChain = value[..JournalRows.ChainBytes] };
        }

        Keep(batch, persistenceId, head);
    }

    /// <summary>Adds the deletion of events up to a sequence number; every batch before it must have been written.</summary>
    /// <exception cref="JournalDamagedException">The last one of them is missing.</exception>
    public void Delete(IOrderedKv kv, KvBatch batch, string persistenceId, long to)
    {
        JournalHead head = Head(kv, persistenceId);
        to = Math.Min(to, head.Highest);
        if (to <= head.Deleted)
            return;

        // The chain of the last deleted event is what the first one left is checked against.
        byte[] last = kv.Get(JournalRows.EventKey(persistenceId, to))
            ?? throw new JournalDamagedException($"event {to} of {persistenceId} is missing");
        for (long sequenceNr = head.Deleted + 1; sequenceNr <= to; sequenceNr++)
            batch.Delete(JournalRows.EventKey(persistenceId, sequenceNr));
        Keep(batch, persistenceId, head with { Deleted = to, DeletedChain = last[..JournalRows.ChainBytes] });
    }

    /// <summary>What was folded into the heads but not written must not be believed after a failure.</summary>
    public void Forget() => _heads.Clear();

    private JournalHead Head(IOrderedKv kv, string persistenceId)
    {
        if (_heads.TryGetValue(persistenceId, out JournalHead? known))
            return known;
        byte[]? row = kv.Get(JournalRows.HeadKey(persistenceId));
        return row is null ? JournalHead.Empty : JournalHead.Decode(row);
    }

    private void Keep(KvBatch batch, string persistenceId, JournalHead head)
    {
        _heads[persistenceId] = head;
        batch.Put(JournalRows.HeadKey(persistenceId), head.Encode());
    }
}
