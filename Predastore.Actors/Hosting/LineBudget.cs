namespace Predastore.Actors.Hosting;

/// <summary>How many lines a source may still write in this minute, so that an endless failure is told and does not flood. Not thread-safe.</summary>
internal sealed class LineBudget(TimeProvider time)
{
    /// <summary>Lines of one source in a minute.</summary>
    public const int LinesMax = 5;

    private const int SourcesMax = 256;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private readonly Dictionary<string, (long Began, int Written, int Dropped)> _sources = [];

    /// <summary>Takes one line.</summary>
    /// <param name="source">Who writes.</param>
    /// <param name="dropped">Lines that were refused since the last one that was written.</param>
    /// <returns>False if it is to be dropped.</returns>
    public bool TryTake(string source, out int dropped)
    {
        if (_sources.Count >= SourcesMax)
            _sources.Clear();
        (long began, int written, dropped) = _sources.GetValueOrDefault(source, (time.GetTimestamp(), 0, 0));
        if (time.GetElapsedTime(began) >= Window)
            (began, written) = (time.GetTimestamp(), 0);
        bool taken = written < LinesMax;
        _sources[source] = taken ? (began, written + 1, 0) : (began, written, dropped + 1);
        return taken;
    }
}
