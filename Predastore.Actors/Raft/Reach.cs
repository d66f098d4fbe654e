using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <summary>
/// How soon each voter has an entry on a majority, by the round trips between all of them: its reach. Everybody's writes wait for the
/// leader's, so one behind slow links is told who would do better. Pure: knows no clock and sends nothing.
/// </summary>
/// <remarks>
/// The shortest round trip of a while counts, not the usual one: a busy replica answers late now and then, a slow link delays every message.
/// </remarks>
internal sealed class Reach
{
    /// <summary>Time between two pings of a voter.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>For how long a round trip counts: a leader goes once its links have been slow for as long.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(5);

    /// <summary>No reach below it is too slow, whatever others have.</summary>
    public static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(20);

    /// <summary>As many times must it be another one's.</summary>
    public const int Times = 5;

    // All of a replica that just starts are slow, and there are few of them.
    private const int SamplesMin = 4;

    private readonly Dictionary<ReplicaId, Peer> _peers = [];

    /// <summary>Takes an answered ping.</summary>
    /// <param name="from">Who answered.</param>
    /// <param name="roundTrip">How long it took.</param>
    /// <param name="reach">Reach of who answered, or null if it does not know.</param>
    /// <param name="now">Of a clock that only goes forward.</param>
    public void Take(ReplicaId from, TimeSpan roundTrip, TimeSpan? reach, TimeSpan now)
    {
        if (!_peers.TryGetValue(from, out Peer? peer))
            _peers[from] = peer = new Peer();
        peer.Trips.RemoveAll(trip => now - trip.At >= Window);
        peer.Trips.Add((now, roundTrip));
        peer.Reach = reach;
    }

    /// <summary>Reach of this replica, or null while it knows the round trips to too few.</summary>
    public TimeSpan? Own(ReplicaId self, Membership members, TimeSpan now)
    {
        TimeSpan[] trips = [.. members.Voters.Where(voter => voter != self).Select(voter => TripTo(voter, now)).OfType<TimeSpan>().Order()];
        int others = members.Quorum - 1;
        return others == 0 ? TimeSpan.Zero : trips.Length < others ? null : trips[others - 1];
    }

    /// <summary>Who should lead instead of this replica, with both reaches; nobody if it does well.</summary>
    public (ReplicaId Heir, TimeSpan Own, TimeSpan Theirs) Better(ReplicaId self, Membership members, TimeSpan now)
    {
        foreach (ReplicaId gone in _peers.Keys.Where(peer => !members.IsVoter(peer)).ToArray())
            _peers.Remove(gone);
        if (Own(self, members, now) is not { } own || own < Slow)
            return default;
        (ReplicaId Heir, TimeSpan Theirs)[] others =
            [.. _peers.Where(pair => TripTo(pair.Key, now) is not null && pair.Value.Reach is not null).Select(pair => (pair.Key, pair.Value.Reach!.Value))];
        if (others.Length == 0)
            return default;
        (ReplicaId heir, TimeSpan theirs) = others.MinBy(other => other.Theirs);
        return theirs * Times <= own ? (heir, own, theirs) : default;
    }

    private TimeSpan? TripTo(ReplicaId voter, TimeSpan now)
    {
        if (!_peers.TryGetValue(voter, out Peer? peer))
            return null;
        TimeSpan[] trips = [.. peer.Trips.Where(trip => now - trip.At < Window).Select(trip => trip.RoundTrip)];
        return trips.Length < SamplesMin ? null : trips.Min();
    }

    private sealed class Peer
    {
        public List<(TimeSpan At, TimeSpan RoundTrip)> Trips { get; } = [];

        public TimeSpan? Reach { get; set; }
    }
}
