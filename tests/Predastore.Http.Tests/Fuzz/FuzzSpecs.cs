using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using CsCheck;
using Microsoft.AspNetCore.Http;
using Predastore.Http.Auth;
using Predastore.Http.Operations;
using Predastore.Http.Protocol;
using Predastore.Http.Tests.Wire;
using Xunit.Abstractions;

namespace Predastore.Http.Tests.Fuzz;

/// <summary>
/// Everything that reads what strangers send, fed with what strangers could send: nothing comes out but a value or an S3 error, and nothing
/// is allocated that the bytes at hand do not account for, whatever sizes they declare. A seed that fails is printed with the failure.
/// <c>scripts/fuzz.sh</c> runs the same for longer: PREDASTORE_FUZZ_SECONDS is the time of each target.
/// </summary>
public sealed class FuzzSpecs(ITestOutputHelper output)
{
    private const int IterationsMin = 2_000;

    /// <summary>What any call may allocate: an exception with its stack, the buffers of a reader.</summary>
    private const int BaseBytesMax = 96 << 10;

    /// <summary>And for each byte it was given: text is two bytes a character, decoded, split, and kept.</summary>
    private const int BytesPerByteMax = 160;

    private static readonly int Seconds =
        int.TryParse(Environment.GetEnvironmentVariable("PREDASTORE_FUZZ_SECONDS"), out int seconds) ? seconds : 0;

    private static readonly string[] Numbers =
        ["0", "1", "5", "a", "10", "ff", "2328", "-1", "+1", "007", "5497558138880", "9223372036854775807", "9223372036854775808", "ffffffffffffffff", "7fffffffffffffff", "80000000", "99999999999999999999"];

    private static readonly string[] Texts =
        ["%", "%2", "%zz", "%00", "%2F", "%2e%2e", "%FF", "%c0%af", "%C3%BC", "%ED%A0%80", "+", " ", "/", "//", "..", ";", ",", "=", "&", "?", ":", "\"", "\r\n", "\n", "\0", "\t", "ü", "\uD800", "\U0001F600", "W/", "*"];

    private readonly Authenticator _authenticator = new(new FixedAccounts([WireDoor.Main]), WireDoor.Region, TimeProvider.System);

    // A request that is in order: most of what is fed is near to one.
    private static readonly S3Call Call = new(new IPEndPoint(IPAddress.Loopback, 1), "PUT", "/bucket/key", []) { Key = WireDoor.Main, Host = "h" };

    [Fact]
    public void Authorization_header_should_give_an_identity_or_an_S3_error() => Fuzz(
        Inputs(HeaderOf(Call, "Authorization"), ["AWS4-HMAC-SHA256 ", "AWS ", "Credential=", "SignedHeaders=", "Signature=", "AKIAMAIN/20260101/eu-test-1/s3/aws4_request", "host;x-amz-date", new string('a', 64)]).Select(
            Mostly(Call.Date, ["2026", "20260101T000000Z", "Thu, 01 Jan 2026 00:00:00 GMT"]),
            Mostly(HeaderOf(Call, "x-amz-content-sha256"), ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"])),
        input => input.Item1.Length + input.Item2.Length + input.Item3.Length,
        input => _authenticator.Authenticate("PUT", RawTarget.Parse("/bucket/key"), new HeaderDictionary
        {
            ["Host"] = "h", ["Authorization"] = input.Item1, ["x-amz-date"] = input.Item2, ["x-amz-content-sha256"] = input.Item3,
        }));

    [Fact]
    public void Presigned_query_should_give_an_identity_or_an_S3_error() => Fuzz(
        Inputs(QueryOf(Call with { Method = "GET", Proof = Proof.Query }), ["X-Amz-Algorithm=", "AWS4-HMAC-SHA256", "&X-Amz-Credential=", "AKIAMAIN%2F20260101%2Feu-test-1%2Fs3%2Faws4_request", "&X-Amz-Date=", "20260101T000000Z", "&X-Amz-Expires=", "&X-Amz-SignedHeaders=host", "&X-Amz-Signature=", new string('a', 64), "&versionId=", "&uploadId="]),
        input => input.Length,
        input => _authenticator.Authenticate("GET", RawTarget.Parse("/bucket/key?" + input), new HeaderDictionary { ["Host"] = "h" }));

    [Fact]
    public void Target_should_give_a_route_or_an_S3_error() => Fuzz(
        Inputs("/bucket/a%20key?partNumber=1&uploadId=abc", ["/", "bucket", "key", "?", "&", "acl", "tagging", "uploads", "uploadId=", "partNumber=", "versionId=", "list-type=2", "http://", "#"]),
        input => input.Length,
        input =>
        {
            RawTarget target = RawTarget.Parse(input);
            ResourceName name = ResourceName.From(target, input, [WireDoor.Domain]);
            Routes.Find("PUT", name, target, new HeaderDictionary());
            if (name.Key.Length > 0 && Encoding.UTF8.GetByteCount(name.Key) > ResourceName.KeyBytesMax)
                throw new InvalidOperationException("a key over the limit");
        });

    [Theory]
    [InlineData(PayloadMode.ChunkedSigned)]
    [InlineData(PayloadMode.ChunkedSignedTrailer)]
    [InlineData(PayloadMode.ChunkedUnsignedTrailer)]
    public void Chunked_body_should_give_its_bytes_or_an_S3_error(PayloadMode mode)
    {
        byte[][] chunks = [new byte[AwsChunkedBody.SignedChunkBytesMin], "hello"u8.ToArray()];
        (string, string) trailer = ("x-amz-checksum-crc32", ChunkedBody.Crc32([.. chunks.SelectMany(chunk => chunk)]));
        S3Call put = mode switch
        {
            PayloadMode.ChunkedSigned => ChunkedBody.Signed(Call, chunks),
            PayloadMode.ChunkedSignedTrailer => ChunkedBody.Signed(Call, chunks, trailer),
            _ => ChunkedBody.Unsigned(Call, chunks, trailer),
        };
        byte[] key = put.SigningKey;
        string date = put.Date, scope = put.Scope, seed = put.Signature;
        Fuzz(
            Inputs(Encoding.Latin1.GetString(put.Body), ["\r\n", ";chunk-signature=", new string('a', 64), "x-amz-checksum-crc32:", "AAAAAA==", "x-amz-trailer-signature:", "0\r\n\r\n", "5\r\nhello\r\n", new string('b', 3000)]).Select(Gen.Frequency((3, Gen.Const((long)chunks.Sum(chunk => chunk.Length))), (1, OneOf(0L, 5, 10, 17577, 5L << 40, long.MaxValue)))),
            input => input.Item1.Length,
            input =>
            {
                byte[] bytes = Encoding.Latin1.GetBytes(input.Item1);
                ChunkSigner? signer = mode == PayloadMode.ChunkedUnsignedTrailer ? null : new ChunkSigner(key, date, scope, seed);
                using var body = new AwsChunkedBody(PipeReader.Create(new ReadOnlySequence<byte>(bytes)), input.Item2, mode, signer, mode == PayloadMode.ChunkedSigned ? [] : ["x-amz-checksum-crc32"]);
                byte[] buffer = ArrayPool<byte>.Shared.Rent(4096);
                try
                {
                    long total = 0;
                    while (Done(body.ReadAsync(buffer)) is > 0 and int count)
                        total += count;
                    if (total != input.Item2)
                        throw new InvalidOperationException("an end before the declared length");
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }
            });
    }

    [Fact]
    public void Document_should_give_a_tree_or_an_S3_error() => Fuzz(
        Inputs("<Delete><Quiet>true</Quiet><Object><Key>a &amp; b</Key><VersionId>v</VersionId></Object><!-- c --></Delete>", ["<Delete>", "</Delete>", "<Object>", "</Object>", "<Key>", "</Key>", "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", "<!DOCTYPE a [<!ENTITY b \"c\">]>", "&b;", "&#x0;", "&#1;", "&amp;", "<![CDATA[", "]]>", "<!--", "-->", "<?pi", "?>", "<?xml version=\"1.0\" encoding=\"utf-16\"?>", "<a b=\"c\"/>", "k"]),
        input => input.Length,
        input => XmlNode.Parse(Encoding.UTF8.GetBytes(input), "Delete"));

    [Fact]
    public void Range_should_lie_within_the_object() => Fuzz(
        Inputs("bytes=0-0", ["bytes=", "bytes", "-", "=", "items="]).Select(OneOf(0L, 1, 10, 5L << 30, long.MaxValue)),
        input => input.Item1.Length,
        input =>
        {
            if (ByteRange.TryParse(input.Item1, out ByteRange range) && range.TryResolve(input.Item2, out long offset, out long length)
                && (offset < 0 || length <= 0 || offset > input.Item2 - length))
                throw new InvalidOperationException($"{offset}+{length} of {input.Item2}");
            (long from, long count) = ByteRange.ParseCopyRange(input.Item1, input.Item2);
            if (from < 0 || count <= 0 || from > input.Item2 - count)
                throw new InvalidOperationException($"copy {from}+{count} of {input.Item2}");
        });

    [Fact]
    public void Copy_source_should_give_bucket_and_key_or_an_S3_error() => Fuzz(
        Inputs("/bucket/a%20key?versionId=null", ["/", "bucket", "key", "?versionId=", "null", "%3FversionId%3D"]),
        input => input.Length,
        input =>
        {
            (string bucket, string key, _) = CopySources.Parse(input);
            if (bucket.Length == 0 || key.Length == 0 || bucket.Contains('/'))
                throw new InvalidOperationException($"'{bucket}' and '{key}'");
        });

    [Fact]
    public void Conditions_and_dates_should_never_throw() => Fuzz(
        Inputs("Thu, 01 Jan 2026 00:00:00 GMT", ["Thu, 01 Jan 2026 00:00:00 GMT", "2026-01-01T00:00:00.000000000Z", "2026-01-01", ".", "\"etag\"", "GMT", "Z"]),
        input => input.Length,
        input =>
        {
            new ReadConditions(input, input, input, input).Evaluate("etag", 0, 0);
            new ReadConditions(null, null, input, input).Evaluate("etag", 0, 0);
            ReadConditions.RangeApplies(input, "etag", 0);
            _ = HttpDate.TryParseIso(input, out _);
        });

    [Fact]
    public void Payload_header_should_give_a_mode_or_an_S3_error() => Fuzz(
        Inputs("STREAMING-UNSIGNED-PAYLOAD-TRAILER", ["UNSIGNED-PAYLOAD", "STREAMING-", "AWS4-HMAC-SHA256-PAYLOAD", "-TRAILER", "AWS4-ECDSA-P256-SHA256-PAYLOAD", new string('0', 64)]),
        input => input.Length,
        input => PayloadHeader.Parse(input, out _));

    private static string HeaderOf(S3Call call, string name) => call.Head.Split("\r\n").Single(line => line.StartsWith(name + ": ", StringComparison.Ordinal))[(name.Length + 2)..];

    private static string QueryOf(S3Call call) => call.Head.Split(' ')[1].Split('?')[1];

    private static Gen<string> Mostly(string valid, string[] grammar) => Gen.Frequency((3, Gen.Const(valid)), (1, Inputs(valid, grammar)));

    private static Gen<string> Inputs(string valid, string[] grammar) => Gen.Frequency((3, Near(valid)), (2, Mix(grammar)));

    // What is in order, with up to three places cut out, repeated, written over or filled with something troublesome.
    private static Gen<string> Near(string valid)
    {
        Gen<(int, int, int, string)> edit = Gen.Select(
            Gen.Int[0, 3], Gen.Int[0, 100_000], Gen.Int[1, 12], Gen.Frequency((1, OneOf(Numbers)), (1, OneOf(Texts))));
        return edit.Array[0, 3].Select(edits => edits.Aggregate(valid, (text, one) =>
        {
            (int kind, int place, int length, string piece) = one;
            int at = place % (text.Length + 1), end = Math.Min(text.Length, at + length);
            return text[..at] + kind switch { 0 => "", 1 => text[at..end] + text[at..end], 2 => piece, _ => piece + text[at..end] } + text[end..];
        }));
    }

    // A few pieces in a row: of the grammar, of numbers, of troublesome text, or of nothing sensible.
    private static Gen<string> Mix(string[] grammar)
    {
        Gen<string> piece = Gen.Frequency(
            (6, OneOf(grammar)), (2, OneOf(Numbers)), (2, OneOf(Texts)), (1, Gen.String[0, 40]));
        return piece.Array[0, 24].Select(string.Concat);
    }

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(at => values[at]);

    private static int Done(ValueTask<int> read)
        => read.IsCompleted ? read.GetAwaiter().GetResult() : throw new InvalidOperationException("it waits although all bytes are there");

    private void Fuzz<T>(Gen<T> inputs, Func<T, int> size, Action<T> target)
    {
        long samples = 0, refused = 0;

        // One thread: what it allocates is measured.
        inputs.Sample(
            input =>
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    target(input);
                }
                catch (S3Exception)
                {
                    refused++;
                }

                long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

                // The first calls load and compile code on this thread.
                if (++samples > 100 && allocated > BaseBytesMax + ((long)size(input) * BytesPerByteMax))
                    throw new InvalidOperationException($"{allocated} bytes allocated for {size(input)}");
            },
            iter: Seconds > 0 ? -1 : IterationsMin, time: Seconds > 0 ? Seconds : -1, threads: 1);
        output.WriteLine($"{samples} inputs, {refused} refused");
        Assert.True(samples >= IterationsMin, $"only {samples} inputs");
        Assert.True(refused < samples, "nothing was ever accepted: what lies behind the first check was not reached");
    }
}
