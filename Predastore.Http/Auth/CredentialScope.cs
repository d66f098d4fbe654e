using System.Globalization;

namespace Predastore.Http.Auth;

/// <summary>An access key id with the scope it signs for: <c>id/yyyymmdd/region/s3/aws4_request</c>.</summary>
public readonly record struct CredentialScope(string AccessKeyId, string Date, string Region, string Service, string Terminator)
{
    /// <summary>Everything after the id.</summary>
    public string Scope => string.Join('/', Date, Region, Service, Terminator);

    /// <summary>Reads a credential; an id may itself contain slashes. False if a component is missing or the date is none.</summary>
    public static bool TryParse(string text, out CredentialScope scope)
    {
        scope = default;
        string[] parts = text.Split('/');
        if (parts.Length < 5 || text.Length > 512)
            return false;
        scope = new CredentialScope(string.Join('/', parts[..^4]), parts[^4], parts[^3], parts[^2], parts[^1]);
        return scope.AccessKeyId.Length > 0 && scope.Region.Length > 0
            && DateTime.TryParseExact(scope.Date, "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
    }
}
