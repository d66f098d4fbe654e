namespace Predastore.Shards.Crypto;

/// <summary>
/// Turns use by two threads at once into an exception. A shared cipher would not complain, and what it sealed would not open.
/// </summary>
internal struct SingleUser
{
    private int _busy;

    public void Enter()
    {
        if (Interlocked.Exchange(ref _busy, 1) != 0)
            throw new InvalidOperationException("A fragment cipher is used by two threads at once; each needs its own.");
    }

    public void Exit() => Volatile.Write(ref _busy, 0);
}
