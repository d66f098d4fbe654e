using System.Text;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>
/// The judge: an append-only file of what writers asked for and what they were told, outside the cluster. What was acknowledged is
/// synced before the writer goes on, so that the ledger never knows less than a client. Thread-safe.
/// </summary>
public sealed class Ledger : IDisposable
{
    private readonly FileStream _file;
    private readonly Lock _gate = new();

    public Ledger(string path)
    {
        Path = path;
        _file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read);
    }

    public string Path { get; }

    public void Add(LedgerRecord record)
    {
        lock (_gate)
        {
            _file.Write(Encoding.UTF8.GetBytes($"{record}\n"));
            _file.Flush(flushToDisk: record.Mark is LedgerMark.Acked or LedgerMark.Settled);
        }
    }

    /// <summary>What every key may hold according to the file: read anew, not remembered.</summary>
    public IReadOnlyDictionary<string, KeyHistory> Replay()
    {
        lock (_gate)
            _file.Flush();
        var keys = new Dictionary<string, KeyHistory>();
        using var reader = new StreamReader(new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (reader.ReadLine() is { } line)
        {
            LedgerRecord record = LedgerRecord.Parse(line);
            if (!keys.TryGetValue(record.Key, out KeyHistory? history))
                keys.Add(record.Key, history = new KeyHistory());
            history.Apply(record);
        }
        return keys;
    }

    public void Dispose() => _file.Dispose();
}
