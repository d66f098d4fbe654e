using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Predastore.Host.Admin;
using Predastore.Host.Config;
using Predastore.Http.Admin;
using Xunit;

namespace Predastore.Host.Tests.Admin;

/// <summary>Cluster management over HTTP, from the client of <c>s3d admin</c> to the action.</summary>
public sealed partial class AdminDoorSpecs
{
    private int _runs;

    [Fact]
    public async Task Action_should_get_its_request_and_give_its_answer()
    {
        await using RealDoor door = await StartAsync();

        EchoAnswer answer = await AskAsync(door.Target(RealDoor.Admin), "test/echo", "ä \" \\ 日本");

        Assert.Equal("ä \" \\ 日本", answer.Said);
    }

    [Fact]
    public async Task Whoever_may_not_ask_should_learn_nothing()
    {
        await using RealDoor door = await StartAsync();
        using HttpClient http = door.Client();
        var answers = new List<string>();
        foreach (string path in new[] { "/_/admin/test/echo", "/_/admin/no/such", "/_/admin/" })
        {
            answers.Add(await ShapeAsync(http, path, null));
            answers.Add(await ShapeAsync(http, path, RealDoor.Tenant));
            answers.Add(await ShapeAsync(http, path, RealDoor.Admin with { SecretAccessKey = "wrong" }));
            answers.Add(await ShapeAsync(http, path, RealDoor.Admin with { AccessKeyId = "AKIANOBODY" }));
            answers.Add(await ShapeAsync(http, path, RealDoor.Admin, region: "us-east-1"));
            answers.Add(await ShapeAsync(http, path, RealDoor.Admin, unsignedBody: true));
        }

        Assert.Equal(answers[0], Assert.Single(answers.Distinct()));
        Assert.StartsWith("403 ", answers[0]);
        Assert.Contains("<Code>AccessDenied</Code>", answers[0]);
        Assert.Equal(0, _runs);
    }

    [Fact]
    public async Task Body_that_was_not_signed_should_not_run()
    {
        await using RealDoor door = await StartAsync();
        using HttpClient http = door.Client();
        using HttpRequestMessage request = Request(door, "/_/admin/test/echo", RealDoor.Admin, """{"say":"a"}""");
        request.Content = new StringContent("""{"say":"b"}""");

        using HttpResponseMessage response = await http.SendAsync(request);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("XAmzContentSHA256Mismatch", await response.Content.ReadAsStringAsync());
        Assert.Equal(0, _runs);
    }

    [Fact]
    public async Task Body_that_was_signed_and_is_not_there_should_not_run()
    {
        await using RealDoor door = await StartAsync();
        using HttpClient http = door.Client();
        using HttpRequestMessage request = Request(door, "/_/admin/test/echo", RealDoor.Admin, """{"say":"a"}""");
        request.Content = new ByteArrayContent([]);

        using HttpResponseMessage response = await http.SendAsync(request);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("XAmzContentSHA256Mismatch", await response.Content.ReadAsStringAsync());
        Assert.Equal(0, _runs);
    }

    [Theory]
    [InlineData("GET", "/_/admin/test/change", "", 400, "POST")]
    [InlineData("PUT", "/_/admin/test/echo", "", 400, "POST or GET")]
    [InlineData("POST", "/_/admin/test/echo", "{", 400, "not what this action takes")]
    [InlineData("POST", "/_/admin/test/echo", "null", 400, "null")]
    [InlineData("POST", "/_/admin/test/nothing", "", 404, "test/change, test/echo")]
    [InlineData("POST", "/_/admin/test/change", "", 409, "not now")]
    public async Task Refusal_should_be_one_line_and_a_status(string method, string path, string body, int status, string expected)
    {
        await using RealDoor door = await StartAsync();
        using HttpClient http = door.Client();
        using HttpRequestMessage request = Request(door, path, RealDoor.Admin, body, method);

        using HttpResponseMessage response = await http.SendAsync(request);

        Assert.Equal(status, (int)response.StatusCode);
        AdminError error = JsonSerializer.Deserialize(await response.Content.ReadAsStringAsync(), AdminErrorJson.Default.AdminError)!;
        Assert.Contains(expected, error.Message);
    }

    [Fact]
    public async Task Body_over_the_limit_should_be_refused()
    {
        await using RealDoor door = await StartAsync();
        using HttpClient http = door.Client();
        using HttpRequestMessage request = Request(door, "/_/admin/test/echo", RealDoor.Admin, "{\"say\":\"" + new string('x', 70_000) + "\"}");

        using HttpResponseMessage response = await http.SendAsync(request);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(0, _runs);
    }

    [Fact]
    public async Task Client_should_say_a_refusal_and_ask_no_other_node()
    {
        await using RealDoor refusing = await StartAsync();
        await using RealDoor other = await StartAsync();
        StatusTarget target = new([refusing.Address, other.Address], refusing.CaFile, RealDoor.Region, RealDoor.Admin);

        StartupException error = await Assert.ThrowsAsync<StartupException>(() => AskAsync(target, "test/change", "x", changes: true));

        Assert.Equal((ExitCode.Refused, "not now"), (error.ExitCode, error.Message));
        Assert.Equal(1, _runs);
    }

    [Fact]
    public async Task Client_should_ask_the_next_node_where_one_is_gone()
    {
        await using RealDoor door = await StartAsync();

        EchoAnswer answer = await AskAsync(door.Target(RealDoor.Admin, new Uri("https://127.0.0.1:1")), "test/echo", "hello", changes: true);

        Assert.Equal("hello", answer.Said);
    }

    private static Task<EchoAnswer> AskAsync(StatusTarget target, string action, string say, bool changes = false)
        => new AdminClient(TimeProvider.System).RunAsync(
            target, action, changes, new EchoRequest(say), EchoJson.Default.EchoRequest, EchoJson.Default.EchoAnswer, AdminClient.ActionTimeout, CancellationToken.None);

    private static HttpRequestMessage Request(RealDoor door, string path, AuthEntry caller, string body, string method = "POST", string region = RealDoor.Region)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        var request = new HttpRequestMessage(new HttpMethod(method), new Uri(door.Address, path));
        if (method != "GET")
            request.Content = new ByteArrayContent(bytes);
        RequestSigner.Sign(request, caller.AccessKeyId, caller.SecretAccessKey, region, TimeProvider.System.GetUtcNow(), bytes);
        return request;
    }

    /// <summary>Status and document, without what names the request.</summary>
    private static async Task<string> ShapeAsync(
        HttpClient http, string path, AuthEntry? caller, string region = RealDoor.Region, bool unsignedBody = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(http.BaseAddress!, path)) { Content = new StringContent("{}") };
        if (caller is not null)
            RequestSigner.Sign(request, caller.AccessKeyId, caller.SecretAccessKey, region, TimeProvider.System.GetUtcNow(), "{}"u8);
        if (unsignedBody)
        {
            request.Headers.Remove("x-amz-content-sha256");
            request.Headers.Add("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
        }

        using HttpResponseMessage response = await http.SendAsync(request);
        return $"{(int)response.StatusCode} " + Named().Replace(await response.Content.ReadAsStringAsync(), "");
    }

    private Task<RealDoor> StartAsync() => RealDoor.StartAsync(
        AdminAction.Create("test/echo", false, EchoJson.Default.EchoRequest, EchoJson.Default.EchoAnswer, (request, _) =>
        {
            _runs++;
            return Task.FromResult(new EchoAnswer(request.Say));
        }),
        AdminAction.Create<EchoRequest, EchoAnswer>("test/change", true, EchoJson.Default.EchoRequest, EchoJson.Default.EchoAnswer, (_, _) =>
        {
            _runs++;
            throw new AdminException(AdminFault.Refused, "not now");
        }));

    [GeneratedRegex("<(Resource|RequestId|HostId)>.*?</\\1>")]
    private static partial Regex Named();

    internal sealed record EchoRequest(string? Say);

    internal sealed record EchoAnswer(string? Said);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    [JsonSerializable(typeof(EchoRequest))]
    [JsonSerializable(typeof(EchoAnswer))]
    internal sealed partial class EchoJson : JsonSerializerContext;
}
