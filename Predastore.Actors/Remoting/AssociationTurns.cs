namespace Predastore.Actors.Remoting;

/// <summary>
/// Lets the associations with a node that has come back begin one after the other. Akka.Remote stops a dial without ending it when that node's
/// new actor system associates meanwhile; the other side then reads from the connection that nobody writes to, and the two never talk. So where
/// another actor system of the node was known before, what the new one opens waits for a dial to it, and a dial waits for that. Thread-safe.
/// </summary>
/// <param name="patience">How long one waits for another. Then it goes on, for the other may never end.</param>
internal sealed class AssociationTurns(TimeSpan patience)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<uint, Peer> _peers = [];

    /// <summary>Waits for the turn to dial a node.</summary>
    /// <returns>Null if the node's new actor system has associated meanwhile: a dial would be one too many.</returns>
    public async Task<Turn?> DialAsync(uint node, CancellationToken cancellation)
    {
        while (true)
        {
            Turn running;
            lock (_lock)
            {
                Peer peer = PeerOf(node);
                if (peer.Running is not { } other) return peer.Running = peer.Dial = new Turn(this, node, 0, isDial: true);
                running = other;
            }

            await WaitAsync(running, cancellation);
            if (!running.IsDial && running.Claimed.IsCompleted) return null;
        }
    }

    /// <summary>Waits for the turn of an association that a node has opened.</summary>
    /// <param name="node">As its certificate proves.</param>
    /// <param name="system">Which actor system of that node: a number that each draws for itself.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>Null if it need not take turns.</returns>
    public async Task<Turn?> AcceptAsync(uint node, long system, CancellationToken cancellation)
    {
        while (true)
        {
            Turn running;
            lock (_lock)
            {
                Peer peer = PeerOf(node);
                if (peer.System == 0 || peer.System == system)
                {
                    peer.System = system;
                    return null;
                }

                if (peer.Running is not { } other) return peer.Running = new Turn(this, node, system, isDial: false);
                running = other;
            }

            await WaitAsync(running, cancellation);
        }
    }

    /// <summary>Akka.Remote has taken up an association.</summary>
    public void Associated(uint node, bool isDial)
    {
        lock (_lock)
        {
            Peer peer = PeerOf(node);
            // A dial may be claimed when others have long stopped waiting for it.
            if ((isDial ? peer.Dial : peer.Running) is not { } turn || turn.IsDial != isDial) return;
            if (turn.System != 0) peer.System = turn.System;
            turn.Claim();
        }
    }

    private async Task WaitAsync(Turn running, CancellationToken cancellation)
    {
        try
        {
            await running.Ended.WaitAsync(patience, cancellation);
        }
        catch (TimeoutException)
        {
            running.Dispose();
        }
    }

    private Peer PeerOf(uint node)
    {
        if (!_peers.TryGetValue(node, out Peer? peer)) _peers[node] = peer = new Peer();
        return peer;
    }

    private void End(Turn turn)
    {
        lock (_lock)
        {
            Peer peer = PeerOf(turn.Node);
            if (peer.Running == turn) peer.Running = null;
        }
    }

    /// <summary>The time from the beginning of an association until Akka.Remote has taken it up, or it has failed.</summary>
    internal sealed class Turn(AssociationTurns owner, uint node, long system, bool isDial) : IDisposable
    {
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _claimed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public uint Node => node;

        /// <summary>The other side's actor system; 0 until a dial has met it.</summary>
        public long System { get; set; } = system;

        public bool IsDial => isDial;

        /// <summary>Completes when Akka.Remote has taken the association up.</summary>
        public Task Claimed => _claimed.Task;

        /// <summary>Completes when the next one may begin.</summary>
        public Task Ended => _ended.Task;

        public void Claim()
        {
            _claimed.TrySetResult();
            Dispose();
        }

        /// <summary>Lets the next one begin. May be called often.</summary>
        public void Dispose()
        {
            owner.End(this);
            _ended.TrySetResult();
        }
    }

    private sealed class Peer
    {
        /// <summary>The actor system of the last association; 0 before the first.</summary>
        public long System { get; set; }

        public Turn? Running { get; set; }

        /// <summary>The last dial.</summary>
        public Turn? Dial { get; set; }
    }
}
