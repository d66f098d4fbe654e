using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Shards.Disk;

namespace Predastore.Benchmarks.Listing;

/// <summary>
/// What a page of a listing costs in a small and in a large bucket of one metadata database, on RocksDB: <c>listing --folder DIR</c>. The
/// rows are made by the state machine's own commands. Exit code 1 if a page of the large bucket costs more than <see cref="RatioMax"/> of the small one's.
/// </summary>
internal static class ListingProgram
{
    private const double RatioMax = 1.5;
    private const int SmallKeys = 10_000;
    private const int LargeKeys = 1_000_000;
    private const string Small = "small";
    private const string Large = "large";
    private const int Folders = 100;
    private const int EntriesPerBatch = 512;
    private const int Rounds = 101;
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(5);

    private static readonly (string Name, ListVersions Query)[] Pages =
    [
        ("1000 keys from the middle", new ListVersions { After = Key(Folders / 2, 0), Limit = 1000 }),
        ("100 common prefixes", new ListVersions { Delimiter = "/", Limit = 1000 }),
        ("1000 versions from the middle", new ListVersions { After = Key(Folders / 2, 0), Limit = 1000, AllVersions = true }),
    ];

    public static int Run(IReadOnlyList<string> args)
    {
        if (args is not ["--folder", var folder])
        {
            Console.Error.WriteLine("listing: --folder DIR is missing");
            return 2;
        }

        string database = Path.Combine(folder, $"listing-{Environment.ProcessId}");
        var factory = new RocksKvFactory();
        double[] small, large;
        try
        {
            using var store = new MetadataStore(factory.Open(database, new OrderedKvOptions(WriteAheadLog: false)));
            Fill(store);

            // The first measurement compiles what the others run.
            Measure(store, Small);
            small = Measure(store, Small);
            large = Measure(store, Large);
        }
        finally
        {
            factory.Delete(database);
        }

        Console.WriteLine($"| page | {SmallKeys} keys, ms | {LargeKeys} keys, ms | ratio |");
        Console.WriteLine("|---|---|---|---|");
        for (int i = 0; i < Pages.Length; i++)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"| {Pages[i].Name} | {small[i]:0.00} | {large[i]:0.00} | {large[i] / small[i]:0.00} |"));
        }

        return Enumerable.Range(0, Pages.Length).All(i => large[i] <= small[i] * RatioMax) ? 0 : 1;
    }

    private static double[] Measure(MetadataStore store, string bucket)
        => [.. Pages.Select(page => MedianMs(store, bucket, page.Query.Clone()))];

    private static void Fill(MetadataStore store)
    {
        var ring = new RingRow { DataShards = 1, Members = { new RingMember { StorageId = 1, Node = 1, Host = "h", Weight = 1 } } };
        Apply(store,
        [
            new Command { FeatureLevel = 1, InitCluster = new InitCluster { ClusterId = ByteString.CopyFrom(new byte[16]), Ring = ring } },
            new Command { CreateBucket = new CreateBucket { Name = Small, Owner = "me" } },
            new Command { CreateBucket = new CreateBucket { Name = Large, Owner = "me" } },
        ]);
        Fill(store, Large, LargeKeys);
        Fill(store, Small, SmallKeys);

        // Both in files, and what the filling left to tidy up done.
        store.Flush();
        Thread.Sleep(Settle);
    }

    private static void Fill(MetadataStore store, string bucket, int keys)
    {
        foreach (int[] batch in Enumerable.Range(0, keys).Chunk(EntriesPerBatch))
        {
            Apply(store, batch.Select(i => new Command
            {
                TimeMs = 1,
                PutVersion = new PutVersion
                {
                    Bucket = bucket,
                    Version = new VersionRow
                    {
                        Key = Key(i % Folders, i / Folders), Owner = "me", Etag = "d41d8cd98f00b204e9800998ecf8427e",
                        Attributes = new Attributes { ContentType = "application/octet-stream" },
                    },
                },
            }));
        }
    }

    private static void Apply(MetadataStore store, IEnumerable<Command> commands)
    {
        ulong index = store.AppliedIndex;
        foreach (CommandResult result in store.Apply([.. commands.Select(command => new MetadataEntry(++index, 1, command.ToByteArray()))]))
        {
            if (result.Code != ResultCode.ResultOk)
                throw new InvalidOperationException($"{result.Code} {result.Message}");
        }
    }

    private static double MedianMs(MetadataStore store, string bucket, ListVersions page)
    {
        page.Bucket = bucket;
        var query = new Query { ListVersions = page };
        double[] times = new double[Rounds];
        for (int i = 0; i < Rounds; i++)
        {
            long start = Stopwatch.GetTimestamp();
            QueryResult result = store.Answer(query);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (result.Entries.Count < Folders)
                throw new InvalidOperationException($"a page has {result.Entries.Count} entries");
        }

        Array.Sort(times);
        return times[Rounds / 2];
    }

    private static string Key(int folder, int number) => string.Create(CultureInfo.InvariantCulture, $"folder-{folder:d4}/object-{number:d8}.bin");
}
