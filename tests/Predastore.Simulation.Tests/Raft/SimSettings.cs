using Predastore.Actors.Raft.Core;

namespace Predastore.Simulation.Tests.Raft;

/// <summary>What one seed draws before it starts. Times are virtual milliseconds, chances are in thousandths.</summary>
internal sealed record SimSettings
{
    public required ulong Seed { get; init; }

    public RaftFault Fault { get; init; }

    public int Voters { get; init; }

    public int LossPerMille { get; init; }

    public int DuplicatePerMille { get; init; }

    /// <summary>Chance that a message is sent again much later, when its term is long over.</summary>
    public int ReplayPerMille { get; init; }

    public int DelayMs { get; init; }

    public int DiskMs { get; init; }

    /// <summary>Mean time between crashes, partitions and the like.</summary>
    public int TroubleMs { get; init; }

    public int ProposalMs { get; init; }

    public int CompactEntries { get; init; }

    public int CompactTail { get; init; }

    public bool Membership { get; init; }

    /// <summary>Chance that a trouble is a change of the configuration, besides those whose turn it is.</summary>
    public int MembershipPerMille { get; init; }

    /// <summary>Changes asked for at once.</summary>
    public int MembershipBurst { get; init; } = 1;

    /// <summary>A change is asked of every new leader at once, and the network may split just then.</summary>
    public bool MembershipOnElection { get; init; }

    public int MessageBytesMax { get; init; }

    public int InflightMax { get; init; }

    /// <summary>Every seed is another mix: quiet groups of one, and groups of seven on a bad network.</summary>
    public static SimSettings Draw(ulong seed, RaftFault fault = RaftFault.None)
    {
        var random = new SplitMix(seed * 2 + 1);
        bool badNetwork = random.Next(3) != 0;
        var drawn = new SimSettings
        {
            Seed = seed,
            Fault = fault,
            Voters = new[] { 1, 2, 3, 3, 3, 4, 5, 5, 7 }[random.Next(9)],
            LossPerMille = badNetwork ? random.Next(300) : 0,
            DuplicatePerMille = badNetwork ? random.Next(500) : 0,
            ReplayPerMille = random.Next(2) == 0 ? random.Next(20) : 0,
            DelayMs = 1 + random.Next(random.Next(3) == 0 ? 400 : 30),
            DiskMs = 1 + random.Next(random.Next(4) == 0 ? 300 : 20),
            TroubleMs = 300 + random.Next(4000),
            ProposalMs = 20 + random.Next(250),
            CompactEntries = random.Next(3) == 0 ? 3 : 20 + random.Next(200),
            CompactTail = random.Next(10),
            Membership = random.Next(2) == 0,
            MessageBytesMax = random.Next(2) == 0 ? 40 : 1 << 20,
            InflightMax = 1 + random.Next(8),
            MembershipPerMille = random.Next(4) == 0 ? random.Next(500) : 0,
            MembershipBurst = 1 + random.Next(4),
            MembershipOnElection = random.Next(4) == 0,
        };
        return Lean(drawn, random);
    }

    // A bug in the change of configurations shows where changes meet new leaders, in groups that can split into two halves.
    private static SimSettings Lean(SimSettings drawn, SplitMix random) => drawn.Fault switch
    {
        RaftFault.OverlappingMembership => Changing(drawn, random) with { MembershipPerMille = 400, TroubleMs = 100 + random.Next(500) },
        RaftFault.MembershipBeforeOwnTerm => Changing(drawn, random) with { MembershipPerMille = 100, MembershipOnElection = true, TroubleMs = 300 + random.Next(1500) },
        _ => drawn,
    };

    private static SimSettings Changing(SimSettings drawn, SplitMix random) => drawn with
    {
        Voters = 4,
        Membership = true,
        LossPerMille = drawn.LossPerMille / 4,
        DelayMs = 1 + random.Next(100),
    };

    public override string ToString() =>
        $"seed {Seed}: {Voters} voters, loss {LossPerMille}, dup {DuplicatePerMille}, replay {ReplayPerMille}, delay {DelayMs}, " +
        $"disk {DiskMs}, trouble {TroubleMs}, compact {CompactEntries}+{CompactTail}, membership {Membership} {MembershipPerMille}*{MembershipBurst} {MembershipOnElection}, fault {Fault}";
}
