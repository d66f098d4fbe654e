using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Predastore.Http.Auth;
using Predastore.Http.Protocol;
using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Security;

/// <summary>What an attacker could learn from how long a refusal takes, and what a refusal may say.</summary>
public sealed class SecretSpecs(DoorFixture fixture) : IClassFixture<DoorFixture>
{
    private const int Rounds = 400;

    /// <summary>Both refusals do the same HMACs: their fastest runs, which nothing disturbed, differ by less than one HMAC chain.</summary>
    [Fact]
    public void S26_unknown_key_should_take_as_long_as_a_wrong_signature()
    {
        var authenticator = new Authenticator(new FixedAccounts([WireDoor.Main]), WireDoor.Region, TimeProvider.System);
        RawTarget target = RawTarget.Parse("/private/kept");
        HeaderDictionary unknown = Headers(WireDoor.Main with { Id = "AKIANOTHERE" }), wrong = Headers(WireDoor.Main);
        string signature = wrong["Authorization"].ToString();
        wrong["Authorization"] = signature[..^1] + (signature[^1] == '0' ? '1' : '0');
        (long ofUnknown, long ofWrong) = (long.MaxValue, long.MaxValue);
        long chain = long.MaxValue;
        for (int i = 0; i < Rounds; i++)
        {
            ofUnknown = Math.Min(ofUnknown, Time(() => Refuse(unknown, "InvalidAccessKeyId")));
            ofWrong = Math.Min(ofWrong, Time(() => Refuse(wrong, "SignatureDoesNotMatch")));
            chain = Math.Min(chain, Time(() => SigV4.SigningKey("secret", "20260101", WireDoor.Region, "s3")));
        }

        long allowed = Math.Max(chain * 3 / 4, ofWrong / 5);
        Assert.True(Math.Abs(ofUnknown - ofWrong) < allowed, $"unknown {ofUnknown}, wrong {ofWrong}, chain of HMACs {chain} ticks");

        void Refuse(HeaderDictionary headers, string code)
        {
            try
            {
                authenticator.Authenticate("GET", target, headers);
            }
            catch (S3Exception refused) when (refused.Error.Code == code)
            {
                return;
            }

            Assert.Fail("not refused");
        }
    }

    [Theory]
    [InlineData("", "a", false)]
    [InlineData("abc", "abc", true)]
    [InlineData("abc", "abd", false)]
    [InlineData("abc", "ABC", false)]
    [InlineData("abc", "abcd", false)]
    public void S26_signatures_should_compare_whole(string expected, string given, bool equal)
        => Assert.Equal(equal, SigV4.FixedTimeEquals(expected, given));

    [Fact]
    public async Task S26_refusal_should_name_neither_the_secret_nor_the_right_signature()
    {
        S3Call call = fixture.Door.Call("GET", $"/{DoorFixture.Bucket}/{DoorFixture.Key}");
        string right = call.Signature;
        RawAnswer answer = await (call with { BendHead = head => head.Replace(right, new string('a', 64), StringComparison.Ordinal) }).SendAsync();
        Assert.Equal(403, answer.Status);
        Assert.DoesNotContain(right, answer.Body);
        Assert.DoesNotContain(WireDoor.Main.Secret, answer.Body);
        Assert.DoesNotContain("   at ", answer.Body);
    }

    [Fact]
    public void Printed_key_should_not_show_its_secret() => Assert.DoesNotContain(WireDoor.Main.Secret, WireDoor.Main.ToString());

    private static HeaderDictionary Headers(AccessKey key)
    {
        S3Call call = new(new System.Net.IPEndPoint(0, 0), "GET", "/private/kept", []) { Key = key };
        var headers = new HeaderDictionary();
        foreach (string line in call.Head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries)[1..])
            headers[line[..line.IndexOf(':')]] = line[(line.IndexOf(':') + 1)..].Trim();
        return headers;
    }

    private static long Time(Action act)
    {
        long started = Stopwatch.GetTimestamp();
        act();
        return Stopwatch.GetTimestamp() - started;
    }
}
