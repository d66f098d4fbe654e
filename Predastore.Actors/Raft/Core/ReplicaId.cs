namespace Predastore.Actors.Raft.Core;

/// <summary>A replica: a node number, and the incarnation of its data. A wiped folder comes back as another replica.</summary>
public readonly record struct ReplicaId(uint Node, ulong Incarnation) : IComparable<ReplicaId>
{
    /// <summary>Nobody.</summary>
    public static readonly ReplicaId None;

    /// <summary>From its wire form.</summary>
    public static ReplicaId From(Replica? replica) => replica is null ? None : new ReplicaId(replica.Node, replica.Incarnation);

    /// <summary>Its wire form.</summary>
    public Replica ToWire() => new() { Node = Node, Incarnation = Incarnation };

    /// <inheritdoc/>
    public int CompareTo(ReplicaId other)
        => Node != other.Node ? Node.CompareTo(other.Node) : Incarnation.CompareTo(other.Incarnation);

    /// <summary>n/incarnation.</summary>
    public override string ToString() => $"{Node}/{Incarnation:x}";

    /// <summary>Order.</summary>
    public static bool operator <(ReplicaId a, ReplicaId b) => a.CompareTo(b) < 0;

    /// <summary>Order.</summary>
    public static bool operator >(ReplicaId a, ReplicaId b) => a.CompareTo(b) > 0;

    /// <summary>Order.</summary>
    public static bool operator <=(ReplicaId a, ReplicaId b) => a.CompareTo(b) <= 0;

    /// <summary>Order.</summary>
    public static bool operator >=(ReplicaId a, ReplicaId b) => a.CompareTo(b) >= 0;
}
