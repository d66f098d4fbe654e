namespace Predastore.Actors.Nodes;

/// <summary>
/// Whether a node that starts has seen the disks it needs: enough for a write, and all of them unless some stay away for
/// <see cref="Grace"/>, so that the first writes after a start are not needlessly narrow. Once true it stays true: a node that later loses
/// sight of disks goes on serving what can be served. Thread-safe.
/// </summary>
internal sealed class DiskSight(TimeProvider time)
{
    /// <summary>Time that the rest gets to join once there are disks enough for a write.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private long? _enoughSince;
    private volatile bool _seen;

    /// <summary>True once they were seen.</summary>
    public bool Seen => _seen;

    /// <summary>Looks at a moment.</summary>
    /// <param name="usable">Storage ids of the ring that can be used now.</param>
    /// <param name="members">Storage ids of the ring.</param>
    /// <param name="parity">M of the ring's geometry; a write takes one more.</param>
    public bool Look(int usable, int members, int parity)
    {
        lock (_gate)
        {
            if (_seen || usable <= parity)
                return _seen;
            long now = time.GetTimestamp();
            _enoughSince ??= now;
            return _seen = usable >= members || time.GetElapsedTime(_enoughSince.Value, now) >= Grace;
        }
    }
}
