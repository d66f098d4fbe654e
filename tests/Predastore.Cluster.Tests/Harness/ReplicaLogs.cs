using System.Globalization;
using System.Text.RegularExpressions;

namespace Predastore.Cluster.Tests.Harness;

/// <summary>What the metadata replicas have written about their terms: without a process started to ask them, while a moment counts.</summary>
public static partial class ReplicaLogs
{
    /// <summary>The newest term that one of some nodes took part in.</summary>
    public static ulong Term(ClusterFolder files, IEnumerable<int> nodes) => Highest(files, nodes, InTerm());

    /// <summary>The newest term that one of some nodes led.</summary>
    public static ulong LedTerm(ClusterFolder files, IEnumerable<int> nodes) => Highest(files, nodes, LeadsTerm());

    private static ulong Highest(ClusterFolder files, IEnumerable<int> nodes, Regex words) =>
        nodes.SelectMany(node => words.Matches(files.LogOf(node))).Select(match => ulong.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).DefaultIfEmpty().Max();

    [GeneratedRegex(@"Replica \S+ is \w+ in term (\d+)")]
    private static partial Regex InTerm();

    [GeneratedRegex(@"Replica \S+ is Leader in term (\d+)")]
    private static partial Regex LeadsTerm();
}
