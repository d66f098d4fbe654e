using System.Text;
using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Security;

/// <summary>What is wrong with a signature, and the answer to it.</summary>
public sealed class SignatureSpecs(DoorFixture fixture) : IClassFixture<DoorFixture>
{
    private const string Object = $"/{DoorFixture.Bucket}/{DoorFixture.Key}";

    private S3Call Get => fixture.Door.Call("GET", Object);

    private S3Call Put => fixture.Door.Call("PUT", Object, "overwritten"u8.ToArray());

    [Theory]
    [InlineData("Credential=", "Credentials=", "AuthorizationHeaderMalformed")]
    [InlineData("SignedHeaders=", "Signed=", "AuthorizationHeaderMalformed")]
    [InlineData("Signature=", "Signature=x,Signature=", "AuthorizationHeaderMalformed")]
    [InlineData(",SignedHeaders=", ",More=1,SignedHeaders=", "AuthorizationHeaderMalformed")]
    [InlineData("/aws4_request", "/aws3_request", "AuthorizationHeaderMalformed")]
    [InlineData("/s3/aws4", "/ec2/aws4", "AuthorizationHeaderMalformed")]
    [InlineData("/eu-test-1/", "/us-east-1/", "AuthorizationHeaderMalformed")]
    [InlineData("/s3/aws4_request", "/aws4_request", "AuthorizationHeaderMalformed")]
    [InlineData("Credential=AKIAMAIN", "Credential=AKIANOBODY", "InvalidAccessKeyId")]
    [InlineData("Authorization: AWS4-HMAC-SHA256 ", "Authorization: AWS AKIAMAIN:abc ", "InvalidRequest")]
    [InlineData("Authorization: AWS4-HMAC-SHA256 ", "Authorization: AWS4-ECDSA-P256-SHA256 ", "InvalidRequest")]
    [InlineData("Authorization: AWS4-HMAC-SHA256 ", "Authorization: Basic ", "InvalidArgument")]
    [InlineData("Authorization: AWS4-HMAC-SHA256 ", "Authorization: AWS4-HMAC-SHA256X ", "InvalidArgument")]
    [InlineData("x-amz-date: ", "x-other-date: ", "AccessDenied")]
    [InlineData("x-amz-date: 2", "x-amz-date: 1", "AuthorizationHeaderMalformed")]
    [InlineData("x-amz-content-sha256: ", "x-other-sha256: ", "InvalidRequest")]
    [InlineData("x-amz-content-sha256: ", "x-amz-content-sha256: 0", "InvalidArgument")]
    [InlineData("SignedHeaders=host;", "SignedHeaders=", "AccessDenied")]
    [InlineData("GET /private", "GET /public", "SignatureDoesNotMatch")]
    [InlineData("GET ", "DELETE ", "SignatureDoesNotMatch")]
    [InlineData("kept HTTP", "kept?versionId=null HTTP", "SignatureDoesNotMatch")]
    [InlineData("Host: 127.0.0.1", "Host: 127.0.0.2", "SignatureDoesNotMatch")]
    public async Task S10_changed_authorization_should_be_refused(string from, string to, string code)
    {
        S3Call call = Get with { BendHead = head => Bend(head, from, to) };
        RawAnswer answer = await call.SendAsync();
        Assert.Equal(code, answer.Code);
        Assert.InRange(answer.Status, 400, 403);
        Assert.DoesNotContain(DoorFixture.Content, answer.Body);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(-16)]
    public async Task S10_clock_that_is_16_minutes_off_should_be_refused(int minutes)
        => Assert.Equal("RequestTimeTooSkewed", (await (Get with { Time = DateTimeOffset.UtcNow.AddMinutes(minutes) }).SendAsync()).Code);

    [Theory]
    [InlineData(14)]
    [InlineData(-14)]
    public async Task S10_clock_that_is_14_minutes_off_should_be_accepted(int minutes)
        => Assert.Equal(200, (await (Get with { Time = DateTimeOffset.UtcNow.AddMinutes(minutes) }).SendAsync()).Status);

    [Fact]
    public async Task S10_body_other_than_the_signed_one_should_be_refused()
    {
        RawAnswer answer = await (Put with { Payload = TestSigner.Sha256("something else") }).SendAsync();
        Assert.Equal((400, "XAmzContentSHA256Mismatch"), (answer.Status, answer.Code));
        await fixture.AssertKeptAsync();
    }

    [Theory]
    [InlineData("PUT", "/signed-empty", "", "")]
    [InlineData("PUT", $"/{DoorFixture.Bucket}", "acl=", "x-amz-acl")]
    [InlineData("PUT", Object, "acl=", "x-amz-acl")]
    public async Task S10_body_that_was_signed_and_is_not_there_should_be_refused(string method, string path, string query, string header)
    {
        S3Call call = fixture.Door.Call(method, path) with
        {
            Query = query.Length > 0 ? [query] : [], Headers = header.Length > 0 ? [(header, "public-read")] : [],
            Payload = TestSigner.Sha256("something"),
        };
        int before = fixture.Door.Store.Commands;
        RawAnswer answer = await call.SendAsync();
        Assert.Equal((400, "XAmzContentSHA256Mismatch"), Of(answer));
        Assert.Equal(before, fixture.Door.Store.Commands);
    }

    [Theory]
    [InlineData($"/{DoorFixture.Bucket}")]
    [InlineData(Object)]
    public async Task Head_that_was_signed_for_another_region_should_be_told_this_one(string path)
    {
        S3Call head = fixture.Door.Call("HEAD", path) with { BendHead = head => Bend(head, "/eu-test-1/", "/us-east-1/") };
        RawAnswer answer = await head.SendAsync();
        Assert.Equal((400, WireDoor.Region), (answer.Status, answer.Headers.GetValueOrDefault("x-amz-bucket-region")));
    }

    [Theory]
    [InlineData("x-amz-acl", "public-read")]
    [InlineData("x-amz-tagging", "a=b")]
    [InlineData("x-amz-meta-colour", "red")]
    [InlineData("x-amz-copy-source", "/private/kept")]
    [InlineData("x-amz-storage-class", "GLACIER")]
    [InlineData("x-amz-object-lock-mode", "COMPLIANCE")]
    [InlineData("x-amz-bypass-governance-retention", "true")]
    [InlineData("X-AMZ-ACL", "public-read")]
    public async Task S4_SeaweedFS_9121_header_added_to_a_signed_request_should_be_refused(string name, string value)
    {
        foreach (Proof proof in new[] { Proof.Header, Proof.Query })
        {
            RawAnswer answer = await (Put with { Proof = proof, Unsigned = [(name, value)] }).SendAsync();
            Assert.Equal((403, "AccessDenied", name.ToLowerInvariant()), (answer.Status, answer.Code, answer.Element("HeadersNotSigned")));
        }

        await fixture.AssertKeptAsync();
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("604801")]
    [InlineData("soon")]
    [InlineData("99999999999999999999")]
    public async Task S11_presigned_url_with_a_wrong_lifetime_should_be_refused(string expires)
    {
        RawAnswer answer = await (Get with { Proof = Proof.Query, Expires = expires }).SendAsync();
        Assert.Equal("AuthorizationQueryParametersError", answer.Code);
        Assert.InRange(answer.Status, 400, 403);
    }

    [Theory]
    [InlineData(-2, "AccessDenied")]
    [InlineData(20, "AccessDenied")]
    public async Task S11_presigned_url_outside_its_time_should_be_refused(int minutes, string code)
    {
        RawAnswer answer = await (Get with { Proof = Proof.Query, Time = DateTimeOffset.UtcNow.AddMinutes(minutes) }).SendAsync();
        Assert.Equal((403, code), (answer.Status, answer.Code));
    }

    [Theory]
    [InlineData("/kept?", "/keep?", "SignatureDoesNotMatch")]
    [InlineData("/private/", "/public/", "SignatureDoesNotMatch")]
    [InlineData("GET ", "PUT ", "SignatureDoesNotMatch")]
    [InlineData("GET ", "HEAD ", "")]
    [InlineData("X-Amz-Expires=60", "X-Amz-Expires=61", "SignatureDoesNotMatch")]
    [InlineData("&X-Amz-Date", "&versionId=null&X-Amz-Date", "SignatureDoesNotMatch")]
    [InlineData("&X-Amz-Date", "&tagging&X-Amz-Date", "SignatureDoesNotMatch")]
    [InlineData("Host: 127.0.0.1", "Host: elsewhere", "SignatureDoesNotMatch")]
    [InlineData("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=none", "AuthorizationQueryParametersError")]
    [InlineData("X-Amz-Signature=", "X-Amz-Signature=0&X-Amz-Signature=", "AuthorizationQueryParametersError")]
    [InlineData("&X-Amz-SignedHeaders=host", "", "AuthorizationQueryParametersError")]
    [InlineData("X-Amz-Date=", "X-Amz-Date=x", "AuthorizationQueryParametersError")]
    public async Task S11_changed_presigned_url_should_be_refused(string from, string to, string code)
    {
        RawAnswer answer = await (Get with { Proof = Proof.Query, BendHead = head => Bend(head, from, to) }).SendAsync();
        Assert.Equal(code, answer.Code);
        Assert.InRange(answer.Status, 400, 403);
    }

    [Theory]
    [InlineData("UNSIGNED-PAYLOAD", 403, "AccessDenied")]
    [InlineData("STREAMING-UNSIGNED-PAYLOAD-TRAILER", 403, "AccessDenied")]
    [InlineData(null, 400, "XAmzContentSHA256Mismatch")]
    public async Task S11_presigned_hash_of_the_body_should_not_be_replaced_by_a_header(string? header, int status, string code)
    {
        string meant = TestSigner.Sha256("what was meant");
        S3Call put = Put with
        {
            Proof = Proof.Query, SignedPayload = meant, Query = [$"X-Amz-Content-Sha256={meant}"],
            Unsigned = header is null ? [] : [("x-amz-content-sha256", header)],
        };
        RawAnswer answer = await put.SendAsync();
        Assert.Equal((status, code), Of(answer));
        await fixture.AssertKeptAsync();

        S3Call right = put with { Path = $"/{DoorFixture.Bucket}/meant", Body = "what was meant"u8.ToArray(), Unsigned = [] };
        Assert.Equal(200, (await right.SendAsync()).Status);
        Assert.Equal(200, (await (right with { Unsigned = [("x-amz-content-sha256", meant)] }).SendAsync()).Status);
    }

    [Fact]
    public async Task S11_presigned_url_should_work_as_it_was_made()
    {
        RawAnswer answer = await (Get with { Proof = Proof.Query }).SendAsync();
        Assert.Equal((200, DoorFixture.Content), (answer.Status, answer.Body));
    }

    [Fact]
    public async Task Header_that_a_presigner_moved_into_the_query_should_mean_what_it_meant()
    {
        S3Call put = fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/hoisted", "x"u8.ToArray()) with
        {
            Proof = Proof.Query, Query = ["x-amz-meta-colour=blue"],
        };
        Assert.Equal(200, (await put.SendAsync()).Status);
        Assert.Equal("blue", (await fixture.Door.Call("GET", $"/{DoorFixture.Bucket}/hoisted").SendAsync()).Headers["x-amz-meta-colour"]);
    }

    /// <summary>The last byte of their UTF-8 form is white space to whoever takes bytes for characters.</summary>
    [Theory]
    [InlineData("voil\u00E0")]
    [InlineData("\u0420")]
    [InlineData("a\u0105b\u0105")]
    [InlineData("\u00C5")]
    public async Task Header_that_is_signed_as_text_should_be_kept_byte_for_byte(string text)
    {
        string wire = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));
        S3Call put = fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/text", "x"u8.ToArray()) with
        {
            Headers = [("x-amz-meta-word", text)], BendHead = head => Bend(head, text, wire),
        };
        Assert.Equal(200, (await put.SendAsync()).Status);
        Assert.Equal(wire, (await fixture.Door.Call("GET", $"/{DoorFixture.Bucket}/text").SendAsync()).Headers["x-amz-meta-word"]);
    }

    [Theory]
    [InlineData("X-Minio-Source-Replication-Request", "true")]
    [InlineData("X-Minio-Replication-Actual-Object-Size", "1")]
    [InlineData("X-Minio-Internal-Server-Side-Encryption-Sealed-Key", "a2V5")]
    [InlineData("X-Minio-Encrypted-Multipart", "")]
    [InlineData("X-Rustfs-Internal-Actual-Size", "1")]
    [InlineData("x-amz-replication-status", "REPLICA")]
    [InlineData("x-amz-meta-x-minio-internal-server-side-encryption-s3-sealed-key", "a2V5")]
    [InlineData("x-seaweedfs-file-key", "1")]
    [InlineData("X-Forwarded-Host", "elsewhere")]
    public async Task S5_CVE_2026_34204_internal_header_of_a_server_should_not_damage_the_object(string name, string value)
    {
        S3Call put = fixture.Door.Call("PUT", $"/{DoorFixture.Bucket}/internal", Encoding.Latin1.GetBytes(name)) with { Headers = [(name, value)] };
        int status = (await put.SendAsync()).Status;
        Assert.Contains(status, new[] { 200, 400 });
        if (status == 400)
            return;
        S3Call get = fixture.Door.Call("GET", $"/{DoorFixture.Bucket}/internal");
        RawAnswer answer = await get.SendAsync();
        Assert.Equal((200, name), (answer.Status, answer.Body));
        RawAnswer head = await (get with { Method = "HEAD" }).SendAsync();
        Assert.Equal((200, $"{name.Length}"), (head.Status, head.Headers["Content-Length"]));
        S3Call copy = put with { Path = $"/{DoorFixture.Bucket}/copied", Body = [], Headers = [("x-amz-copy-source", $"{DoorFixture.Bucket}/internal")] };
        Assert.Equal(200, (await copy.SendAsync()).Status);
        Assert.Equal(name, (await (get with { Path = copy.Path }).SendAsync()).Body);
    }

    [Theory]
    [InlineData("/private/kept")]
    [InlineData("private/kept")]
    [InlineData("private/kept?versionId=null")]
    [InlineData("private%2Fkept")]
    public async Task S6_CVE_2026_39360_copy_should_need_the_right_to_read_its_source(string source)
    {
        S3Call mine = fixture.Door.Call("PUT", "/others") with { Key = WireDoor.Other };
        Assert.Contains((await mine.SendAsync()).Status, new[] { 200, 409 });
        S3Call copy = mine with { Path = "/others/stolen", Headers = [("x-amz-copy-source", source)] };
        Assert.Equal((403, "AccessDenied"), Of(await copy.SendAsync()));

        S3Call create = mine with { Method = "POST", Path = "/others/parts", Query = ["uploads"] };
        string upload = (await create.SendAsync()).Element("UploadId");
        S3Call part = copy with { Path = "/others/parts", Query = ["partNumber=1", $"uploadId={upload}"] };
        Assert.Equal((403, "AccessDenied"), Of(await part.SendAsync()));
        Assert.Equal(404, (await (mine with { Method = "GET", Path = "/others/stolen" }).SendAsync()).Status);
    }

    private static (int, string) Of(RawAnswer answer) => (answer.Status, answer.Code);

    private static string Bend(string head, string from, string to)
    {
        Assert.Contains(from, head, StringComparison.Ordinal);
        return head.Replace(from, to, StringComparison.Ordinal);
    }
}
