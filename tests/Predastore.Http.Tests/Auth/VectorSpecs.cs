using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Predastore.Http.Auth;
using Predastore.Http.Protocol;

namespace Predastore.Http.Tests.Auth;

/// <summary>
/// Requests that another implementation signed (<c>signatures.json</c> says which and when; its data, none of its code): each is accepted as
/// it is, and refused once anything that is signed has changed.
/// </summary>
public sealed class VectorSpecs
{
    private const int CasesMin = 54;

    private static readonly JsonElement File = JsonDocument.Parse(
        System.IO.File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Auth", "signatures.json"))).RootElement;

    public static IEnumerable<object[]> Names => File.GetProperty("cases").EnumerateArray().Select((one, at) => new object[] { at, one.GetProperty("name").GetString()! });

    [Fact]
    public void Vectors_should_not_get_lost() => Assert.InRange(Names.Count(), CasesMin, int.MaxValue);

    [Theory]
    [MemberData(nameof(Names))]
    public void Signature_of_another_implementation_should_be_accepted(int at, string name)
    {
        (string method, string target, HeaderDictionary headers) = Case(at);
        AuthResult result = Authenticate(method, target, headers);
        Assert.Equal(("123456789012", name.StartsWith("presigned", StringComparison.Ordinal) ? AuthMode.Presigned : AuthMode.Header), (result.Account!.Id, result.Mode));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Anything_signed_that_changes_should_be_refused(int at, string name)
    {
        (string method, string target, HeaderDictionary headers) = Case(at);
        Assert.NotEmpty(name);
        Refuse(method == "GET" ? "PUT" : "GET", target, headers);
        Refuse(method, target.Replace("?", "x?", StringComparison.Ordinal) is var moved && moved != target ? moved : target + "x", headers);
        Refuse(method, target + (target.Contains('?') ? "&z=1" : "?z=1"), headers);
        Refuse(method, target.Replace("X-Amz-Date=20260228", "X-Amz-Date=20260227", StringComparison.Ordinal) is var dated && dated != target ? dated : target + "?z", headers);
        string signed = headers["Authorization"].ToString() + target;
        foreach (string header in headers.Keys.Where(header => header is not ("Authorization" or "X-Amz-Date")).ToArray())
        {
            if (!signed.Contains(header, StringComparison.OrdinalIgnoreCase))
                continue;
            (_, _, HeaderDictionary changed) = Case(at);
            changed[header] = header == "X-Amz-Content-SHA256" ? SigV4.Sha256Hex("another body") : changed[header] + "x";
            Refuse(method, target, changed);
        }
    }

    private static (string Method, string Target, HeaderDictionary Headers) Case(int at)
    {
        JsonElement one = File.GetProperty("cases")[at];
        var headers = new HeaderDictionary();
        foreach (JsonProperty header in one.GetProperty("headers").EnumerateObject())
            headers[header.Name] = header.Value.GetString()!.Trim();
        return (one.GetProperty("method").GetString()!, one.GetProperty("target").GetString()!, headers);
    }

    private static void Refuse(string method, string target, HeaderDictionary headers)
        => Assert.Throws<S3Exception>(() => Authenticate(method, target, headers));

    private static AuthResult Authenticate(string method, string target, HeaderDictionary headers)
    {
        var key = new AccessKey(File.GetProperty("accessKeyId").GetString()!, File.GetProperty("secret").GetString()!, new Account("123456789012", "me", "c"));
        return new Authenticator(new FixedAccounts([key]), File.GetProperty("region").GetString()!, new FixedTime(File.GetProperty("time").GetDateTimeOffset()))
            .Authenticate(method, RawTarget.Parse(target), headers);
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
