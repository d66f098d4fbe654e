using Predastore.Actors.Topology.Wire;

namespace Predastore.Actors.Hosting;

/// <summary>
/// Which nodes an actor system that is about to start asks to let it in. Akka's own order has one node that founds a cluster when
/// nobody answers in time: while connections to a node that just died are held back, a restarted first seed would found a second
/// cluster, and without the first seed the others would wait for ever. So they are asked before, by a way of its own.
/// </summary>
internal sealed class SeedFinder(NodeSettings settings, TimeProvider time)
{
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan ListenPause = TimeSpan.FromMilliseconds(50);

    private TimeSpan Patience => settings.Timing == TimingProfile.Development ? TimeSpan.FromSeconds(2) : TimeSpan.FromSeconds(5);

    /// <summary>
    /// The members of a running cluster where there is one, without this node; else the metadata nodes that answer, this one included, where
    /// they are a majority: the lowest of them founds the cluster; else all metadata nodes, ascending.
    /// </summary>
    public async Task<IReadOnlyList<uint>> FindAsync(CancellationToken cancel)
    {
        uint[] all = [.. settings.DbNodes.Order()];
        uint[] others = [.. all.Where(node => node != settings.Node)];
        if (settings.ProbeAside is not { } ask || others.Length == 0) return all;
        long started = time.GetTimestamp();
        while (true)
        {
            Probe?[] answers = await AskAllAsync(ask, others, cancel).ConfigureAwait(false);
            if (Running(answers, others) is { Count: > 0 } running) return running;
            bool patient = time.GetElapsedTime(started) < Patience;
            if (answers.Contains(null) && patient)
            {
                await Task.Delay(Pause, time, cancel).ConfigureAwait(false);
                continue;
            }

            uint[] alive = [.. all.Where(node => node == settings.Node || answers.Any(probe => probe?.Sender.Node == node))];
            return alive.Length > all.Length / 2 ? alive : all;
        }
    }

    /// <summary>The metadata nodes of a cluster that runs without this one, as far as its members answer.</summary>
    public async Task<IReadOnlyList<uint>> RunningAsync(CancellationToken cancel)
    {
        uint[] others = [.. settings.DbNodes.Where(node => node != settings.Node)];
        return settings.ProbeAside is { } ask
            ? Running(await AskAllAsync(ask, others, cancel).ConfigureAwait(false), others)
            : [];
    }

    private static IReadOnlyList<uint> Running(IEnumerable<Probe?> answers, uint[] others) =>
        [.. answers.OfType<Probe>().Where(IsUp).SelectMany(probe => probe.Members).Select(member => member.Node)
            .Where(others.Contains).Distinct().Order()];

    /// <summary>
    /// Waits until the seeds listen, as far as they answer: nodes that start together answer by their data plane before their actor systems
    /// listen, and a dial that is refused keeps Akka from dialling the address again for <c>retry-gate-closed-for</c>, 5 s.
    /// </summary>
    public async Task WaitListeningAsync(IReadOnlyList<uint> seeds, CancellationToken cancel)
    {
        if (settings.ProbeAside is not { } ask) return;
        long started = time.GetTimestamp();
        uint[] waited = [.. seeds.Where(node => node != settings.Node)];
        while (true)
        {
            Probe?[] answers = await AskAllAsync(ask, waited, cancel).ConfigureAwait(false);
            waited = [.. answers.OfType<Probe>().Where(probe => !probe.Listens).Select(probe => probe.Sender.Node)];
            if (waited.Length == 0 || time.GetElapsedTime(started) >= Patience) return;
            await Task.Delay(ListenPause, time, cancel).ConfigureAwait(false);
        }
    }

    private static Task<Probe?[]> AskAllAsync(Func<uint, CancellationToken, Task<byte[]>> ask, IEnumerable<uint> nodes, CancellationToken cancel) =>
        Task.WhenAll(nodes.Select(node => AskAsync(ask, node, AskTimeout, cancel)));

    private static bool IsUp(Probe probe) => probe.Members.Contains(probe.Sender);

    /// <summary>What a node says of the cluster, by <see cref="NodeSettings.ProbeAside"/>; null if it is away or does not answer in time.</summary>
    public static async Task<Probe?> AskAsync(
        Func<uint, CancellationToken, Task<byte[]>> ask, uint node, TimeSpan timeout, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(timeout);
        try
        {
            Probe probe = Probe.Parser.ParseFrom(await ask(node, limit.Token).ConfigureAwait(false));
            return probe.Sender?.Node == node ? probe : null;
        }
        catch (Exception) when (!cancel.IsCancellationRequested)
        {
            // Whatever it is, the node is not there yet.
            return null;
        }
    }
}
