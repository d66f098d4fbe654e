using System.Globalization;
using System.Text;
using Google.Protobuf;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Predastore.Shards;
using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Simulation.Tests.Raft;
using Predastore.Testing.Disk;

namespace Predastore.Simulation.Tests.Store;

/// <summary>
/// A whole cluster on a virtual clock, on one thread: gates, sessions, metadata group, stores and maintenance are the production
/// code, disks and network are models that fail. First a calm start, then trouble of the kinds that the seed drew while clients work,
/// with the oracles after each step; then everything is healed, and the cluster has to converge.
/// </summary>
internal sealed partial class ClusterSimulation : IDisposable
{
    private const int StartMsMax = 20_000;
    private const int ConvergeMs = 30_000;

    /// <summary>Disk of the healed cluster: a slower one would only measure how long a backlog takes.</summary>
    private const int HealedDiskMs = 3;

    private readonly SimRandom _diskRandom;
    private readonly SimRandom _workRandom;
    private readonly SimRandom _troubleRandom;
    private readonly List<string> _log = [];
    private int _lives;
    private bool _healed;
    private ulong _trace = SimMachine.Empty.Hash;
    private Exception? _violation;

    public ClusterSimulation(ClusterSettings settings)
    {
        Settings = settings;
        SimRandom root = new(settings.Seed);
        (_diskRandom, _workRandom, _troubleRandom, ClockRandom) = (new(root.Next()), new(root.Next()), new(root.Next()), new(root.Next()));
        AnswerOptions.SetInline(true);
        Planted.Set(Enum.TryParse(settings.Bug, out PlantedBug bug) ? bug : PlantedBug.None);
        Masters = new MasterKeys(new MasterKey(Enumerable.Range(1, 32).Select(i => (byte)i).ToArray()));
        Network = new SimNetwork(Clock, new SimRandom(root.Next()), settings) { Running = node => _byNode[node].Process, Trace = Mix };
        Raft = new RaftSettings { MessageBytesMax = settings.MessageBytesMax, InflightMax = settings.InflightMax, Fault = RaftBug };
        Oracles = new RaftOracles(id => _replicas.GetValueOrDefault(id), () => Clock.Now);
        uint storage = 1;
        for (uint node = 1; node <= settings.Nodes; node++)
        {
            var ids = new List<uint>();
            for (int i = 0; i < settings.DisksPerNode; i++)
                ids.Add(storage++);
            var host = new SimHost(node, node <= settings.Replicas, ids)
            {
                DiskMs = settings.DiskMs,
                ClockPerMille = 900 + ClockRandom.Next(201),
                ClockOffsetMs = ClockRandom.Next(10_000),
            };
            Hosts.Add(host);
            _byNode[node] = host;
        }

        Founding = new Membership(Hosts.Where(h => h.HasReplica).Select(h => new ReplicaId(h.Node, 1)), []);
        Clock.AfterStep = AfterStep;
    }

    private readonly Dictionary<uint, SimHost> _byNode = [];
    private readonly SortedDictionary<ReplicaId, SimReplica> _replicas = [];

    public ClusterSettings Settings { get; }

    public VirtualClock Clock { get; } = new();

    public SimNetwork Network { get; }

    public List<SimHost> Hosts { get; } = [];

    public RaftSettings Raft { get; }

    public RaftOracles Oracles { get; }

    public SimRandom ClockRandom { get; }

    public MasterKeys Masters { get; }

    public Membership Founding { get; }

    public ByteString ClusterId { get; } = ByteString.CopyFrom(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff").ToByteArray(bigEndian: true));

    /// <summary>Grows with everything that happened: equal for equal seeds.</summary>
    public ulong Trace => _trace;

    private RaftFault RaftBug => Enum.TryParse(Settings.Bug, out RaftFault fault) ? fault : RaftFault.None;

    /// <exception cref="InvariantException">With the seed in its message.</exception>
    public void Run()
    {
        try
        {
            foreach (SimHost host in Hosts)
                Start(host);
            Bootstrap();
            RunUntil(Clock.Now + StartMsMax, () => _ready);
            InvariantException.Check(_ready, "the cluster did not start");
            Network.Calm = false;
            StartWork();
            StartMaintenance();
            Clock.After(Settings.TroubleMs, Disturb);
            RunUntil(Clock.Now + Settings.TroubledMs);
            Heal();
            RunUntil(Clock.Now + ConvergeMs);
            CheckConverged();
        }
        catch (Exception e)
        {
            throw new InvariantException($"{e.Message} at {Clock.Now} ms; {Settings}\n{Describe()}\n{(e is InvariantException ? "" : e.ToString())}");
        }
    }

    public void Dispose()
    {
        AnswerOptions.SetInline(false);
        Planted.Set(PlantedBug.None);
        Masters.Dispose();
    }

    /// <summary>Limits of a store: small, so that segments fill, grow in steps and are compacted.</summary>
    public SegmentStoreOptions OptionsOf(SimHost host, uint storageId)
        => new(SimHost.StoragePath(storageId), new Guid(ClusterId.Span, bigEndian: true), storageId, host.Uuids[storageId])
        {
            SegmentBytesMax = Settings.SegmentBytes,
            ExtentBytesMax = 32 << 10,
            FirstStepBytes = 8 << 10,
            StepBytesMax = 16 << 10,
            PreallocateBytes = 8 << 10,
            PunchBytesMin = 1 << 10,
        };

    public int DiskDelay(SimHost host) => _diskRandom.Exponential(_healed ? Math.Min(host.DiskMs, HealedDiskMs) : host.DiskMs);

    /// <summary>Something is broken: the run ends after this step, wherever it was found.</summary>
    public void Fail(Exception violation) => _violation ??= violation;

    public void Note(string what) => _log.Add($"{Clock.Now} {what}");

    private void Mix(ulong value) => _trace = SimMachine.Mix(SimMachine.Mix(_trace, (ulong)Clock.Now), value);

    private void RunUntil(long end, Func<bool>? condition = null) => Clock.RunUntil(end, condition);

    private void Start(SimHost host)
    {
        if (host.Process is not null)
            return;
        try
        {
            var process = new SimProcess(host, this, ++_lives);
            if (process.Replica is { } replica)
                _replicas[replica.Id] = replica;
            Note($"node {host.Node} is up");
        }
        catch (SimulatedCrashException)
        {
            // Out again in the middle of its start: AfterStep sees the power.
        }
        catch (IOException error)
        {
            Note($"node {host.Node} did not start: {error.Message}");
            Kill(host, reset: true, losePower: true);
            Clock.After(500, () => Start(host));
        }
    }

    private void Kill(SimHost host, bool reset, bool losePower)
    {
        host.Process?.Die(reset);
        host.Process = null;
        if (losePower)
            host.LosePower(new Random((int)(_diskRandom.Next() >> 33)));
    }

    /// <summary>A process that can do no more is started anew, as its service manager does.</summary>
    public void RestartSoon(SimProcess process)
    {
        if (!process.Alive)
            return;
        Note($"node {process.Node} starts anew");
        SimHost host = process.Host;
        Kill(host, reset: true, losePower: true);
        Clock.After(1 + _diskRandom.Next(2_000), () => Start(host));
    }

    private void AfterStep()
    {
        InvariantException.Check(!Clock.LeftThread, "the simulation left its thread");
        if (_violation is not null)
            throw _violation is InvariantException ? _violation : new InvariantException(_violation.ToString());
        foreach (SimHost host in Hosts)
        {
            if (!host.Power.Crashed)
                continue;
            Note($"node {host.Node} lost power in an I/O");
            Kill(host, reset: _diskRandom.Chance(500), losePower: true);
            Clock.After(1 + _diskRandom.Next(_healed ? 500 : 5_000), () => Start(host));
        }
    }

    private void Heal()
    {
        _healed = true;
        _working = false;
        Network.Heal();
        foreach (SimHost host in Hosts)
        {
            Mend(host);
            if (host.Process is not { } process)
                Start(host);
            else if (process.Frozen)
                Clock.After(0, process.Thaw); // By the clock: it may lose its power in an I/O that it has put off.
        }

        Note("healed");
        Clock.After(500, Scrub);
    }

    private static void Mend(SimHost host)
    {
        foreach (MemoryDisk disk in host.Disks.Values.Append(host.ReplicaDisk))
        {
            disk.Fault = null;
            disk.CapacityBytes = 1L << 40;
        }

        host.Databases.Fault = null;
    }

    /// <summary>Carries a snapshot over the data plane: all of it, or it did not arrive.</summary>
    public void SendSnapshot(SimProcess from, ReplicaId to, RaftMessage message, IReadOnlyList<byte[]> chunks, Action<bool> ended)
    {
        byte[] head = message.ToByteArray();
        bool damaged = !_healed && Settings.Troubles.Contains(Trouble.Flip) && _troubleRandom.Chance(200);
        Clock.After(Network.Delay(from.Node, to.Node) * 3, () =>
        {
            bool delivered = false;
            if (!Network.Lost(from.Node, to.Node) && _byNode[to.Node].Process is { Frozen: false, Acts: true, Replica: { } replica } target)
            {
                IReadOnlyList<byte[]> arrived = damaged ? Damage(chunks) : chunks;
                try
                {
                    target.Do(() => delivered = replica.TakeSnapshot(RaftMessage.Parser.ParseFrom(head), arrived));
                }
                catch (SimulatedCrashException)
                {
                    // The power went off on the other side: the sender still hears that its stream broke.
                }

                InvariantException.Check(!damaged || !delivered, "a damaged snapshot was taken");
            }

            bool told = delivered && !Network.Lost(to.Node, from.Node);
            Clock.After(Network.Delay(to.Node, from.Node), () => from.Do(() => ended(told)));
        });
    }

    private List<byte[]> Damage(IReadOnlyList<byte[]> chunks)
    {
        List<byte[]> damaged = [.. chunks.Select(chunk => (byte[])chunk.Clone())];
        byte[] chosen = damaged[_troubleRandom.Next(damaged.Count)];
        chosen[_troubleRandom.Next(chosen.Length)] ^= (byte)(1 << _troubleRandom.Next(8));
        return damaged;
    }

    private string Describe()
    {
        var text = new StringBuilder();
        foreach (string line in Oracles.History.TakeLast(6).Concat(_log.TakeLast(25)))
            text.Append("  ").AppendLine(line);
        foreach (SimHost host in Hosts)
            text.Append(CultureInfo.InvariantCulture, $"  node {host.Node}: ").AppendLine(
                host.Process is { } process ? (process.Frozen ? "frozen, " : "") + (process.Replica?.Describe() ?? "no replica") : "down");
        return text.ToString();
    }
}
