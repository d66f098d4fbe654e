using Predastore.Actors.Raft.Core;
using Predastore.Testing.Disk;

namespace Predastore.Simulation.Tests.Store;

/// <summary>Virtual milliseconds and what is to happen at them, in order of time and then of asking. One thread.</summary>
internal sealed class VirtualClock
{
    private readonly PriorityQueue<Action, (long Time, long Order)> _queue = new();
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private long _order;

    /// <summary>The time.</summary>
    public long Now { get; private set; }

    /// <summary>Steps done.</summary>
    public long Steps { get; private set; }

    /// <summary>Called after every step.</summary>
    public Action AfterStep { get; set; } = static () => { };

    /// <summary>Does something later; 0 is after everything that stands at this instant.</summary>
    public void After(long milliseconds, Action action)
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            LeftThread = true;
            throw new InvalidOperationException("the simulation left its thread");
        }

        _queue.Enqueue(action, (Now + Math.Max(0, milliseconds), _order++));
    }

    /// <summary>Something was asked for from another thread: the run cannot be repeated.</summary>
    public bool LeftThread { get; private set; }

    /// <summary>Completes later.</summary>
    public Task DelayAsync(long milliseconds)
    {
        var done = new TaskCompletionSource();
        After(milliseconds, done.SetResult);
        return done.Task;
    }

    /// <summary>Runs everything up to a time, or until the condition holds.</summary>
    public void RunUntil(long end, Func<bool>? condition = null)
    {
        while (_queue.TryPeek(out _, out (long Time, long Order) next) && next.Time <= end)
        {
            if (condition?.Invoke() == true)
                return;
            Action action = _queue.Dequeue();
            Now = next.Time;
            Steps++;
            try
            {
                action();
            }
            catch (SimulatedCrashException)
            {
                // The power of a machine went off in this step: AfterStep sees to it.
            }

            AfterStep();
        }

        Now = Math.Max(Now, end);
    }
}

/// <summary>A stream of random numbers of its own, so that more of one kind of event does not change the others.</summary>
internal sealed class SimRandom(ulong seed)
{
    private SplitMix _mix = new(seed);

    public ulong Next() => _mix.Next();

    public int Next(int bound) => _mix.Next(bound);

    public bool Chance(int perMille) => Next(1000) < perMille;

    public T Pick<T>(IReadOnlyList<T> from) => from[Next(from.Count)];

    /// <summary>Mostly small, sometimes large: geometric with a mean.</summary>
    public int Exponential(int mean)
    {
        int value = 1;
        while (value < mean * 10 && Next(mean + 1) != 0)
            value++;
        return value;
    }
}
