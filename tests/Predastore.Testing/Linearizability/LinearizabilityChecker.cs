namespace Predastore.Testing.Linearizability;

/// <summary>
/// Searches for an order of operations that a sequential object could have carried out one by one, each within its interval (Wing and
/// Gong 1993, with the memory of configurations seen of Lowe 2017). Operations of unknown outcome stay open to the end: they may be
/// put anywhere after their start, or nowhere.
/// </summary>
public static class LinearizabilityChecker
{
    /// <summary>Checks one history of one object.</summary>
    /// <param name="history">In any order.</param>
    /// <param name="initial">State before the first operation; compared by its equality.</param>
    /// <param name="step">The state after an operation, or null if it could not have answered so in this state.</param>
    /// <param name="stepsMax">Operations tried before the search is given up.</param>
    public static Verdict Check<TState, T>(
        IReadOnlyList<Timed<T>> history, TState initial, Func<TState, T, TState?> step, int stepsMax = 500_000)
        where TState : class
    {
        var search = new Search<TState, T>(history, step);
        return search.Run(initial, stepsMax);
    }

    /// <summary>The calls and returns in order of time, as a doubly linked list that operations are lifted out of.</summary>
    private sealed class Search<TState, T>
        where TState : class
    {
        private readonly Func<TState, T, TState?> _step;
        private readonly Event _head = new(-1, default!);
        private readonly int _count;
        private int _closedLeft;

        public Search(IReadOnlyList<Timed<T>> history, Func<TState, T, TState?> step)
        {
            _step = step;
            _count = history.Count;
            var events = new List<(long Time, bool Return, Event Event)>(2 * _count);
            for (int i = 0; i < _count; i++)
            {
                var call = new Event(i, history[i].What) { Open = history[i].End == Timed<T>.Open };
                call.Return = new Event(i, history[i].What);
                events.Add((history[i].Start, false, call));
                events.Add((history[i].End, true, call.Return));
                _closedLeft += call.Open ? 0 : 1;
            }

            // A return at the instant of a call comes after it: the two overlap.
            Event last = _head;
            foreach ((_, _, Event next) in events.OrderBy(e => e.Time).ThenBy(e => e.Return))
            {
                last.Next = next;
                next.Previous = last;
                last = next;
            }
        }

        public Verdict Run(TState state, int stepsMax)
        {
            var done = new Done(_count);
            var seen = new HashSet<(Done, TState)>();
            var path = new Stack<(Event Call, TState Before)>();
            Event? at = _head.Next;
            while (_closedLeft > 0)
            {
                // A return is met only when its operation could not be put before it: the last choice was wrong.
                if (at is null || at.Return is null)
                {
                    if (path.Count == 0)
                        return Verdict.NotLinearizable;
                    (Event undone, state) = path.Pop();
                    done = done.Without(undone.Id);
                    Restore(undone);
                    at = undone.Next;
                    continue;
                }

                if (--stepsMax < 0)
                    return Verdict.Undecided;
                if (_step(state, at.What) is { } next && seen.Add((done.With(at.Id), next)))
                {
                    path.Push((at, state));
                    done = done.With(at.Id);
                    state = next;
                    Lift(at);
                    at = _head.Next;
                }
                else
                {
                    at = at.Next;
                }
            }

            return Verdict.Linearizable;
        }

        private void Lift(Event call)
        {
            Unlink(call);
            Unlink(call.Return!);
            _closedLeft -= call.Open ? 0 : 1;
        }

        private void Restore(Event call)
        {
            Relink(call.Return!);
            Relink(call);
            _closedLeft += call.Open ? 0 : 1;
        }

        private static void Unlink(Event e)
        {
            e.Previous!.Next = e.Next;
            if (e.Next is not null)
                e.Next.Previous = e.Previous;
        }

        private static void Relink(Event e)
        {
            e.Previous!.Next = e;
            if (e.Next is not null)
                e.Next.Previous = e;
        }

        private sealed class Event(int id, T what)
        {
            public int Id { get; } = id;

            public T What { get; } = what;

            public bool Open { get; init; }

            /// <summary>Null on a return.</summary>
            public Event? Return { get; set; }

            public Event? Previous { get; set; }

            public Event? Next { get; set; }
        }
    }

    /// <summary>Which operations are put in order already. Immutable.</summary>
    private sealed class Done : IEquatable<Done>
    {
        private readonly ulong[] _bits;

        public Done(int count) => _bits = new ulong[(count + 63) / 64];

        private Done(ulong[] bits) => _bits = bits;

        public Done With(int id) => Flip(id);

        public Done Without(int id) => Flip(id);

        public bool Equals(Done? other) => other is not null && _bits.AsSpan().SequenceEqual(other._bits);

        public override bool Equals(object? obj) => Equals(obj as Done);

        public override int GetHashCode()
        {
            ulong hash = 14695981039346656037;
            foreach (ulong word in _bits)
                hash = (hash ^ word) * 1099511628211;
            return (int)(hash ^ (hash >> 32));
        }

        private Done Flip(int id)
        {
            ulong[] bits = [.. _bits];
            bits[id / 64] ^= 1UL << (id % 64);
            return new Done(bits);
        }
    }
}
