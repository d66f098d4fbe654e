using Microsoft.AspNetCore.Http;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>GET and PUT object?retention. What may change is decided where the change is applied.</summary>
internal static class ObjectRetention
{
    public static async Task GetAsync(S3Request request)
    {
        QueryResult found = await ObjectLocks.FindAsync(request);
        if (found.Version.Retention is not { Mode: not LockMode.LockNone } retention)
            throw new S3Exception(S3Error.NoSuchObjectLockConfiguration);
        await request.WriteAsync(xml => xml.Declaration().Root("Retention").Element("Mode", LockModes.Name(retention.Mode))
            .Element("RetainUntilDate", HttpDate.FormatIsoExact(retention.UntilMs)).Close());
    }

    public static async Task PutAsync(S3Request request)
    {
        QueryResult found = await ObjectLocks.FindAsync(request);
        XmlNode root = await request.ReadXmlAsync("Retention", mustHaveDigest: true);
        UpdateVersion update = NamedVersion.Update(request, found);
        update.SetRetention = Read(root.TextOf("Mode"), root.TextOf("RetainUntilDate"));
        update.BypassGovernance = DeleteObject.Bypass(request, found.Bucket);
        await NamedVersion.ExecuteAsync(request, found, update);
        await request.Empty(StatusCodes.Status200OK);
    }

    // Neither of both takes the retention away, where that is allowed.
    private static Retention Read(string? mode, string? until)
    {
        if (mode is null && until is null)
            return new Retention();
        return LockModes.Parse(mode) is { } known && HttpDate.TryParseIso(until, out long untilMs)
            ? new Retention { Mode = known, UntilMs = untilMs }
            : throw new S3Exception(S3Error.MalformedXml);
    }
}

/// <summary>GET and PUT object?legal-hold.</summary>
internal static class ObjectLegalHold
{
    public static async Task GetAsync(S3Request request)
    {
        QueryResult found = await ObjectLocks.FindAsync(request);
        if (!found.Version.LegalHold && !found.Version.LegalHoldKnown)
            throw new S3Exception(S3Error.NoSuchObjectLockConfiguration);
        await request.WriteAsync(xml => xml.Declaration().Root("LegalHold")
            .Element("Status", found.Version.LegalHold ? "ON" : "OFF").Close());
    }

    public static async Task PutAsync(S3Request request)
    {
        QueryResult found = await ObjectLocks.FindAsync(request);
        XmlNode root = await request.ReadXmlAsync("LegalHold", mustHaveDigest: true);
        UpdateVersion update = NamedVersion.Update(request, found);
        update.LegalHold = root.TextOf("Status") switch
        {
            "ON" => true,
            "OFF" => false,
            _ => throw new S3Exception(S3Error.MalformedXml),
        };
        await NamedVersion.ExecuteAsync(request, found, update);
        await request.Empty(StatusCodes.Status200OK);
    }
}

/// <summary>What the two have in common.</summary>
internal static class ObjectLocks
{
    /// <summary>The version, in a bucket with object lock. Locks are the bucket owner's: a guest could make his data undeletable.</summary>
    /// <exception cref="S3Exception">InvalidRequest without object lock; otherwise as <see cref="NamedVersion.FindAsync"/>.</exception>
    public static async Task<QueryResult> FindAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Owner);
        if (!bucket.ObjectLock)
            throw S3Error.InvalidRequest.Because("Bucket is missing Object Lock Configuration");
        return await NamedVersion.FindAsync(request, Permission.Owner);
    }
}

/// <summary>The names of lock modes.</summary>
internal static class LockModes
{
    public static string Name(LockMode mode) => mode == LockMode.LockCompliance ? "COMPLIANCE" : "GOVERNANCE";

    /// <summary>Null for anything else; case matters.</summary>
    public static LockMode? Parse(string? name) => name switch
    {
        "GOVERNANCE" => LockMode.LockGovernance,
        "COMPLIANCE" => LockMode.LockCompliance,
        _ => null,
    };
}
