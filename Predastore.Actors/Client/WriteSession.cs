namespace Predastore.Actors.Client;

/// <summary>
/// A writer's registration in Raft, as its own process sees it: which write ids are still undecided and which reads are still open.
/// What it reports (<see cref="Low"/>, <see cref="OldestRead"/>) lets others delete safely without a clock. Thread-safe.
/// </summary>
/// <param name="id">Session id.</param>
/// <param name="openedAt">Log index at which it was opened: the first floor of its reads.</param>
public sealed class WriteSession(uint id, ulong openedAt)
{
    /// <summary>Undecided write ids at once; more are refused, for each holds a request.</summary>
    public const int OpenWritesMax = 4096;

    private readonly Lock _lock = new();
    private readonly SortedSet<uint> _undecided = [];
    private readonly SortedDictionary<ulong, int> _reads = [];
    private uint _next = 1;
    private ulong _begun;
    private ulong _floor = openedAt;
    private volatile bool _closed;

    /// <summary>Session id.</summary>
    public uint Id { get; } = id;

    /// <summary>True once Raft rejected a command of it: nothing of it will ever be applied again.</summary>
    public bool Closed => _closed;

    /// <summary>Every counter below this one is decided.</summary>
    public uint Low
    {
        get
        {
            lock (_lock)
                return _undecided.Count > 0 ? _undecided.Min : _next;
        }
    }

    /// <summary>
    /// No open read, and no read begun from now on, looks at an index below this one.
    /// </summary>
    public ulong OldestRead
    {
        get
        {
            lock (_lock)
                return _reads.Count > 0 ? Math.Min(_reads.First().Key, _floor) : _floor;
        }
    }

    /// <summary>Reads open now.</summary>
    public int OpenReads
    {
        get
        {
            lock (_lock)
                return _reads.Values.Sum();
        }
    }

    /// <summary>Reads and writes open now, and the number begun so far.</summary>
    public (int Open, ulong Begun) Activity
    {
        get
        {
            lock (_lock)
                return (_undecided.Count + _reads.Values.Sum(), _begun);
        }
    }

    /// <summary>Takes a fresh write id: session 4 || counter 4.</summary>
    /// <exception cref="StoreException">The session is closed, full or used up; a new one is on its way.</exception>
    public ulong Allocate()
    {
        lock (_lock)
        {
            if (_closed || _next == uint.MaxValue)
                throw new StoreException(StoreFailure.Unavailable, "The write session is closed; a new one is being opened.");
            if (_undecided.Count >= OpenWritesMax)
                throw new StoreException(StoreFailure.Busy, $"More than {OpenWritesMax} writes are under way on this gate.");
            uint counter = _next++;
            _begun++;
            _undecided.Add(counter);
            return ((ulong)Id << 32) | counter;
        }
    }

    /// <summary>Marks a write id as committed, rejected, or never to be proposed.</summary>
    public void Decide(ulong writeId)
    {
        lock (_lock)
            _undecided.Remove((uint)writeId);
    }

    /// <summary>Marks the session as closed in Raft.</summary>
    public void MarkClosed() => _closed = true;

    /// <summary>Raises the floor to an index that this process knows to be applied: later linearizable reads see at least it.</summary>
    public void Advance(ulong index)
    {
        lock (_lock)
            _floor = Math.Max(_floor, index);
    }

    /// <summary>Registers a read before its query is sent. Returns the token for <see cref="EndRead"/>.</summary>
    public ulong BeginRead()
    {
        lock (_lock)
        {
            _begun++;
            _reads[_floor] = _reads.GetValueOrDefault(_floor) + 1;
            return _floor;
        }
    }

    /// <summary>Ends a read.</summary>
    public void EndRead(ulong token)
    {
        lock (_lock)
        {
            if (_reads[token] == 1)
                _reads.Remove(token);
            else
                _reads[token]--;
        }
    }
}
