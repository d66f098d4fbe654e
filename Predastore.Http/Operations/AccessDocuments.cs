using Predastore.Actors.Metadata;
using Predastore.Http.Auth;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>The AccessControlPolicy document: read, written, and the grantees in it.</summary>
internal static class AccessDocuments
{
    /// <summary>Grants in one list.</summary>
    public const int GrantsMax = 100;

    private const string GroupUris = "http://acs.amazonaws.com/groups/";

    private static readonly (string Name, string Uri)[] Groups =
    [
        (AccessLists.AllUsers, GroupUris + "global/AllUsers"),
        (AccessLists.AuthenticatedUsers, GroupUris + "global/AuthenticatedUsers"),
        (AccessLists.LogDelivery, GroupUris + "s3/LogDelivery"),
    ];

    /// <summary>Reads a document. The owner in it must be the owner there is.</summary>
    /// <exception cref="S3Exception">MalformedACLError, AccessDenied, InvalidArgument, UnresolvableGrantByEmailAddress.</exception>
    public static GrantList Read(S3Request request, XmlNode root, string owner)
    {
        string ownerId = root["Owner"]?.TextOf("ID") ?? throw new S3Exception(S3Error.MalformedAcl);
        if (request.Accounts.FindGrantee(ownerId)?.Id != owner && ownerId != Owners.Of(request, owner).CanonicalId)
            throw new S3Exception(S3Error.AccessDenied);
        var grants = new GrantList();
        XmlNode list = root["AccessControlList"] ?? throw new S3Exception(S3Error.MalformedAcl);
        foreach (XmlNode node in list.All("Grant"))
        {
            string permission = node.TextOf("Permission") ?? "";
            if (node["Grantee"] is not { } grantee || !AccessLists.Permissions.Contains(permission) || grants.Items.Count == GrantsMax)
                throw new S3Exception(S3Error.MalformedAcl);
            grants.Items.Add(ReadGrantee(request.Accounts, grantee, permission));
        }

        return grants;
    }

    /// <summary>Answers with a document: groups first, as clients expect that sort by name.</summary>
    public static Task WriteAsync(S3Request request, string owner, IReadOnlyList<Grant> grants) => request.WriteAsync(xml =>
    {
        xml.Declaration().Root("AccessControlPolicy");
        Owners.Write(xml, "Owner", request, owner);
        xml.Open("AccessControlList");
        foreach (Grant grant in grants.OrderBy(grant => grant.Group.Length == 0))
        {
            xml.Open("Grant");
            if (grant.Group.Length > 0)
            {
                xml.OpenGrantee("Group").Element("URI", Groups.First(group => group.Name == grant.Group).Uri).Close();
            }
            else
            {
                Account account = Owners.Of(request, grant.Account);
                xml.OpenGrantee("CanonicalUser").Element("ID", account.CanonicalId).Element("DisplayName", account.DisplayName).Close();
            }

            xml.Element("Permission", grant.Permission).Close();
        }

        xml.Close().Close();
    });

    /// <summary>A grant to the account of a canonical id.</summary>
    public static Grant ById(IAccounts accounts, string id, string permission)
        => accounts.FindGrantee(id) is { } account && account.CanonicalId == id
            ? new Grant { Account = account.Id, Permission = permission }
            : throw S3Error.InvalidArgument.With("ArgumentName", "CanonicalUser/ID", "Invalid id");

    /// <summary>A grant to the account of an address.</summary>
    public static Grant ByEmail(IAccounts accounts, string email, string permission)
        => email.Contains('@') && accounts.FindGrantee(email) is { } account
            ? new Grant { Account = account.Id, Permission = permission }
            : throw new S3Exception(S3Error.UnresolvableGrantByEmail);

    /// <summary>A grant to a group.</summary>
    public static Grant ByUri(string uri, string permission)
        => Array.Find(Groups, group => group.Uri == uri).Name is { } name
            ? new Grant { Group = name, Permission = permission }
            : throw S3Error.InvalidArgument.With("ArgumentName", "Group/URI", "Invalid group uri");

    private static Grant ReadGrantee(IAccounts accounts, XmlNode grantee, string permission)
    {
        string? id = grantee.TextOf("ID"), uri = grantee.TextOf("URI"), email = grantee.TextOf("EmailAddress");
        return (grantee.Type, id, uri, email) switch
        {
            ("CanonicalUser" or null, { } text, _, _) => ById(accounts, text, permission),
            ("Group" or null, _, { } text, _) => ByUri(text, permission),
            ("AmazonCustomerByEmail" or null, _, _, { } text) => ByEmail(accounts, text, permission),
            _ => throw new S3Exception(S3Error.MalformedAcl),
        };
    }
}
