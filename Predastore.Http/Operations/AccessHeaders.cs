using Predastore.Actors.Metadata;
using Predastore.Http.Auth;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>The access control list that a request asks for by header: a canned one, or grants, or neither.</summary>
/// <param name="Canned">"" for none.</param>
/// <param name="Grants">Null for none.</param>
internal readonly record struct WantedAccess(string Canned, GrantList? Grants)
{
    public bool IsGiven => Canned.Length > 0 || Grants is not null;
}

/// <summary><c>x-amz-acl</c> and <c>x-amz-grant-*</c>.</summary>
internal static class AccessHeaders
{
    private const string GrantPrefix = "x-amz-grant-";

    private static readonly (string Header, string Permission)[] GrantHeaders =
    [
        (GrantPrefix + "read", AccessLists.Read), (GrantPrefix + "write", AccessLists.Write),
        (GrantPrefix + "read-acp", AccessLists.ReadAcp), (GrantPrefix + "write-acp", AccessLists.WriteAcp),
        (GrantPrefix + "full-control", AccessLists.FullControl),
    ];

    /// <summary>Reads them.</summary>
    /// <exception cref="S3Exception">InvalidArgument, UnresolvableGrantByEmailAddress, or InvalidRequest for both kinds at once.</exception>
    public static WantedAccess Read(S3Request request)
    {
        GrantList? grants = null;
        foreach ((string header, string permission) in GrantHeaders)
        {
            if (request.Header(header) is not { } text)
                continue;
            grants ??= new GrantList();
            foreach (string grantee in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                grants.Items.Add(Grantee(request.Accounts, grantee, permission));
        }

        if (grants?.Items.Count > AccessDocuments.GrantsMax)
            throw S3Error.InvalidArgument.Because($"An access control list has at most {AccessDocuments.GrantsMax} grants.");
        if (request.Header("x-amz-acl") is not { } acl)
            return new WantedAccess("", grants);
        if (grants is not null)
            throw S3Error.InvalidRequest.Because("Specifying both Canned ACLs and Header Grants is not allowed");
        return AccessLists.Canned.Contains(acl)
            ? new WantedAccess(acl, null)
            : throw S3Error.InvalidArgument.With("ArgumentName", "x-amz-acl", $"{acl} is no canned ACL.");
    }

    // id="...", uri="..." or emailAddress="..."; the quotes may be missing.
    private static Grant Grantee(IAccounts accounts, string text, string permission)
    {
        int at = text.IndexOf('=');
        string kind = at < 0 ? "" : text[..at].Trim();
        string value = at < 0 ? "" : text[(at + 1)..].Trim().Trim('"');
        return kind.ToLowerInvariant() switch
        {
            "id" => AccessDocuments.ById(accounts, value, permission),
            "emailaddress" => AccessDocuments.ByEmail(accounts, value, permission),
            "uri" => AccessDocuments.ByUri(value, permission),
            _ => throw S3Error.InvalidArgument.Because("A grantee is id=\"...\", uri=\"...\" or emailAddress=\"...\"."),
        };
    }
}
