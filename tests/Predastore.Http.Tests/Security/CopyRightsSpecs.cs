using System.Text;
using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Security;

/// <summary>What may be read of an object does not open what lies beside it: its older versions and its tags.</summary>
public sealed class CopyRightsSpecs : IAsyncLifetime
{
    private const string Versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";

    private WireDoor _door = null!;
    private string _old = "";

    public async Task InitializeAsync()
    {
        _door = await WireDoor.StartAsync();
        await DoneAsync(_door.Call("PUT", "/shared"));
        await DoneAsync(_door.Call("PUT", "/shared", Encoding.UTF8.GetBytes(Versioning)) with { Query = ["versioning"] });
        _old = (await DoneAsync(_door.Call("PUT", "/shared/k", "private"u8.ToArray()))).Headers["x-amz-version-id"];
        await DoneAsync(_door.Call("PUT", "/shared/k", "public"u8.ToArray()) with { Headers = [("x-amz-acl", "public-read")] });
        await DoneAsync(Others("PUT", "/others"));
    }

    public async Task DisposeAsync() => await _door.DisposeAsync();

    [Fact]
    public async Task S6_readable_current_version_should_not_open_an_older_private_one()
    {
        Assert.Equal("public", (await DoneAsync(Others("GET", "/shared/k"))).Body);
        foreach (string method in new[] { "GET", "HEAD" })
            Assert.Equal(403, (await (Others(method, "/shared/k") with { Query = [$"versionId={_old}"] }).SendAsync()).Status);
        foreach (string subresource in new[] { "acl=", "tagging=" })
            await DeniedAsync(Others("GET", "/shared/k") with { Query = [subresource, $"versionId={_old}"] });
    }

    [Fact]
    public async Task S6_copy_should_not_open_an_older_private_version()
    {
        string upload = (await DoneAsync(Others("POST", "/others/parts") with { Query = ["uploads="] })).Element("UploadId");
        foreach (S3Call to in new[] { Others("PUT", "/others/copy"), Others("PUT", "/others/parts") with { Query = ["partNumber=1", $"uploadId={upload}"] } })
        {
            await DoneAsync(to with { Headers = [("x-amz-copy-source", "shared/k")] });
            await DeniedAsync(to with { Headers = [("x-amz-copy-source", $"shared/k?versionId={_old}")] });
        }

        Assert.Equal("public", (await DoneAsync(Others("GET", "/others/copy"))).Body);
    }

    [Fact]
    public async Task S6_copy_should_not_give_tags_to_whoever_may_only_read_the_object()
    {
        await DoneAsync(_door.Call("PUT", "/shared/tagged", "x"u8.ToArray()) with { Headers = [("x-amz-acl", "public-read"), ("x-amz-tagging", "a=secret")] });
        S3Call copy = Others("PUT", "/others/tagged") with { Headers = [("x-amz-copy-source", "shared/tagged")] };
        await DeniedAsync(copy);
        await DoneAsync(copy with { Headers = [.. copy.Headers, ("x-amz-tagging-directive", "REPLACE")] });
        Assert.DoesNotContain("secret", (await DoneAsync(Others("GET", "/others/tagged") with { Query = ["tagging="] })).Body);

        S3Call owners = _door.Call("PUT", "/shared/mine") with { Headers = copy.Headers };
        await DoneAsync(owners);
        Assert.Contains("secret", (await DoneAsync(_door.Call("GET", "/shared/mine") with { Query = ["tagging="] })).Body);
    }

    private static async Task<RawAnswer> DoneAsync(S3Call call)
    {
        RawAnswer answer = await call.SendAsync();
        Assert.Equal(200, answer.Status);
        return answer;
    }

    private static async Task DeniedAsync(S3Call call)
    {
        RawAnswer answer = await call.SendAsync();
        Assert.Equal((403, "AccessDenied"), (answer.Status, answer.Code));
    }

    private S3Call Others(string method, string path) => _door.Call(method, path) with { Key = WireDoor.Other };
}
