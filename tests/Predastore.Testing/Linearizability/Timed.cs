namespace Predastore.Testing.Linearizability;

/// <summary>An operation with the interval in which it took effect. Times are any ascending numbers of one clock.</summary>
/// <param name="Start">When it was asked.</param>
/// <param name="End">When its answer was there; <see cref="Open"/> if its outcome is unknown.</param>
/// <param name="What">The operation with its outcome.</param>
public readonly record struct Timed<T>(long Start, long End, T What)
{
    /// <summary>End of an operation that may take effect at any later time, or never.</summary>
    public const long Open = long.MaxValue;
}

/// <summary>What a check found.</summary>
public enum Verdict
{
    /// <summary>There is an order of the operations that explains every answer.</summary>
    Linearizable,

    /// <summary>There is none.</summary>
    NotLinearizable,

    /// <summary>The search was given up.</summary>
    Undecided,
}
