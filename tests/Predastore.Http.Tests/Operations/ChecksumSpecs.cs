using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Http.Tests.Door;

namespace Predastore.Http.Tests.Operations;

public sealed class ChecksumSpecs : IAsyncLifetime
{
    // The check values of CRC catalogues: of the text "123456789".
    private const string Text = "123456789";
    private static readonly Dictionary<string, string> Known = new()
    {
        ["crc32"] = Convert.ToBase64String(Convert.FromHexString("CBF43926")),
        ["crc32c"] = Convert.ToBase64String(Convert.FromHexString("E3069283")),
        ["crc64nvme"] = Convert.ToBase64String(Convert.FromHexString("AE8B14860A799888")),
        ["sha1"] = Convert.ToBase64String(SHA1.HashData("123456789"u8)),
        ["sha256"] = Convert.ToBase64String(SHA256.HashData("123456789"u8)),
    };

    private TestDoor _door = null!;
    private AmazonS3Client _s3 = null!;
    private HttpClient _http = null!;
    private string _bucket = "";

    public static TheoryData<string> Algorithms => [.. Known.Keys];

    // Requests here are unsigned: what the headers say is not what an SDK would.
    public async Task InitializeAsync()
    {
        _door = await TestDoor.OpenAsync();
        (_s3, _http) = (_door.AsMain(), _door.Http());
        _bucket = await _door.BucketAsync();
        await _s3.PutBucketAclAsync(new PutBucketAclRequest { BucketName = _bucket, ACL = S3CannedACL.PublicReadWrite });
    }

    public async Task DisposeAsync() => await _door.DisposeAsync();

    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task Checksum_in_a_header_should_be_verified_and_returned_only_on_demand(string algorithm)
    {
        string header = "x-amz-checksum-" + algorithm;
        using HttpResponseMessage put = await PutAsync((header, Known[algorithm]));
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        Assert.Equal(Known[algorithm], put.Headers.GetValues(header).Single());
        using HttpResponseMessage plain = await GetAsync();
        Assert.False(plain.Headers.Contains(header));
        using HttpResponseMessage asked = await GetAsync(("x-amz-checksum-mode", "ENABLED"));
        Assert.Equal(Known[algorithm], asked.Headers.GetValues(header).Single());
        Assert.Equal("FULL_OBJECT", asked.Headers.GetValues("x-amz-checksum-type").Single());
        using HttpResponseMessage range = await GetAsync(("x-amz-checksum-mode", "ENABLED"), ("Range", "bytes=0-3"));
        Assert.False(range.Headers.Contains(header));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task Wrong_checksum_should_store_nothing(string algorithm)
    {
        byte[] wrong = Convert.FromBase64String(Known[algorithm]);
        wrong[0] ^= 1;
        foreach (string value in new[] { Convert.ToBase64String(wrong), "bad" })
        {
            using HttpResponseMessage put = await PutAsync(("x-amz-checksum-" + algorithm, value));
            Assert.Equal("BadDigest", await CodeAsync(put));
        }

        Assert.Equal(HttpStatusCode.NotFound, (await TestDoor.RefusedAsync(() => _s3.GetObjectMetadataAsync(_bucket, "k"))).Status);
    }

    [Fact]
    public async Task Object_without_a_checksum_should_get_the_default_one()
    {
        using HttpResponseMessage put = await PutAsync();
        Assert.Equal(Known["crc64nvme"], put.Headers.GetValues("x-amz-checksum-crc64nvme").Single());
    }

    [Fact]
    public async Task Content_md5_should_be_verified()
    {
        string right = Convert.ToBase64String(MD5.HashData("123456789"u8)), other = Convert.ToBase64String(MD5.HashData("other"u8));
        using HttpResponseMessage malformed = await PutAsync(("Content-MD5", "bad"));
        Assert.Equal("InvalidDigest", await CodeAsync(malformed));
        using HttpResponseMessage wrong = await PutAsync(("Content-MD5", other));
        Assert.Equal("BadDigest", await CodeAsync(wrong));
        using HttpResponseMessage put = await PutAsync(("Content-MD5", right));
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
    }

    [Fact]
    public async Task Two_checksums_should_be_refused()
    {
        using HttpResponseMessage put = await PutAsync(("x-amz-checksum-sha1", Known["sha1"]), ("x-amz-checksum-crc32", Known["crc32"]));
        Assert.Equal("InvalidRequest", await CodeAsync(put));
    }

    [Fact]
    public async Task Body_in_transfer_chunks_should_be_stored_whole()
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/{_bucket}/k") { Content = new StringContent(Text) };
        request.Headers.TransferEncodingChunked = true;
        using HttpResponseMessage put = await _http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        Assert.Equal(Text.Length, (await _s3.GetObjectMetadataAsync(_bucket, "k")).ContentLength);
    }

    private async Task<HttpResponseMessage> PutAsync(params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/{_bucket}/k") { Content = new StringContent(Text) };
        foreach ((string name, string value) in headers)
        {
            HttpHeaders target = name == "Content-MD5" ? request.Content.Headers : request.Headers;
            target.TryAddWithoutValidation(name, value);
        }

        return await _http.SendAsync(request);
    }

    // Read by its owner's rights: the object belongs to nobody.
    private async Task<HttpResponseMessage> GetAsync(params (string Name, string Value)[] headers)
    {
        await _s3.PutObjectAclAsync(new PutObjectAclRequest { BucketName = _bucket, Key = "k", ACL = S3CannedACL.PublicRead });
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/{_bucket}/k");
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await _http.SendAsync(request);
    }

    private static async Task<string> CodeAsync(HttpResponseMessage response)
    {
        string document = await response.Content.ReadAsStringAsync();
        return System.Xml.Linq.XDocument.Parse(document).Root!.Element("Code")!.Value;
    }
}
