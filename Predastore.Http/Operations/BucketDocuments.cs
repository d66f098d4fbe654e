using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>Documents of bucket settings that are fixed, or as empty as nobody has set them.</summary>
internal static class BucketDocuments
{
    public static async Task VersioningAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Owner);
        await request.WriteAsync(xml =>
        {
            xml.Declaration().Root("VersioningConfiguration");
            if (bucket.Versioning != Versioning.Off)
                xml.Element("Status", bucket.Versioning == Versioning.Enabled ? "Enabled" : "Suspended");
            xml.Close();
        });
    }

    public static Task AccelerateAsync(S3Request request) => EmptyAsync(request, "AccelerateConfiguration");

    public static Task LoggingAsync(S3Request request) => EmptyAsync(request, "BucketLoggingStatus");

    public static Task NotificationAsync(S3Request request) => EmptyAsync(request, "NotificationConfiguration");

    public static async Task RequestPaymentAsync(S3Request request)
    {
        await request.BucketAsync(Permission.Owner);
        await request.WriteAsync(xml => xml.Declaration().Root("RequestPaymentConfiguration").Element("Payer", "BucketOwner").Close());
    }

    public static async Task AclAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.ReadAcp);
        await WriteAclAsync(request, bucket.Owner, bucket.Acl);
    }

    public static async Task TaggingAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Owner);
        if (bucket.Tags.Count == 0)
            throw new S3Exception(S3Error.NoSuchTagSet);
        await request.WriteAsync(xml => Tagging.Write(xml, bucket.Tags));
    }

    /// <summary>The grants that a canned ACL stands for.</summary>
    public static Task WriteAclAsync(S3Request request, string owner, string acl) => request.WriteAsync(xml =>
    {
        xml.Declaration().Root("AccessControlPolicy");
        Owners.Write(xml, "Owner", request, owner);
        xml.Open("AccessControlList");
        xml.Open("Grant").OpenGrantee("CanonicalUser");
        Auth.Account? account = request.Accounts.FindAccount(owner);
        xml.Element("ID", account?.CanonicalId ?? owner).Element("DisplayName", account?.DisplayName ?? owner).Close();
        xml.Element("Permission", "FULL_CONTROL").Close();
        string? group = acl switch
        {
            "public-read" or "public-read-write" => "http://acs.amazonaws.com/groups/global/AllUsers",
            "authenticated-read" => "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
            _ => null,
        };
        foreach (string permission in acl == "public-read-write" ? (string[])["READ", "WRITE"] : ["READ"])
        {
            if (group is null)
                continue;
            xml.Open("Grant").OpenGrantee("Group").Element("URI", group).Close().Element("Permission", permission).Close();
        }

        xml.Close().Close();
    });

    private static async Task EmptyAsync(S3Request request, string root)
    {
        await request.BucketAsync(Permission.Owner);
        await request.WriteAsync(xml => xml.Declaration().Root(root).Close());
    }
}
