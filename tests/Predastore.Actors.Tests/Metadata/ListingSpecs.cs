using System.Text;
using Predastore.Actors.Metadata;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

public class ListingSpecs
{
    private static readonly string[] s_letters = ["a", "b", "/", "//", "\0", "é", "😀", "\uffff", "+", "\u0001"];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 25)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Pages_should_join_to_the_naive_listing(int seed)
    {
        var random = new Random(seed);
        using var bench = new Bench();
        BucketRow bucket = bench.Bucket(versioning: Versioning.Enabled);
        var newest = new Dictionary<string, bool>();
        var versions = new List<(string Key, Position Position)>();
        for (int i = 0; i < 120; i++)
        {
            string key = Word(random, 1, 4);
            bool deleted = random.Next(4) == 0;
            if (deleted)
            {
                string marker = bench.Delete("b", key).MarkerVersionId;
                Assert.True(VersionId.TryParse(marker, out Position at));
                versions.Add((key, at));
            }
            else
            {
                versions.Add((key, bench.Put(bucket, key).Version.Position));
            }

            newest[key] = !deleted;
        }

        for (int round = 0; round < 12; round++)
        {
            string prefix = random.Next(2) == 0 ? "" : Word(random, 1, 1);
            string delimiter = random.Next(3) switch { 0 => "", 1 => "/", _ => Word(random, 1, 1) };
            string after = random.Next(2) == 0 ? "" : Word(random, 1, 3);
            uint limit = (uint)random.Next(1, 7);
            string told = $"seed {seed} round {round}: prefix '{prefix}' delimiter '{delimiter}' after '{after}' limit {limit}";
            List<string> expected = Naive(newest.Where(n => n.Value).Select(n => n.Key), prefix, delimiter, after);
            Assert.True(expected.SequenceEqual(Pages(bench, prefix, delimiter, after, limit)), told);
        }

        var all = versions.OrderBy(v => Encoding.UTF8.GetBytes(v.Key), Bytewise).ThenByDescending(v => v.Position.Index).ToList();
        foreach (uint limit in new uint[] { 1, 3, 1000 })
        {
            List<ListEntry> listed = AllVersions(bench, limit);
            Assert.True(all.SequenceEqual(listed.Select(e => (e.Version.Key, e.Version.Position))), $"seed {seed} limit {limit}");
            Assert.Equal(newest.Count, listed.Count(e => e.IsLatest));
        }
    }

    [Fact]
    public void Limit_of_zero_should_be_empty_and_not_truncated()
    {
        using var bench = new Bench();
        bench.Put(bench.Bucket(), "k");
        QueryResult page = bench.Ask(new Query { ListVersions = new ListVersions { Bucket = "b" } });
        Assert.Empty(page.Entries);
        Assert.False(page.Truncated);
    }

    private static Comparer<byte[]> Bytewise { get; } = Comparer<byte[]>.Create((x, y) => x.AsSpan().SequenceCompareTo(y));

    private static string Word(Random random, int min, int max) =>
        string.Concat(Enumerable.Range(0, random.Next(min, max + 1)).Select(_ => s_letters[random.Next(s_letters.Length)]));

    private static List<string> Naive(IEnumerable<string> keys, string prefix, string delimiter, string after)
    {
        var shown = new SortedDictionary<byte[], string>(Bytewise);
        byte[] marker = Encoding.UTF8.GetBytes(after);
        foreach (string key in keys)
        {
            if (!key.StartsWith(prefix, StringComparison.Ordinal)) continue;
            int at = delimiter.Length == 0 ? -1 : key.IndexOf(delimiter, prefix.Length, StringComparison.Ordinal);
            string entry = at < 0 ? key : key[..(at + delimiter.Length)];
            byte[] bytes = Encoding.UTF8.GetBytes(entry);
            if (after.Length > 0 && bytes.AsSpan().SequenceCompareTo(marker) <= 0) continue;
            if (after.Length > 0 && Encoding.UTF8.GetBytes(key).AsSpan().SequenceCompareTo(marker) <= 0) continue;
            shown[bytes] = (at < 0 ? "key " : "prefix ") + entry;
        }

        return [.. shown.Values];
    }

    private static List<string> Pages(Bench bench, string prefix, string delimiter, string after, uint limit)
    {
        var shown = new List<string>();
        while (true)
        {
            QueryResult page = bench.Ask(new Query
            {
                ListVersions = new ListVersions { Bucket = "b", Prefix = prefix, Delimiter = delimiter, After = after, Limit = limit },
            });
            Assert.True(page.Entries.Count <= limit);
            shown.AddRange(page.Entries.Select(e => e.CommonPrefix.Length > 0 ? "prefix " + e.CommonPrefix : "key " + e.Version.Key));
            Assert.All(page.Entries, e => Assert.True(e.Version is null || e.Version.DataCase == VersionRow.DataOneofCase.None));
            if (!page.Truncated) return shown;
            Assert.Equal((int)limit, page.Entries.Count);
            after = page.NextAfter;
        }
    }

    private static List<ListEntry> AllVersions(Bench bench, uint limit)
    {
        var shown = new List<ListEntry>();
        string after = "";
        string version = "";
        while (true)
        {
            QueryResult page = bench.Ask(new Query
            {
                ListVersions = new ListVersions { Bucket = "b", AllVersions = true, After = after, AfterVersion = version, Limit = limit },
            });
            shown.AddRange(page.Entries);
            if (!page.Truncated) return shown;
            (after, version) = (page.NextAfter, page.NextAfterVersion);
        }
    }
}
