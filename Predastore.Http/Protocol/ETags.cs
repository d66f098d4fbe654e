namespace Predastore.Http.Protocol;

/// <summary>Entity tags: stored as bare hex, sent quoted, accepted either way.</summary>
public static class ETags
{
    /// <summary>With quotes.</summary>
    public static string Quote(string etag) => string.Concat("\"", etag, "\"");

    /// <summary>Without quotes and without the weak prefix.</summary>
    public static string Bare(string etag)
    {
        ReadOnlySpan<char> text = etag.AsSpan().Trim();
        if (text.StartsWith("W/"))
            text = text[2..];
        return text.Trim('"').ToString();
    }

    /// <summary>The bare tags of an If-Match or If-None-Match list; "*" stands for itself.</summary>
    public static List<string> ParseList(string header)
    {
        var tags = new List<string>();
        foreach (string item in header.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            tags.Add(Bare(item));
        return tags;
    }
}
