using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Actors.Metadata.Queries;
using Predastore.Shards.Disk;
using Predastore.Testing.Disk;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

/// <summary>What a page costs, in moves of a cursor: the same however many keys there are behind what it shows.</summary>
public sealed class ListingCostSpecs
{
    private const int Folders = 20;

    [Theory]
    [InlineData("")]
    [InlineData("folder-07/")]
    public void Page_of_prefixes_should_cost_the_same_however_many_keys_they_hold(string after)
    {
        int few = Moves(keysPerFolder: 2, versionsPerKey: 1, new ListVersions { Delimiter = "/", After = after, Limit = 10 });
        int many = Moves(keysPerFolder: 50, versionsPerKey: 1, new ListVersions { Delimiter = "/", After = after, Limit = 10 });
        Assert.Equal(few, many);
        Assert.InRange(many, 10, 3 * 10);
    }

    [Fact]
    public void Page_of_keys_should_cost_the_same_however_many_versions_they_have()
    {
        int few = Moves(keysPerFolder: 2, versionsPerKey: 2, new ListVersions { Limit = 10 });
        int many = Moves(keysPerFolder: 2, versionsPerKey: 30, new ListVersions { Limit = 10 });
        Assert.Equal(few, many);
        Assert.InRange(many, 10, 3 * 10);
    }

    [Fact]
    public void Page_of_keys_should_cost_the_same_however_many_keys_follow()
    {
        int few = Moves(keysPerFolder: 2, versionsPerKey: 1, new ListVersions { After = "folder-03/0000", Limit = 10 });
        int many = Moves(keysPerFolder: 50, versionsPerKey: 1, new ListVersions { After = "folder-03/0000", Limit = 10 });
        Assert.Equal(few, many);
        Assert.InRange(many, 10, 3 * 10);
    }

    private static int Moves(int keysPerFolder, int versionsPerKey, ListVersions page)
    {
        IOrderedKv database = new MemoryKvFactory().Open("/state", new OrderedKvOptions(WriteAheadLog: false));
        using var store = new MetadataStore(database);
        Execute(store, Bench.Init());
        Execute(store, new Command { CreateBucket = new CreateBucket { Name = "b", Owner = "me" } });
        Execute(store, new Command { UpdateBucket = new UpdateBucket { Name = "b", Versioning = Versioning.Enabled } });
        for (int i = 0; i < Folders * keysPerFolder * versionsPerKey; i++)
        {
            string key = $"folder-{i % Folders:d2}/{i / Folders % keysPerFolder:d4}";
            Execute(store, new Command { PutVersion = new PutVersion { Bucket = "b", Version = new VersionRow { Key = key, Owner = "me", Etag = "e" } } });
        }

        page.Bucket = "b";
        using var view = new CountingView(database.View());
        QueryResult result = new MetadataQueries(view).Answer(new Query { ListVersions = page });
        Assert.Equal(10, result.Entries.Count);
        return view.Moves;
    }

    private static void Execute(MetadataStore store, Command command) =>
        Assert.Equal(ResultCode.ResultOk, store.Apply([new MetadataEntry(store.AppliedIndex + 1, 1, command.ToByteArray())])[0].Code);

    private sealed class CountingView(IKvView view) : IKvView
    {
        public int Moves { get; set; }

        public byte[]? Get(ReadOnlySpan<byte> key) => view.Get(key);

        public IKvCursor Cursor() => new CountingCursor(this, view.Cursor());

        public void Dispose() => view.Dispose();
    }

    private sealed class CountingCursor(CountingView view, IKvCursor cursor) : IKvCursor
    {
        public bool Valid => cursor.Valid;

        public ReadOnlySpan<byte> Key => cursor.Key;

        public ReadOnlySpan<byte> Value => cursor.Value;

        public void Seek(ReadOnlySpan<byte> key)
        {
            view.Moves++;
            cursor.Seek(key);
        }

        public void SeekForPrev(ReadOnlySpan<byte> key)
        {
            view.Moves++;
            cursor.SeekForPrev(key);
        }

        public void Next()
        {
            view.Moves++;
            cursor.Next();
        }

        public void Prev()
        {
            view.Moves++;
            cursor.Prev();
        }

        public void Dispose() => cursor.Dispose();
    }
}
