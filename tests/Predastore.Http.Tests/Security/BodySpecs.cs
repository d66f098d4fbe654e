using System.Security.Cryptography;
using System.Text;
using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Security;

/// <summary>A body that is not what its headers, chunks or trailers say is refused, and what was stored before stays.</summary>
public sealed class BodySpecs(DoorFixture fixture) : IClassFixture<DoorFixture>
{
    private static readonly byte[] First = RandomNumberGenerator.GetBytes(9000);
    private static readonly byte[] Second = RandomNumberGenerator.GetBytes(8500);
    private static readonly byte[] Last = RandomNumberGenerator.GetBytes(77);

    /// <summary>What an attacker, a broken client or a broken line makes of a chunked body.</summary>
    public static IEnumerable<object[]> Tampered =>
    [
        ["a flipped byte", (string s) => Flip(s, 200), "SignatureDoesNotMatch", false],
        ["a flipped byte of the last chunk", (string s) => Flip(s, s.IndexOf("4d;", StringComparison.Ordinal) + 120), "SignatureDoesNotMatch", false],
        ["swapped chunks", (string s) => Swap(s), "SignatureDoesNotMatch", false],
        ["a dropped chunk", (string s) => s[..s.IndexOf("2134;", StringComparison.Ordinal)] + s[s.IndexOf("4d;", StringComparison.Ordinal)..], "SignatureDoesNotMatch", false],
        ["a chunk without a signature", (string s) => Once(s, ";chunk-signature=", ";other="), "SignatureDoesNotMatch", false],
        ["a missing last chunk", (string s) => s[..s.LastIndexOf("0;", StringComparison.Ordinal)], "IncompleteBody", false],
        ["an end in the middle", (string s) => s[..9000], "IncompleteBody", true],
        ["a size of sixteen f", (string s) => "ffffffffffffffff" + s[4..], "InvalidChunkSizeError", true],
        ["a size over all bounds", (string s) => "fffffffffffffffff" + s[4..], "InvalidChunkSizeError", true],
        ["a negative size", (string s) => "-1" + s[4..], "InvalidChunkSizeError", true],
        ["no size", (string s) => s[4..], "InvalidChunkSizeError", true],
        ["a size of 5 TiB", (string s) => "50000000000" + s[4..], "IncompleteBody", true],
        ["a size one too large", (string s) => "2329" + s[4..], "SignatureDoesNotMatch", false],
        ["a line without an end", (string s) => new string('1', 70_000), "IncompleteBody", true],
        ["more after the end", (string s) => s + "more", "MalformedTrailerError", true],
    ];

    private static (string, string) Trailer => ("x-amz-checksum-crc32", ChunkedBody.Crc32(Last));

    private static string Line => $"x-amz-checksum-crc32:{ChunkedBody.Crc32(Last)}";

    private S3Call Put => fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/{DoorFixture.Key}");

    private S3Call PutOther => fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/chunked");

    [Fact]
    public async Task S12_chunked_bodies_should_be_taken_as_they_are_meant()
    {
        byte[] whole = [.. First, .. Second, .. Last];
        (string, string) trailer = ("x-amz-checksum-crc32", ChunkedBody.Crc32(whole));
        foreach (S3Call call in new[]
        {
            ChunkedBody.Signed(PutOther, [First, Second, Last]), ChunkedBody.Signed(PutOther, [First, Second, Last], trailer),
            ChunkedBody.Unsigned(PutOther, [First, Second, Last], trailer), ChunkedBody.Unsigned(PutOther, [First, Second, Last]),
            ChunkedBody.Signed(PutOther, [whole]), ChunkedBody.Unsigned(PutOther, [.. whole.Chunk(500)], trailer),
        })
        {
            RawAnswer answer = await call.SendAsync();
            Assert.Equal((200, $"\"{Convert.ToHexStringLower(MD5.HashData(whole))}\""), (answer.Status, answer.Headers.GetValueOrDefault("ETag")));
        }

        Assert.Equal(200, (await ChunkedBody.Signed(PutOther, []).SendAsync()).Status);
        Assert.Equal(200, (await ChunkedBody.Unsigned(PutOther, [], ("x-amz-checksum-crc32", "AAAAAA==")).SendAsync()).Status);
    }

    [Theory]
    [MemberData(nameof(Tampered))]
    public async Task S12_tampered_chunks_should_be_refused(string what, Func<string, string> tamper, string code, bool unsignedToo)
    {
        foreach (S3Call call in unsignedToo
            ? new[] { ChunkedBody.Signed(Put, [First, Second, Last]), ChunkedBody.Unsigned(Put, [First, Second, Last]) }
            : [ChunkedBody.Signed(Put, [First, Second, Last])])
        {
            byte[] body = Encoding.Latin1.GetBytes(tamper(Encoding.Latin1.GetString(call.Body)));
            RawAnswer answer = await (call with { Body = body }).SendAsync();
            Assert.True(code == answer.Code, $"{what}: {answer} instead of {code}");
        }

        await fixture.AssertKeptAsync();
    }

    [Theory]
    [InlineData("17576", "IncompleteBody")]
    [InlineData("17578", "IncompleteBody")]
    [InlineData("-1", "InvalidArgument")]
    [InlineData("many", "InvalidArgument")]
    [InlineData("99999999999999999999", "InvalidArgument")]
    public async Task S12_decoded_length_that_is_off_should_be_refused(string length, string code)
    {
        foreach (S3Call call in new[] { Put with { Payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER" }, Put with { Payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" } })
        {
            S3Call chunked = call.Payload![10] == 'U' ? ChunkedBody.Unsigned(Put, [First, Second, Last]) : ChunkedBody.Signed(Put, [First, Second, Last]);
            S3Call wrong = chunked with { Headers = [("x-amz-decoded-content-length", length)] };
            Assert.Equal(code, Refusal(await wrong.SendAsync(), "SignatureDoesNotMatch", code));
        }

        await fixture.AssertKeptAsync();
    }

    [Fact]
    public async Task S12_trailers_other_than_the_announced_ones_should_be_refused()
    {
        (string, string) right = ("x-amz-checksum-crc32", ChunkedBody.Crc32(Last));
        foreach ((string from, string to, string code) in new[]
        {
            ("x-amz-checksum-crc32:", "x-amz-checksum-crc33:", "MalformedTrailerError"),
            ("x-amz-checksum-crc32:", "x-amz-meta-a:1\r\nx-amz-checksum-crc32:", "MalformedTrailerError"),
            ("x-amz-checksum-crc32:", "x-amz-checksum-crc32", "MalformedTrailerError"),
            ("x-amz-checksum-crc32:", "\r\nx-amz-checksum-crc32:", "MalformedTrailerError"),
        })
        {
            foreach (S3Call call in new[] { ChunkedBody.Unsigned(Put, [Last], right), ChunkedBody.Signed(Put, [Last], right) })
            {
                byte[] body = Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(call.Body).Replace(from, to, StringComparison.Ordinal));
                Assert.Equal(code, (await (call with { Body = body }).SendAsync()).Code);
            }
        }

        S3Call signed = ChunkedBody.Signed(Put, [Last], right);
        string text = Encoding.Latin1.GetString(signed.Body);
        int at = text.IndexOf("x-amz-trailer-signature:", StringComparison.Ordinal) + 24;
        foreach (string bent in new[] { text[..at] + new string('0', 64) + text[(at + 64)..], text[..(at - 24)] + "\r\n" })
            Assert.Equal("SignatureDoesNotMatch", (await (signed with { Body = Encoding.Latin1.GetBytes(bent) }).SendAsync()).Code);
        await fixture.AssertKeptAsync();
    }

    [Fact]
    public async Task S12_trailer_lines_that_end_in_a_line_feed_alone_should_be_taken()
    {
        S3Call call = ChunkedBody.Unsigned(PutOther, [Last], ("x-amz-checksum-crc32", ChunkedBody.Crc32(Last)));
        string text = Encoding.Latin1.GetString(call.Body);
        int at = text.IndexOf("\r\n0\r\n", StringComparison.Ordinal) + 2;
        string bent = text[..at] + text[at..].Replace("\r\n", "\n", StringComparison.Ordinal);
        Assert.Equal(200, (await (call with { Body = Encoding.Latin1.GetBytes(bent) }).SendAsync()).Status);
    }

    /// <summary>As minio-go writes them: LF behind the trailers, and an empty line more.</summary>
    [Fact]
    public async Task S12_trailers_with_one_empty_line_more_should_be_taken()
    {
        S3Call unsigned = ChunkedBody.Unsigned(PutOther, [Last], Trailer);
        S3Call signed = ChunkedBody.Signed(PutOther, [Last], Trailer);
        Assert.Equal(200, (await Bent(unsigned, Line + "\r\n\r\n", Line + "\n\r\n\r\n").SendAsync()).Status);
        Assert.Equal(200, (await Bent(signed, Line + "\r\n", Line + "\n\r\n").SendAsync()).Status);
    }

    [Fact]
    public async Task S12_more_empty_lines_than_one_should_be_refused()
    {
        S3Call unsigned = ChunkedBody.Unsigned(Put, [Last], Trailer);
        S3Call signed = ChunkedBody.Signed(Put, [Last], Trailer);
        foreach ((S3Call call, string code) in new[]
        {
            (Bent(unsigned, Line + "\r\n\r\n", Line + "\n\r\n\r\n\r\n"), "MalformedTrailerError"),
            (Bent(unsigned, Line + "\r\n\r\n", Line + "\n\r\n\r"), "MalformedTrailerError"),
            (Bent(unsigned, Line + "\r\n\r\n", Line + "\n\r\n\n"), "MalformedTrailerError"),
            (Bent(signed, Line + "\r\n", Line + "\n\r\n\r\n"), "SignatureDoesNotMatch"),
            (Bent(signed, Line + "\r\n", Line + "\n\r\n" + Line + "\n"), "MalformedTrailerError"),
            (signed with { Body = [.. signed.Body, .. "\r\n"u8] }, "MalformedTrailerError"),
        })
            Assert.Equal(code, (await call.SendAsync()).Code);
        await fixture.AssertKeptAsync();
    }

    [Fact]
    public async Task S12_asymmetric_signatures_should_be_recognised_and_refused()
    {
        RawAnswer answer = await (Put with { Payload = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD" }).SendAsync();
        Assert.Equal((501, "NotImplemented"), (answer.Status, answer.Code));
    }

    [Theory]
    [InlineData("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==", "BadDigest")]
    [InlineData("Content-MD5", "not base64", "InvalidDigest")]
    [InlineData("Content-MD5", "AAAA", "InvalidDigest")]
    [InlineData("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==1B2M2Y8AsgTpgAmY7PhCfg==", "InvalidDigest")]
    [InlineData("x-amz-checksum-crc32", "AAAAAA==", "BadDigest")]
    [InlineData("x-amz-checksum-crc32c", "AAAAAA==", "BadDigest")]
    [InlineData("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=", "BadDigest")]
    [InlineData("x-amz-checksum-sha1", "2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "BadDigest")]
    [InlineData("x-amz-checksum-sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "BadDigest")]
    [InlineData("x-amz-checksum-crc32", "not base64", "BadDigest")]
    [InlineData("x-amz-checksum-crc32", "AAAAAAAA", "BadDigest")]
    [InlineData("x-amz-checksum-md17", "AAAA", "InvalidRequest")]
    public async Task S13_wrong_digest_in_a_header_should_be_refused(string name, string value, string code)
    {
        RawAnswer answer = await (Put with { Body = Last, Headers = [(name, value)] }).SendAsync();
        Assert.Equal((400, code), (answer.Status, answer.Code));
        await fixture.AssertKeptAsync();
    }

    [Theory]
    [InlineData("x-amz-checksum-crc32", "AAAAAA==", "BadDigest")]
    [InlineData("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=", "BadDigest")]
    [InlineData("x-amz-checksum-sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "BadDigest")]
    [InlineData("x-amz-checksum-sha256", "short", "BadDigest")]
    public async Task S13_wrong_digest_in_a_trailer_should_be_refused(string name, string value, string code)
    {
        foreach (S3Call call in new[] { ChunkedBody.Unsigned(Put, [First, Last], (name, value)), ChunkedBody.Signed(Put, [First, Last], (name, value)) })
        {
            RawAnswer answer = await call.SendAsync();
            Assert.Equal((400, code), (answer.Status, answer.Code));
        }

        await fixture.AssertKeptAsync();
    }

    [Fact]
    public async Task S13_two_checksums_should_be_refused()
    {
        S3Call two = Put with { Body = Last, Headers = [("x-amz-checksum-crc32", ChunkedBody.Crc32(Last)), ("x-amz-checksum-sha256", Convert.ToBase64String(SHA256.HashData(Last)))] };
        Assert.Equal("InvalidRequest", (await two.SendAsync()).Code);
        S3Call both = ChunkedBody.Unsigned(
            Put with { Headers = [("x-amz-checksum-sha256", Convert.ToBase64String(SHA256.HashData(Last)))] }, [Last], ("x-amz-checksum-crc32", ChunkedBody.Crc32(Last)));
        Assert.Equal("InvalidRequest", (await both.SendAsync()).Code);
        await fixture.AssertKeptAsync();
    }

    [Fact]
    public async Task S13_right_digests_should_be_accepted()
    {
        foreach ((string name, string value) in new[]
        {
            ("Content-MD5", Convert.ToBase64String(MD5.HashData(Last))), ("x-amz-checksum-crc32", ChunkedBody.Crc32(Last)),
            ("x-amz-checksum-sha1", Convert.ToBase64String(SHA1.HashData(Last))), ("x-amz-checksum-sha256", Convert.ToBase64String(SHA256.HashData(Last))),
        })
            Assert.Equal(200, (await (PutOther with { Body = Last, Headers = [(name, value)] }).SendAsync()).Status);
    }

    private static S3Call Bent(S3Call call, string from, string to)
        => call with { Body = Encoding.Latin1.GetBytes(Once(Encoding.Latin1.GetString(call.Body), from, to)) };

    private static string Refusal(RawAnswer answer, string orElse, string code) => answer.Code == orElse ? code : answer.Code;

    private static string Flip(string text, int at) => text[..at] + (char)(text[at] ^ 1) + text[(at + 1)..];

    private static string Swap(string text)
    {
        int second = text.IndexOf("2134;", StringComparison.Ordinal), third = text.IndexOf("4d;", StringComparison.Ordinal);
        return text[second..third] + text[..second] + text[third..];
    }

    private static string Once(string text, string from, string to)
    {
        int at = text.IndexOf(from, StringComparison.Ordinal);
        return text[..at] + to + text[(at + from.Length)..];
    }
}
