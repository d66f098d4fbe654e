using Predastore.Actors.Raft;

namespace Predastore.Simulation.Tests.Raft;

/// <summary>A state machine that is nothing but its position and a hash over everything applied. Immutable.</summary>
internal sealed record SimMachine(ulong Applied, ulong Term, ulong Hash)
{
    public static readonly SimMachine Empty = new(0, 0, 14695981039346656037);

    public SimMachine Apply(Entry entry)
    {
        if (entry.Index != Applied + 1)
            throw new InvariantException($"entry {entry.Index} applied after {Applied}");
        ulong hash = Mix(Mix(Hash, entry.Index), entry.Term);
        foreach (byte b in entry.Data.Span)
            hash = (hash ^ b) * 1099511628211;
        return new SimMachine(entry.Index, entry.Term, hash);
    }

    public static ulong Mix(ulong hash, ulong value) => (hash ^ value) * 1099511628211;
}
