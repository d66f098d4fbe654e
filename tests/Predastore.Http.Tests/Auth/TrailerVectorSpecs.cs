using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http;
using Predastore.Actors.Metadata;
using Predastore.Http.Auth;
using Predastore.Http.Protocol;

namespace Predastore.Http.Tests.Auth;

/// <summary>
/// The example of the AWS documentation (Transferring Payload in Multiple Chunks, with trailing headers), whole: the request's signature, that of
/// every chunk and that of the trailer.
/// </summary>
public sealed class TrailerVectorSpecs
{
    private const string Seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    private const string Trailer = "x-amz-checksum-crc32c:sOO8/Q==";
    private const int Bytes = 66_560;

    private static readonly (int Length, string Signature)[] Chunks =
    [
        (65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"),
        (1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"),
        (0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"),
    ];

    [Fact]
    public async Task Documented_body_with_a_trailer_should_be_accepted()
    {
        using VerifiedBody body = Open(Encoded());
        using var decoded = new MemoryStream();
        await body.CopyToAsync(decoded);
        Assert.Equal(Bytes, decoded.Length);
        Assert.All(decoded.ToArray(), b => Assert.Equal((byte)'a', b));
    }

    [Theory]
    [InlineData("sOO8/Q==", "sOO8/R==")]
    [InlineData("signature:d81f", "signature:d81e")]
    [InlineData("signature=2ca2", "signature=2ca3")]
    [InlineData("signature=b474", "signature=b475")]
    public async Task Documented_body_that_was_changed_should_be_refused(string from, string to)
    {
        string text = Encoded();
        Assert.Contains(from, text);
        using VerifiedBody body = Open(text.Replace(from, to, StringComparison.Ordinal));
        S3Exception refused = await Assert.ThrowsAsync<S3Exception>(() => body.CopyToAsync(Stream.Null));
        Assert.Equal("SignatureDoesNotMatch", refused.Error.Code);
    }

    private static string Encoded()
    {
        var text = new StringBuilder();
        foreach ((int length, string signature) in Chunks)
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"{length:x};chunk-signature={signature}\r\n").Append('a', length).Append(length > 0 ? "\r\n" : "");
        return text.Append(Trailer).Append("\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n").ToString();
    }

    private static VerifiedBody Open(string encoded)
    {
        var headers = new HeaderDictionary
        {
            ["Host"] = "s3.amazonaws.com",
            ["Content-Encoding"] = "aws-chunked",
            ["x-amz-content-sha256"] = PayloadHeader.ChunkedSignedTrailer,
            ["x-amz-date"] = "20130524T000000Z",
            ["x-amz-decoded-content-length"] = "66560",
            ["x-amz-storage-class"] = "REDUCED_REDUNDANCY",
            ["x-amz-trailer"] = "x-amz-checksum-crc32c",
            ["Authorization"] = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                + $"SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer,Signature={Seed}",
        };
        var key = new AccessKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", new Account("123456789012", "me", "c"));
        AuthResult auth = new Authenticator(new FixedAccounts([key]), "us-east-1", new FixedTime())
            .Authenticate("PUT", RawTarget.Parse("/examplebucket/chunkObject.txt"), headers);
        var chunked = new AwsChunkedBody(
            PipeReader.Create(new MemoryStream(Encoding.ASCII.GetBytes(encoded))), Bytes, auth.Payload, auth.Chunks, ["x-amz-checksum-crc32c"]);
        return new VerifiedBody(
            chunked, new BodyExpectations(Bytes, null, null, ChecksumAlgorithm.ChecksumCrc32C, null, "x-amz-checksum-crc32c"), chunked);
    }

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2013, 5, 24, 0, 0, 0, TimeSpan.Zero);
    }
}
