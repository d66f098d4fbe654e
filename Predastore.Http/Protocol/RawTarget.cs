namespace Predastore.Http.Protocol;

/// <summary>One query parameter: as it came, and decoded once. <paramref name="Value"/> is "" without '='.</summary>
public readonly record struct QueryParameter(string RawName, string RawValue, string Name, string Value);

/// <summary>
/// A request target as it stood on the wire. Signatures and keys come from here and never from a framework's path: that one
/// has lost dot segments and escapes, so it would sign, authorise and store different strings.
/// </summary>
public sealed class RawTarget
{
    /// <summary>Parameters in one query; more are refused.</summary>
    public const int ParametersMax = 64;

    private RawTarget(string path, IReadOnlyList<QueryParameter> parameters)
    {
        Path = path;
        Parameters = parameters;
    }

    /// <summary>The path, undecoded, with its leading slash.</summary>
    public string Path { get; }

    /// <summary>The query in its order, duplicates included.</summary>
    public IReadOnlyList<QueryParameter> Parameters { get; }

    /// <summary>Reads origin-form, or absolute-form, whose authority is ignored.</summary>
    /// <exception cref="S3Exception">InvalidURI.</exception>
    public static RawTarget Parse(string target)
    {
        ReadOnlySpan<char> rest = target;
        if (!rest.StartsWith('/'))
        {
            int scheme = rest.IndexOf("://", StringComparison.Ordinal);
            if (scheme < 0)
                throw S3Error.InvalidUri.Because("The request target is not a path.");
            rest = rest[(scheme + 3)..];
            int path = rest.IndexOfAny('/', '?');
            rest = path < 0 ? "/" : rest[path] == '?' ? string.Concat("/", rest[path..]) : rest[path..];
        }

        int fragment = rest.IndexOf('#');
        if (fragment >= 0)
            rest = rest[..fragment];
        int query = rest.IndexOf('?');
        return query < 0
            ? new RawTarget(rest.ToString(), [])
            : new RawTarget(rest[..query].ToString(), ParseQuery(rest[(query + 1)..]));
    }

    /// <summary>The decoded value of the first parameter of that name; null if there is none.</summary>
    public string? this[string name]
    {
        get
        {
            foreach (QueryParameter parameter in Parameters)
            {
                if (parameter.Name == name)
                    return parameter.Value;
            }

            return null;
        }
    }

    /// <summary>True if the parameter is there, with or without a value.</summary>
    public bool Has(string name) => this[name] is not null;

    private static List<QueryParameter> ParseQuery(ReadOnlySpan<char> query)
    {
        var result = new List<QueryParameter>();
        foreach (Range range in query.Split('&'))
        {
            ReadOnlySpan<char> pair = query[range];
            if (pair.IsEmpty)
                continue;
            if (result.Count == ParametersMax)
                throw S3Error.InvalidArgument.Because($"More than {ParametersMax} query parameters.");
            int equals = pair.IndexOf('=');
            ReadOnlySpan<char> name = equals < 0 ? pair : pair[..equals];
            ReadOnlySpan<char> value = equals < 0 ? default : pair[(equals + 1)..];
            if (!PercentCoding.TryDecode(name, plusIsSpace: true, out string plainName)
                || !PercentCoding.TryDecode(value, plusIsSpace: true, out string plainValue))
                throw S3Error.InvalidUri.Because("A query parameter is not valid percent-encoded UTF-8.");
            result.Add(new QueryParameter(name.ToString(), value.ToString(), plainName, plainValue));
        }

        return result;
    }
}
