using System.Globalization;
using Microsoft.AspNetCore.Http;
using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>GET and PUT bucket?object-lock: switches object lock on, for ever, and sets the default retention of new versions.</summary>
internal static class ObjectLockConfiguration
{
    private const int DaysMax = 36_500;
    private const int YearsMax = 100;

    public static async Task GetAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Owner);
        if (!bucket.ObjectLock)
            throw S3Error.ObjectLockConfigurationNotFound.With("BucketName", bucket.Name);
        await request.WriteAsync(xml =>
        {
            xml.Declaration().Root("ObjectLockConfiguration").Element("ObjectLockEnabled", "Enabled");
            if (bucket.DefaultRetention is { Mode: not LockMode.LockNone } rule)
            {
                xml.Open("Rule").Open("DefaultRetention").Element("Mode", LockModes.Name(rule.Mode));
                if (rule.Days > 0)
                    xml.Element("Days", rule.Days);
                else
                    xml.Element("Years", rule.Years);
                xml.Close().Close();
            }

            xml.Close();
        });
    }

    public static async Task PutAsync(S3Request request)
    {
        BucketRow bucket = await request.BucketAsync(Permission.Owner);
        XmlNode root = await request.ReadXmlAsync("ObjectLockConfiguration", mustHaveDigest: true);
        if (root.TextOf("ObjectLockEnabled") != "Enabled")
            throw new S3Exception(S3Error.MalformedXml);
        var update = new UpdateBucket { Name = bucket.Name, BucketId = bucket.Id, ObjectLock = true, SetDefaultRetention = true };
        if (root["Rule"] is { } rule)
            update.DefaultRetention = Read(rule["DefaultRetention"] ?? throw new S3Exception(S3Error.MalformedXml));
        CommandResult result = await request.Store.ExecuteAsync(new Command { UpdateBucket = update }, request.Cancel);
        if (result.Code == ResultCode.ResultInvalidState)
            throw S3Error.InvalidBucketState.Because("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration");
        Results.Require(result.Code, result.Message);
        await request.Empty(StatusCodes.Status200OK);
    }

    private static DefaultRetention Read(XmlNode node)
    {
        string? days = node.TextOf("Days"), years = node.TextOf("Years");
        if (days is null == years is null)
            throw new S3Exception(S3Error.MalformedXml);
        return new DefaultRetention
        {
            Mode = LockModes.Parse(node.TextOf("Mode")) ?? throw new S3Exception(S3Error.MalformedXml),
            Days = days is null ? 0 : Period(days, DaysMax),
            Years = years is null ? 0 : Period(years, YearsMax),
        };
    }

    private static uint Period(string text, int max)
    {
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long period))
            throw new S3Exception(S3Error.MalformedXml);
        if (period <= 0)
            throw S3Error.InvalidRetentionPeriod.Because("Default retention period must be a positive integer value.");
        return period <= max ? (uint)period : throw S3Error.InvalidRetentionPeriod.Because("Default retention period too large.");
    }
}
