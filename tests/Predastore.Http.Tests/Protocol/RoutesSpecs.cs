using Microsoft.AspNetCore.Http;
using Predastore.Http.Protocol;

namespace Predastore.Http.Tests.Protocol;

public sealed class RoutesSpecs
{
    [Theory]
    [InlineData("GET", "/", S3Operation.ListBuckets)]
    [InlineData("PUT", "/b/k", S3Operation.PutObject)]
    [InlineData("PUT", "/b/k?acl", S3Operation.PutObjectAcl)]
    [InlineData("PUT", "/b/k?tagging", S3Operation.PutObjectTagging)]
    [InlineData("DELETE", "/b/k?tagging", S3Operation.DeleteObjectTagging)]
    [InlineData("DELETE", "/b?cors", S3Operation.BucketSubresource)]
    [InlineData("PUT", "/b/k?retention", S3Operation.PutObjectRetention)]
    [InlineData("GET", "/b?list-type=2", S3Operation.ListObjectsV2)]
    [InlineData("GET", "/b?uploads", S3Operation.ListMultipartUploads)]
    [InlineData("PUT", "/b/k?partNumber=1&uploadId=x", S3Operation.UploadPart)]
    [InlineData("GET", "/b/k?x-id=GetObject&versionId=1", S3Operation.GetObject)]
    public void Target_should_find_its_own_operation(string method, string target, S3Operation operation)
        => Assert.Equal(operation, Find(method, target, []).Operation);

    [Fact]
    public void Copy_source_should_make_a_copy()
        => Assert.Equal(S3Operation.CopyObject, Find("PUT", "/b/k", new HeaderDictionary { [Routes.CopySource] = "b/x" }).Operation);

    /// <summary>Every sub-resource that changes something has a route of its own: none falls through to the plain document.</summary>
    [Fact]
    public void No_known_subresource_should_fall_through()
    {
        foreach (string subresource in Routes.All.Where(route => route.Scope != RouteScope.Service).Select(route => route.Subresource).Distinct())
        {
            // list-type selects a listing only with the value 2.
            if (subresource is "" or "list-type")
                continue;
            foreach (string method in new[] { "PUT", "DELETE", "POST" })
            {
                foreach (string path in new[] { "/b", "/b/k" })
                {
                    RouteScope scope = path == "/b" ? RouteScope.Bucket : RouteScope.Object;
                    if (!Routes.All.Any(route => route.Scope == scope && route.Subresource == subresource))
                        continue;
                    try
                    {
                        Assert.Equal(subresource, Find(method, $"{path}?{subresource}", []).Subresource);
                    }
                    catch (S3Exception refused)
                    {
                        Assert.Equal("MethodNotAllowed", refused.Error.Code);
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData("PUT", "/b/k?policy")]
    [InlineData("DELETE", "/b/k?lifecycle")]
    [InlineData("PUT", "/b/k?versioning")]
    [InlineData("DELETE", "/b?retention")]
    [InlineData("PUT", "/b?legal-hold")]
    public void Subresource_of_another_scope_should_be_refused(string method, string target)
        => Assert.Equal("MethodNotAllowed", Assert.Throws<S3Exception>(() => Find(method, target, [])).Error.Code);

    private static Route Find(string method, string target, HeaderDictionary headers)
    {
        RawTarget raw = RawTarget.Parse(target);
        return Routes.Find(method, ResourceName.From(raw, "127.0.0.1:8443", []), raw, headers);
    }
}
