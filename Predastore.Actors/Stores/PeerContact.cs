using System.Collections.Concurrent;

namespace Predastore.Actors.Stores;

/// <summary>
/// What this node's own exchanges say of its peers, beside membership, which is often wrong for seconds: a node that membership has lost
/// and whose last exchange went well is still asked, for its shards may be the ones without which nothing can be read. One whose last
/// exchange failed is asked once a second, so that its return is seen. Thread-safe.
/// </summary>
internal sealed class PeerContact(TimeProvider time)
{
    /// <summary>Time between two exchanges with a node that is lost and did not answer the last one.</summary>
    public static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<uint, Peer> _peers = [];

    /// <summary>True if a node that membership has lost is worth an exchange now.</summary>
    public bool MayTry(uint node)
    {
        Peer peer = _peers.GetOrAdd(node, static _ => new Peer());
        lock (peer)
        {
            if (peer.Answered)
                return true;
            long now = time.GetTimestamp();
            if (peer.Probed is { } last && time.GetElapsedTime(last, now) < ProbeInterval)
                return false;
            peer.Probed = now;
            return true;
        }
    }

    /// <summary>Notes how an exchange ended.</summary>
    public void Note(uint node, bool answered)
    {
        Peer peer = _peers.GetOrAdd(node, static _ => new Peer());
        lock (peer)
            peer.Answered = answered;
    }

    private sealed class Peer
    {
        public bool Answered { get; set; }

        public long? Probed { get; set; }
    }
}
