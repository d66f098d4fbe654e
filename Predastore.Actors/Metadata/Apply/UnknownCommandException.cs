namespace Predastore.Actors.Metadata.Apply;

/// <summary>
/// A committed entry that this program cannot apply: it does not parse, names no command known here, or needs a higher feature
/// level. The replica must halt: to skip the entry would make its state differ from that of the others.
/// </summary>
public sealed class UnknownCommandException(ulong index, string reason)
    : Exception($"log entry {index} cannot be applied: {reason}; this replica stops, run a newer program on it")
{
    /// <summary>Log index of the entry.</summary>
    public ulong Index { get; } = index;
}
