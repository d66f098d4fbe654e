namespace Predastore.Cluster.Tests.Links;

/// <summary>How bytes travel from one node to another now. Each direction is a link of its own; all are healthy at first. Thread-safe.</summary>
public sealed class LinkTable(int nodes)
{
    private readonly Lock _gate = new();
    private readonly Link[,] _links = new Link[nodes + 1, nodes + 1];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Link this[int from, int to]
    {
        get
        {
            lock (_gate)
                return _links[from, to];
        }
    }

    /// <summary>Changes one direction.</summary>
    public void Set(int from, int to, Link link)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            _links[from, to] = link;
            (changed, _changed) = (_changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        changed.TrySetResult();
    }

    /// <summary>Changes everything that leaves a node, and what comes to it where that is wanted too.</summary>
    public void SetAll(int node, Link outgoing, Link incoming)
    {
        for (int other = 1; other <= nodes; other++)
            if (other != node)
            {
                Set(node, other, outgoing);
                Set(other, node, incoming);
            }
    }

    /// <summary>All healthy.</summary>
    public void Heal()
    {
        for (int node = 1; node <= nodes; node++)
            SetAll(node, default, default);
    }

    /// <summary>Returns when a direction is not cut.</summary>
    public async Task<Link> WhenOpenAsync(int from, int to, CancellationToken cancel)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (!_links[from, to].Cut)
                    return _links[from, to];
                changed = _changed.Task;
            }

            await changed.WaitAsync(cancel);
        }
    }
}

/// <summary>One direction between two nodes.</summary>
/// <param name="Cut">Nothing gets through: a stream holds its bytes back until it is healed, a datagram is gone.</param>
/// <param name="DelayMs">Milliseconds that everything takes longer.</param>
/// <param name="LossPercent">Datagrams that are gone; of a stream so many pieces come 200 ms late, as after a retransmission.</param>
public readonly record struct Link(bool Cut = false, int DelayMs = 0, int LossPercent = 0)
{
    private const int RetransmissionMs = 200;

    public static Link Dead => new(Cut: true);

    public bool Loses() => LossPercent > 0 && Random.Shared.Next(100) < LossPercent;

    public TimeSpan StreamDelay() => TimeSpan.FromMilliseconds(DelayMs + (Loses() ? RetransmissionMs : 0));
}
