namespace Predastore.Benchmarks.Load;

/// <summary>Command line of the load generator: <c>load --folder DIR [--endpoint URL]... [--ca FILE] [--pid N]... [--seconds S]</c>.</summary>
internal sealed record LoadOptions(
    IReadOnlyList<Uri> Endpoints, string? CaFile, IReadOnlyList<int> ServerPids, string Folder, TimeSpan Duration)
{
    private const double DefaultSeconds = 5;

    /// <exception cref="ArgumentException">The message says which flag is wrong.</exception>
    public static LoadOptions Parse(IReadOnlyList<string> args)
    {
        var endpoints = new List<Uri>();
        var pids = new List<int>();
        string? ca = null, folder = null;
        double seconds = DefaultSeconds;
        for (int i = 0; i < args.Count; i += 2)
        {
            string value = i + 1 < args.Count ? args[i + 1] : throw new ArgumentException($"{args[i]} needs a value");
            switch (args[i])
            {
                case "--endpoint": endpoints.Add(new Uri(value)); break;
                case "--pid": pids.Add(int.Parse(value, System.Globalization.CultureInfo.InvariantCulture)); break;
                case "--ca": ca = value; break;
                case "--folder": folder = value; break;
                case "--seconds": seconds = double.Parse(value, System.Globalization.CultureInfo.InvariantCulture); break;
                default: throw new ArgumentException($"{args[i]} is not known");
            }
        }
        return new LoadOptions(endpoints, ca, pids, folder ?? throw new ArgumentException("--folder is missing"), TimeSpan.FromSeconds(seconds));
    }
}
