namespace Predastore.Actors.Client;

/// <summary>Where the newest write session of this process stands. Thread-safe.</summary>
public sealed class SessionHolder
{
    private volatile WriteSession? _current;

    /// <summary>The session in use, or null while none is open.</summary>
    public WriteSession? Current
    {
        get => _current;
        set => _current = value;
    }

    /// <summary>The session in use.</summary>
    /// <exception cref="StoreException">None is open yet, or the last one was closed.</exception>
    public WriteSession Require()
        => _current is { Closed: false } session
            ? session
            : throw new StoreException(StoreFailure.Unavailable, "No write session is open yet; the metadata group is not reachable.");
}
