using Google.Protobuf;
using Predastore.Actors.Raft;

namespace Predastore.Simulation.Tests.Store;

/// <summary>
/// Directed links with delay, loss, duplicates, reordering, late replays, clogs and cuts. Messages go through their bytes. A stream
/// keeps its order: what is lost on it comes later, and a cut link stops it until it breaks.
/// </summary>
internal sealed class SimNetwork(VirtualClock clock, SimRandom random, ClusterSettings settings)
{
    private readonly HashSet<(uint From, uint To)> _cut = [];
    private readonly Dictionary<(uint From, uint To), int> _clogs = [];

    public Func<uint, SimProcess?> Running { get; set; } = static _ => null;

    /// <summary>No trouble of its own: before the start is over, and after the healing.</summary>
    public bool Calm { get; set; } = true;

    /// <summary>Called with every message that arrives.</summary>
    public Action<ulong> Trace { get; set; } = static _ => { };

    public void Cut(uint from, uint to) => _cut.Add((from, to));

    public void Join()
    {
        _cut.Clear();
        _clogs.Clear();
    }

    public void Clog(uint from, uint to, int milliseconds) => _clogs[(from, to)] = milliseconds;

    public void Heal()
    {
        Calm = true;
        Join();
    }

    public bool IsCut(uint from, uint to) => _cut.Contains((from, to));

    public int Delay(uint from, uint to)
    {
        if (from == to)
            return 0;
        int mean = Calm ? Math.Min(settings.DelayMs, 5) : settings.DelayMs;
        return random.Exponential(mean) + _clogs.GetValueOrDefault((from, to));
    }

    public bool Lost(uint from, uint to) => from != to && (IsCut(from, to) || (!Calm && random.Chance(settings.LossPerMille)));

    /// <summary>Sends a message of the control plane.</summary>
    public void Send(SimProcess from, uint to, IMessage message)
    {
        if (!from.Acts)
            return;
        byte[] bytes = message.ToByteArray();
        MessageParser parser = message.Descriptor.Parser;

        // Not the length: request ids are drawn anew in every run, and long ones take a byte more.
        ulong kind = (ulong)message.Descriptor.Index;
        int copies = !Calm && to != from.Node && random.Chance(settings.DuplicatePerMille) ? 2 : 1;
        for (int i = 0; i < copies; i++)
        {
            int delay = Delay(from.Node, to);
            if (!Calm && to != from.Node && random.Chance(settings.ReplayPerMille))
                delay += random.Next(20_000);
            uint sender = from.Node;
            clock.After(delay, () =>
            {
                if (Lost(sender, to) || Running(to) is not { } process)
                    return;
                process.Do(() =>
                {
                    Trace(((ulong)sender << 40) ^ ((ulong)to << 32) ^ kind);
                    process.Receive(parser.ParseFrom(bytes));
                });
            });
        }
    }

    /// <summary>Asks and is answered, or not: at most once, as Akka.Remote does it.</summary>
    public void Ask(SimProcess from, uint to, byte[] request, Func<SimProcess, byte[], Action<byte[]>, Task> serve, Action<byte[]> answered)
    {
        if (!from.Acts)
            return;
        clock.After(Delay(from.Node, to), () =>
        {
            if (Lost(from.Node, to) || Running(to) is not { } process)
                return;
            process.Do(() => _ = serve(process, request, reply =>
            {
                if (!process.Acts)
                    return;
                clock.After(Delay(to, from.Node), () =>
                {
                    if (!Lost(to, from.Node))
                        from.Do(() => answered(reply));
                });
            }));
        });
    }
}
