using System.Collections.Concurrent;
using System.Text;

namespace Predastore.Testing.Linearizability;

/// <summary>
/// Collects what clients did to the objects of a cluster and judges it: every key by itself must be linearizable, and every listing
/// must show what was there throughout. Times come from one clock that all clients share. Thread-safe.
/// <code>
/// long start = clock();
/// ... PUT ...
/// history.Add("bucket/key", start, clock(), new KeyOperation(KeyAction.Write, KeyOutcome.Done, etag));
/// string? wrong = history.Judge();
/// </code>
/// A write without a definite answer is added with <see cref="KeyOutcome.Unknown"/>, a read without one is left out.
/// </summary>
public sealed class ObjectHistory
{
    private readonly ConcurrentDictionary<string, ConcurrentQueue<Timed<KeyOperation>>> _keys = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Timed<Listing>> _listings = new();

    /// <summary>Operations added.</summary>
    public int Count => _keys.Values.Sum(key => key.Count) + _listings.Count;

    /// <summary>Histories that were too long to decide at the last <see cref="Judge"/>.</summary>
    public int Undecided { get; private set; }

    /// <summary>Adds an operation on a key, named with its bucket.</summary>
    public void Add(string key, long start, long end, KeyOperation operation)
        => _keys.GetOrAdd(key, _ => new ConcurrentQueue<Timed<KeyOperation>>())
            .Enqueue(new Timed<KeyOperation>(start, operation.Outcome == KeyOutcome.Unknown ? Timed<KeyOperation>.Open : end, operation));

    /// <summary>Adds a whole listing of the keys under a prefix.</summary>
    /// <param name="prefix">Bucket and prefix, as keys are named here.</param>
    /// <param name="start">Before its first page was asked for.</param>
    /// <param name="end">When its last page was there.</param>
    /// <param name="seen">Keys, named as here.</param>
    public void AddListing(string prefix, long start, long end, IReadOnlyCollection<string> seen)
        => _listings.Enqueue(new Timed<Listing>(start, end, new Listing(prefix, [.. seen])));

    /// <summary>What cannot be explained, with the history it stands in; null if all can.</summary>
    public string? Judge()
    {
        Undecided = 0;
        foreach ((string key, ConcurrentQueue<Timed<KeyOperation>> operations) in _keys.OrderBy(k => k.Key, StringComparer.Ordinal))
        {
            Timed<KeyOperation>[] history = [.. operations];
            switch (LinearizabilityChecker.Check(history, KeyModel.Absent, KeyModel.Step))
            {
                case Verdict.NotLinearizable:
                    return $"{key} is not linearizable:\n{Describe(history)}";
                case Verdict.Undecided:
                    Undecided++;
                    break;
            }
        }

        foreach (Timed<Listing> listing in _listings)
            if (JudgeListing(listing) is { } wrong)
                return wrong;
        return null;
    }

    // The interval rule: a key written before the listing began and not deleted since must be in it, and nothing may be in it that
    // was never there during it.
    private string? JudgeListing(Timed<Listing> listing)
    {
        foreach ((string key, ConcurrentQueue<Timed<KeyOperation>> operations) in _keys)
        {
            if (!key.StartsWith(listing.What.Prefix, StringComparison.Ordinal))
                continue;
            Timed<KeyOperation>[] history = [.. operations];
            bool seen = listing.What.Seen.Contains(key);
            if (!seen && MustBeThere(history, listing.Start, listing.End))
                return $"the listing of {listing.What.Prefix} in [{listing.Start}, {listing.End}] lacks {key}:\n{Describe(history)}";
            if (seen && CannotBeThere(history, listing.Start, listing.End))
                return $"the listing of {listing.What.Prefix} in [{listing.Start}, {listing.End}] shows {key}:\n{Describe(history)}";
        }

        return null;
    }

    private static bool MustBeThere(Timed<KeyOperation>[] history, long start, long end)
    {
        Timed<KeyOperation>[] before = [.. history.Where(o => IsDone(o, KeyAction.Write) && o.End < start)];
        if (before.Length == 0)
            return false;

        // A delete that ended before some acknowledged write began is over; any other one may have come after all writes.
        long lastWrite = before.Max(o => o.Start);
        return !history.Any(o => o.What is { Action: KeyAction.Delete, Outcome: not KeyOutcome.Refused } && o.Start <= end && o.End >= lastWrite);
    }

    private static bool CannotBeThere(Timed<KeyOperation>[] history, long start, long end)
    {
        Timed<KeyOperation>[] writes = [.. history.Where(o => o.What is { Action: KeyAction.Write, Outcome: not KeyOutcome.Refused } && o.Start <= end)];
        if (writes.Length == 0)
            return true;
        return history.Any(gone => IsDone(gone, KeyAction.Delete) && gone.End < start && gone.What.IfMatch is null
            && writes.All(write => write.End < gone.Start));
    }

    private static bool IsDone(Timed<KeyOperation> operation, KeyAction action)
        => operation.What.Action == action && operation.What.Outcome == KeyOutcome.Done;

    private static string Describe(IEnumerable<Timed<KeyOperation>> history)
    {
        var text = new StringBuilder();
        foreach (Timed<KeyOperation> operation in history.OrderBy(o => o.Start))
            text.AppendLine($"    [{operation.Start}, {(operation.End == Timed<KeyOperation>.Open ? "open" : operation.End)}] {operation.What}");
        return text.ToString();
    }

    private sealed record Listing(string Prefix, HashSet<string> Seen);
}
