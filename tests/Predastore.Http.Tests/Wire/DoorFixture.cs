namespace Predastore.Http.Tests.Wire;

/// <summary>One door for all tests of a class: a private bucket with an object and an open upload.</summary>
public sealed class DoorFixture : IAsyncLifetime
{
    public const string Bucket = "private";
    public const string Key = "kept";
    public const string Content = "what must stay";

    private WireDoor? _door;

    public WireDoor Door => _door!;

    public string UploadId { get; private set; } = "";

    public async Task InitializeAsync()
    {
        _door = await WireDoor.StartAsync();
        Assert.Equal(200, (await Door.Call("PUT", $"/{Bucket}").SendAsync()).Status);
        Assert.Equal(200, (await Door.Call("PUT", $"/{Bucket}/{Key}", "what must stay"u8.ToArray()).SendAsync()).Status);
        UploadId = (await (Door.Call("POST", $"/{Bucket}/upload") with { Query = ["uploads"] }).SendAsync()).Element("UploadId");
        Assert.NotEmpty(UploadId);
    }

    public async Task DisposeAsync()
    {
        if (_door is not null)
            await _door.DisposeAsync();
    }

    /// <summary>The object is what it was.</summary>
    public async Task AssertKeptAsync()
    {
        RawAnswer answer = await Door.Call("GET", $"/{Bucket}/{Key}").SendAsync();
        Assert.Equal((200, Content), (answer.Status, answer.Body));
    }
}
