using System.Threading.Channels;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Raft.Journal;

/// <summary>
/// The journal's database behind one thread. Everything waiting is written as one batch with one sync; reads take their turn behind
/// the writes before them. After a failure the database is closed and everything queued fails; the next request opens it anew, so
/// that a write in doubt is over before anybody reads. Thread-safe.
/// </summary>
internal sealed class JournalStore : IDisposable
{
    private const int QueueMax = 4096;
    private const int BatchBytesMax = 8 << 20;

    private readonly IOrderedKvFactory _factory;
    private readonly string _folder;
    private readonly Channel<Work> _queue = Channel.CreateBounded<Work>(
        new BoundedChannelOptions(QueueMax) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly Thread _thread;
    private readonly JournalWriter _writer = new();
    private readonly IDisk? _disk;
    private IOrderedKv? _kv;
    private JournalEnd? _end;
    private long _batches;

    /// <summary>Begins the thread; the database is opened by the first request.</summary>
    /// <param name="disk">Where <see cref="JournalEnd"/> lies; null to do without it, as where the database is not on a disk.</param>
    public JournalStore(IOrderedKvFactory factory, string folder, IDisk? disk = null)
    {
        _factory = factory;
        _folder = folder;
        _disk = disk;
        _thread = new Thread(Run) { IsBackground = true, Name = "raft-journal" };
        _thread.Start();
    }

    /// <summary>Syncs done, for tests and metrics.</summary>
    public long Syncs { get; private set; }

    /// <summary>Appends events; durable when the task ends.</summary>
    public Task WriteAsync(string persistenceId, IReadOnlyList<JournalRecord> records)
        => EnqueueAsync(new Write(persistenceId, records));

    /// <summary>Deletes events up to a sequence number, durably.</summary>
    public Task DeleteAsync(string persistenceId, long to) => EnqueueAsync(new Delete(persistenceId, to));

    /// <summary>Runs a read on the journal's thread, behind every earlier write.</summary>
    public async Task<T> ReadAsync<T>(Func<JournalReader, T> read)
    {
        T result = default!;
        await EnqueueAsync(new Read(reader => result = read(reader))).ConfigureAwait(false);
        return result;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _queue.Writer.TryComplete();
        _thread.Join();
    }

    private async Task EnqueueAsync(Work work)
    {
        try
        {
            await _queue.Writer.WriteAsync(work).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(JournalStore));
        }

        await work.Done.Task.ConfigureAwait(false);
    }

    private void Run()
    {
        List<Work> taken = [];
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            taken.Clear();
            long bytes = 0;
            while (bytes < BatchBytesMax && _queue.Reader.TryRead(out Work? work))
            {
                taken.Add(work);
                bytes += work.Bytes;
            }

            try
            {
                Serve(taken);
            }
            catch (Exception error)
            {
                Close();
                Exception told = error is KvException { Failure: KvFailure.Damaged } ? new JournalDamagedException(error.Message) : error;
                foreach (Work work in taken)
                    work.Done.TrySetException(told);
            }
        }

        Close();
    }

    private void Serve(List<Work> taken)
    {
        if (_kv is null)
            Open();
        IOrderedKv kv = _kv!;
        var batch = new KvBatch();
        List<Work> written = [];
        foreach (Work work in taken)
        {
            switch (work)
            {
                case Write write:
                    _writer.Append(kv, batch, write.PersistenceId, write.Records);
                    written.Add(write);
                    break;
                case Delete delete:
                    // What it deletes may be in the batch, and is looked up in the database.
                    Sync(batch, written);
                    _writer.Delete(kv, batch, delete.PersistenceId, delete.To);
                    written.Add(delete);
                    break;
                case Read read:
                    Sync(batch, written);
                    Answer(read);
                    break;
            }
        }

        Sync(batch, written);
    }

    private void Open()
    {
        _kv = _factory.Open(_folder, new OrderedKvOptions(WriteAheadLog: true));
        _batches = JournalRows.BatchesOf(_kv.Get(JournalRows.BatchesKey));
        if (_disk is not null)
            _end = JournalEnd.Open(_disk, _folder, _batches);
    }

    private void Answer(Read read)
    {
        try
        {
            using IKvView view = _kv!.View();
            read.Action(new JournalReader(view));
            read.Done.TrySetResult();
        }
        catch (JournalDamagedException damaged)
        {
            read.Done.TrySetException(damaged);
        }
    }

    private void Sync(KvBatch batch, List<Work> written)
    {
        if (written.Count == 0)
            return;
        batch.Put(JournalRows.BatchesKey, JournalRows.Batches(_batches + 1));
        _kv!.Write(batch, sync: true);
        _batches++;
        _end?.Advance(_batches);
        Syncs++;
        batch.Clear();
        foreach (Work work in written)
            work.Done.TrySetResult();
        written.Clear();
    }

    private void Close()
    {
        _writer.Forget();
        _end?.Dispose();
        _end = null;
        _kv?.Dispose();
        _kv = null;
    }

    private abstract record Work
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public virtual long Bytes => 0;
    }

    private sealed record Write(string PersistenceId, IReadOnlyList<JournalRecord> Records) : Work
    {
        public override long Bytes => Records.Sum(record => (long)record.Payload.Length);
    }

    private sealed record Delete(string PersistenceId, long To) : Work;

    private sealed record Read(Action<JournalReader> Action) : Work;
}

/// <summary>An event on its way into the journal, or out of it.</summary>
internal sealed record JournalRecord(long SequenceNr, int SerializerId, string Manifest, byte[] Payload);

/// <summary>Reads of one moment.</summary>
internal sealed class JournalReader(IKvView view)
{
    /// <summary>The head of a persistence id.</summary>
    public JournalHead Head(string persistenceId)
        => view.Get(JournalRows.HeadKey(persistenceId)) is { } row ? JournalHead.Decode(row) : JournalHead.Empty;

    /// <summary>
    /// All events that are left, checked: none is missing, none is out of its place, and the last one is the last that was written.
    /// </summary>
    /// <exception cref="JournalDamagedException">They are not.</exception>
    public List<JournalRecord> Events(string persistenceId)
    {
        JournalHead head = Head(persistenceId);
        List<JournalRecord> records = [];
        byte[] chain = head.DeletedChain;
        long expected = head.Deleted + 1;
        using IKvCursor cursor = view.Cursor();
        byte[] end = JournalRows.EventKey(persistenceId, head.Highest);
        for (cursor.Seek(JournalRows.EventKey(persistenceId, expected));
             cursor.Valid && cursor.Key.SequenceCompareTo(end) <= 0;
             cursor.Next(), expected++)
        {
            if (JournalRows.SequenceOf(cursor.Key) != expected
                || !JournalRows.TryRead(chain, cursor.Value, out int serializerId, out string manifest, out byte[] payload))
                throw new JournalDamagedException($"event {expected} of {persistenceId} is missing or changed");
            records.Add(new JournalRecord(expected, serializerId, manifest, payload));
            chain = cursor.Value[..JournalRows.ChainBytes].ToArray();
        }

        // Without events left, the last one deleted is the last one there was: else a changed head would make a journal look empty.
        if (expected != head.Highest + 1 || !chain.AsSpan().SequenceEqual(head.HighestChain))
            throw new JournalDamagedException($"the events of {persistenceId} end at {expected - 1} instead of {head.Highest}");
        return records;
    }
}
