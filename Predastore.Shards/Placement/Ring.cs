using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Predastore.Shards.Crypto;

namespace Predastore.Shards.Placement;

/// <summary>
/// A hash ring over storage ids: one epoch's members, immutable and safe from any thread. The order of members given does not
/// matter. Equal members give equal placements on every node and version: placements are pinned by golden tests.
/// <code>
/// a member of weight w stands at round(512 w) points, at least 1; four points from each digest j = 0, 1, ...:
///   SHA-256("predastore/ring/1" 17 || storage id 4 || j 4), read as four big-endian 64-bit numbers; all big-endian
/// an object stands at the first 8 bytes of its objectHash; walks go up from there, inclusive, and wrap around
/// two members at one point: the lower storage id comes first
/// </code>
/// </summary>
public sealed class Ring
{
    /// <summary>Points per unit of weight: shares then stray from weights by about 1 / sqrt(512), 4 %.</summary>
    public const int VnodesPerWeight = 512;

    /// <summary>Most members of a ring.</summary>
    public const int MembersMax = 4096;

    /// <summary>Most points of a ring; weights are to be scaled down before that.</summary>
    public const int VnodesMax = 1 << 22;

    /// <summary>Largest sum of all weights.</summary>
    public const int WeightSumMax = VnodesMax / VnodesPerWeight;

    private static readonly byte[] Domain = Encoding.ASCII.GetBytes("predastore/ring/1");

    private readonly ulong[] _points;
    private readonly ushort[] _owners;
    private readonly RingMember[] _members;

    /// <summary>Builds the ring: sorts all points.</summary>
    /// <exception cref="ArgumentException">A storage id twice, a weight out of range, or too many members or points.</exception>
    public Ring(IEnumerable<RingMember> members)
    {
        _members = [.. members.OrderBy(m => m.StorageId)];
        if (_members.Length > MembersMax) throw new ArgumentException($"Over {MembersMax} members.", nameof(members));
        int count = 0;
        for (int i = 0; i < _members.Length; i++)
        {
            RingMember member = _members[i];
            if (i > 0 && _members[i - 1].StorageId == member.StorageId)
                throw new ArgumentException($"Storage id {member.StorageId} is given twice.", nameof(members));
            if (member.Weight is not (>= 0.01 and <= 1000))
                throw new ArgumentException($"Storage id {member.StorageId} has weight {member.Weight}, not 0.01 to 1000.",
                    nameof(members));
            ArgumentNullException.ThrowIfNull(member.Host, nameof(members));
            ArgumentNullException.ThrowIfNull(member.Zone, nameof(members));
            count += VnodesOf(member);
            if (count > VnodesMax) throw new ArgumentException("The weights are too large; scale them down.", nameof(members));
        }
        _points = new ulong[count];
        _owners = new ushort[count];
        int at = 0;
        for (int i = 0; i < _members.Length; i++)
        {
            int vnodes = VnodesOf(_members[i]);
            FillPoints(_members[i].StorageId, _points.AsSpan(at, vnodes));
            _owners.AsSpan(at, vnodes).Fill((ushort)i);
            at += vnodes;
        }
        Nodes = _members.ToDictionary(member => member.StorageId, member => member.Node);
        Array.Sort(_points, _owners);
        // The sort is not stable: put equal points in the order of storage ids, or nodes could disagree.
        for (int start = 0, end; start < count; start = end)
        {
            for (end = start + 1; end < count && _points[end] == _points[start]; end++) { }
            if (end - start > 1) Array.Sort(_owners, start, end - start);
        }
    }

    /// <summary>The members by storage id.</summary>
    public IReadOnlyList<RingMember> Members => _members;

    /// <summary>Node of every member, by storage id.</summary>
    public IReadOnlyDictionary<uint, uint> Nodes { get; }

    /// <summary>All members in the order in which a walk from the object meets them first, each once.</summary>
    public IEnumerable<RingMember> Walk(ObjectHash objectHash)
    {
        bool[] seen = new bool[_members.Length];
        int left = _members.Length;
        int start = FirstPoint(objectHash.Prefix);
        for (int i = 0; left > 0; i++)
        {
            int owner = _owners[(start + i) % _owners.Length];
            if (seen[owner]) continue;
            seen[owner] = true;
            left--;
            yield return _members[owner];
        }
    }

    /// <summary>
    /// Chooses storage ids for a write: distinct, usable, and as far apart as can be. The shards go to as many zones as there are,
    /// then hosts, then nodes, then disks, as evenly as possible; among equals the first of the walk is taken.
    /// </summary>
    /// <param name="objectHash">Where the walk starts.</param>
    /// <param name="count">How many: K+M.</param>
    /// <param name="usable">Asked at most once for each storage id; those it denies are skipped. Null: all are usable.</param>
    /// <returns>Storage ids by shard index; fewer than <paramref name="count"/> if there are not that many usable.</returns>
    public IReadOnlyList<uint> Place(ObjectHash objectHash, int count, Func<uint, bool>? usable = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        List<RingMember> candidates = [.. Walk(objectHash).Where(m => usable is null || usable(m.StorageId))];
        List<uint> placed = new(Math.Min(count, candidates.Count));
        Dictionary<string, int> zones = new(StringComparer.Ordinal);
        Dictionary<(string Zone, string Host), int> hosts = [];
        Dictionary<(string Zone, string Host, uint Node), int> nodes = [];
        while (placed.Count < count && candidates.Count > 0)
        {
            int best = 0;
            (int Zone, int Host, int Node) bestLoad = Load(candidates[0]);
            for (int i = 1; i < candidates.Count && bestLoad != default; i++)
            {
                (int Zone, int Host, int Node) load = Load(candidates[i]);
                if (load.CompareTo(bestLoad) < 0) (best, bestLoad) = (i, load);
            }
            RingMember chosen = candidates[best];
            candidates.RemoveAt(best);
            placed.Add(chosen.StorageId);
            zones[chosen.Zone] = bestLoad.Zone + 1;
            hosts[(chosen.Zone, chosen.Host)] = bestLoad.Host + 1;
            nodes[(chosen.Zone, chosen.Host, chosen.Node)] = bestLoad.Node + 1;
        }
        return placed;

        (int Zone, int Host, int Node) Load(RingMember m) => (zones.GetValueOrDefault(m.Zone),
            hosts.GetValueOrDefault((m.Zone, m.Host)), nodes.GetValueOrDefault((m.Zone, m.Host, m.Node)));
    }

    private static int VnodesOf(RingMember member) => Math.Max(1, (int)Math.Round(member.Weight * VnodesPerWeight));

    private static void FillPoints(uint storageId, Span<ulong> points)
    {
        Span<byte> input = stackalloc byte[Domain.Length + 8];
        Span<byte> digest = stackalloc byte[32];
        Domain.CopyTo(input);
        BinaryPrimitives.WriteUInt32BigEndian(input[Domain.Length..], storageId);
        for (int i = 0; i < points.Length; i++)
        {
            if (i % 4 == 0)
            {
                BinaryPrimitives.WriteInt32BigEndian(input[(Domain.Length + 4)..], i / 4);
                SHA256.HashData(input, digest);
            }
            points[i] = BinaryPrimitives.ReadUInt64BigEndian(digest[(8 * (i % 4))..]);
        }
    }

    private int FirstPoint(ulong position)
    {
        int low = 0, high = _points.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_points[middle] < position) low = middle + 1;
            else high = middle;
        }
        return low == _points.Length ? 0 : low;
    }
}
