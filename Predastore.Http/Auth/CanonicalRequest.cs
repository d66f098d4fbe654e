using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Predastore.Http.Protocol;

namespace Predastore.Http.Auth;

/// <summary>Builds the canonical request from the raw target and the headers as they came.</summary>
public static class CanonicalRequest
{
    /// <summary>
    /// Hex SHA-256 of the canonical request. Header values hold one byte per character; signers take non-ASCII ones either as the
    /// bytes they send or as UTF-8 of those characters: <paramref name="headersAsUtf8"/>.
    /// </summary>
    /// <param name="plus">What a raw '+' in the query stands for; signers differ.</param>
    public static string Hash(
        string method, RawTarget target, IHeaderDictionary headers, IReadOnlyList<string> signedHeaders, string payload,
        char plus, bool headersAsUtf8)
    {
        var text = new StringBuilder(512);
        text.Append(method).Append('\n')
            .Append(PercentCoding.Canonicalize(target.Path, keepSlash: true)).Append('\n');
        AppendQuery(text, target, plus);
        text.Append('\n');
        foreach (string name in signedHeaders)
            text.Append(name).Append(':').Append(HeaderValue(headers, name)).Append('\n');
        text.Append('\n').AppendJoin(';', signedHeaders).Append('\n').Append(payload);
        byte[] bytes = (headersAsUtf8 ? Encoding.UTF8 : Encoding.Latin1).GetBytes(text.ToString());
        return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
    }

    /// <summary>True if a signed header has bytes over 0x7F, so that its two readings differ.</summary>
    public static bool HasNonAscii(IHeaderDictionary headers, IReadOnlyList<string> signedHeaders)
    {
        foreach (string name in signedHeaders)
        {
            if (!Ascii.IsValid(headers[name].ToString()))
                return true;
        }

        return false;
    }

    private static void AppendQuery(StringBuilder text, RawTarget target, char plus)
    {
        var pairs = new List<(string Name, string Value)>(target.Parameters.Count);
        foreach (QueryParameter parameter in target.Parameters)
        {
            if (parameter.Name != "X-Amz-Signature")
                pairs.Add((PercentCoding.Canonicalize(parameter.RawName, keepSlash: false, plus),
                    PercentCoding.Canonicalize(parameter.RawValue, keepSlash: false, plus)));
        }

        pairs.Sort(static (a, b) =>
        {
            int order = string.CompareOrdinal(a.Name, b.Name);
            return order != 0 ? order : string.CompareOrdinal(a.Value, b.Value);
        });
        for (int i = 0; i < pairs.Count; i++)
        {
            if (i > 0)
                text.Append('&');
            text.Append(pairs[i].Name).Append('=').Append(pairs[i].Value);
        }
    }

    private static string HeaderValue(IHeaderDictionary headers, string name)
    {
        StringValues values = headers[name];
        // Proxies answer Expect themselves and take it off: what was signed is known all the same.
        if (values.Count == 0)
            return name == "expect" ? "100-continue" : "";
        var text = new StringBuilder();
        for (int i = 0; i < values.Count; i++)
        {
            if (i > 0)
                text.Append(',');
            AppendCollapsed(text, values[i].AsSpan().Trim(" \t"));
        }

        return text.ToString();
    }

    private static void AppendCollapsed(StringBuilder text, ReadOnlySpan<char> value)
    {
        bool space = false;
        foreach (char c in value)
        {
            if (c is not (' ' or '\t') || !space)
                text.Append(c is '\t' ? ' ' : c);
            space = c is ' ' or '\t';
        }
    }
}
