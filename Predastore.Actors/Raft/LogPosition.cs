namespace Predastore.Actors.Raft;

/// <summary>A place in the log: the index and the term of the entry there. (0, 0) is before the first entry.</summary>
public readonly record struct LogPosition(ulong Index, ulong Term)
{
    /// <summary>term:index.</summary>
    public override string ToString() => $"{Term}:{Index}";
}
