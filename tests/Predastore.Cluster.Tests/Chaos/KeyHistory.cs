namespace Predastore.Cluster.Tests.Chaos;

/// <summary>
/// What one key may hold. Its operations were sent one after the other, so it holds what the last acknowledged one made, or what one
/// of the operations with an unknown end made: these stay possible until they are settled.
/// </summary>
public sealed class KeyHistory
{
    private readonly Dictionary<long, string> _open = [];
    private string _acked = LedgerRecord.Absent;

    /// <summary>Contents that are right.</summary>
    public IReadOnlySet<string> Possible => new HashSet<string>(_open.Values) { _acked };

    /// <summary>What was acknowledged last.</summary>
    public string Acked => _acked;

    /// <summary>True while an operation's end is unknown.</summary>
    public bool IsOpen => _open.Count > 0;

    /// <summary>Operations acknowledged so far.</summary>
    public int AckedCount { get; private set; }

    /// <summary>Operations whose end is or was unknown.</summary>
    public int UnknownCount { get; private set; }

    public void Apply(LedgerRecord record)
    {
        switch (record.Mark)
        {
            case LedgerMark.Begun:
                _open[record.Operation] = record.Content;
                break;
            case LedgerMark.Acked:
                _open.Remove(record.Operation);
                _acked = record.Content;
                AckedCount++;
                break;
            case LedgerMark.Refused:
                _open.Remove(record.Operation);
                break;
            case LedgerMark.Unknown:
                UnknownCount++;
                break;
            case LedgerMark.Settled:
                _open.Clear();
                _acked = record.Content;
                break;
            default:
                throw new FormatException($"unknown mark {record.Mark}");
        }
    }
}
