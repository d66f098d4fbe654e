using System.Collections.Immutable;

namespace Predastore.Actors.Raft.Core;

/// <summary>Who votes and who only learns. Immutable. A change differs from the set before it by one replica.</summary>
public sealed class Membership
{
    /// <summary>Nobody: a replica without a configuration never votes and never campaigns.</summary>
    public static readonly Membership Empty = new([], []);

    /// <summary>A set.</summary>
    public Membership(IEnumerable<ReplicaId> voters, IEnumerable<ReplicaId> learners)
    {
        Voters = [.. voters.Order()];
        Learners = [.. learners.Order()];
    }

    /// <summary>Replicas that vote, in order.</summary>
    public ImmutableArray<ReplicaId> Voters { get; }

    /// <summary>Replicas that only receive the log, in order.</summary>
    public ImmutableArray<ReplicaId> Learners { get; }

    /// <summary>Everybody.</summary>
    public IEnumerable<ReplicaId> All => Voters.Concat(Learners);

    /// <summary>Votes that decide.</summary>
    public int Quorum => (Voters.Length / 2) + 1;

    /// <summary>Voters that may be lost while the rest still decides.</summary>
    public int LossesMax => Voters.Length - Quorum;

    /// <summary>True if it votes.</summary>
    public bool IsVoter(ReplicaId id) => Voters.Contains(id);

    /// <summary>True if it votes or learns.</summary>
    public bool Contains(ReplicaId id) => IsVoter(id) || Learners.Contains(id);

    /// <summary>From its wire form.</summary>
    public static Membership From(Configuration? configuration) => configuration is null ? Empty : new Membership(
        configuration.Members.Where(m => !m.Learner).Select(m => ReplicaId.From(m.Replica)),
        configuration.Members.Where(m => m.Learner).Select(m => ReplicaId.From(m.Replica)));

    /// <summary>Its wire form.</summary>
    public Configuration ToWire()
    {
        var wire = new Configuration();
        wire.Members.AddRange(Voters.Select(id => new Member { Replica = id.ToWire() }));
        wire.Members.AddRange(Learners.Select(id => new Member { Replica = id.ToWire(), Learner = true }));
        return wire;
    }

    /// <summary>True if the other set is reached by one step: a learner added or removed, promoted, a voter added or removed.</summary>
    public bool IsOneStepTo(Membership other)
    {
        int voters = Voters.Except(other.Voters).Count() + other.Voters.Except(Voters).Count();
        int everybody = All.Except(other.All).Count() + other.All.Except(All).Count();
        return voters <= 1 && everybody <= 1 && voters + everybody > 0 && other.Voters.Length > 0;
    }

    /// <summary>Voters, then learners.</summary>
    public override string ToString() => $"voters {string.Join(' ', Voters)}; learners {string.Join(' ', Learners)}";
}
