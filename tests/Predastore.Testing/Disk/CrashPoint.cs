namespace Predastore.Testing.Disk;

/// <summary>The machine lost power in the middle of a call. Not an <see cref="IOException"/>: nothing may handle it.</summary>
public sealed class SimulatedCrashException(long step) : Exception($"simulated power loss at I/O step {step}")
{
}

/// <summary>
/// Counts the I/O steps of everything that shares it, and cuts the power at one of them: that step and all later ones throw
/// <see cref="SimulatedCrashException"/> until <see cref="Restore"/>.
/// </summary>
public sealed class CrashPoint
{
    private readonly Lock _sync = new();
    private long _at = long.MaxValue;

    /// <summary>Steps done since the start or the last <see cref="Restore"/>.</summary>
    public long Steps { get; private set; }

    /// <summary>True once the power is off.</summary>
    public bool Crashed { get; private set; }

    /// <summary>Cuts the power at step <paramref name="step"/>, counted from 0 at the last <see cref="Restore"/>.</summary>
    public void CrashAt(long step)
    {
        lock (_sync)
            _at = step;
    }

    /// <summary>Cuts the power now.</summary>
    public void CrashNow()
    {
        lock (_sync)
            Crashed = true;
    }

    /// <summary>Power is back; counting starts anew with no crash planned.</summary>
    public void Restore()
    {
        lock (_sync)
        {
            Steps = 0;
            Crashed = false;
            _at = long.MaxValue;
        }
    }

    /// <summary>One step; throws if the power is off or goes off here.</summary>
    public void Step()
    {
        lock (_sync)
        {
            Crashed |= Steps >= _at;
            if (Crashed)
                throw new SimulatedCrashException(Steps);
            Steps++;
        }
    }
}
