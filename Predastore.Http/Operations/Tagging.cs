using Predastore.Actors.Metadata;
using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>Rules of tag sets, and their document.</summary>
internal static class Tagging
{
    public const int ObjectTagsMax = 10;
    public const int BucketTagsMax = 50;
    private const int NameMax = 128;
    private const int ValueMax = 256;

    /// <summary>Throws unless the set is one that S3 takes.</summary>
    /// <param name="tags">The set.</param>
    /// <param name="tagsMax">Tags allowed.</param>
    /// <param name="tooMany">What more of them are: a header's are another error than a document's.</param>
    public static void Check(IReadOnlyCollection<Pair> tags, int tagsMax, S3Error tooMany)
    {
        if (tags.Count > tagsMax)
            throw tooMany.Because($"Object tags cannot be greater than {tagsMax}");
        if (tags.Select(tag => tag.Name).Distinct(StringComparer.Ordinal).Count() != tags.Count)
            throw S3Error.InvalidTag.Because("Cannot provide multiple Tags with the same key");
        foreach (Pair tag in tags)
        {
            if (tag.Name.Length is 0 or > NameMax)
                throw S3Error.InvalidTag.Because("The TagKey you have provided is invalid");
            if (tag.Value.Length > ValueMax)
                throw S3Error.InvalidTag.Because("The TagValue you have provided is invalid");
        }
    }

    /// <summary>Reads a Tagging document.</summary>
    public static async Task<List<Pair>> ReadAsync(S3Request request, int tagsMax)
    {
        XmlNode root = await request.ReadXmlAsync("Tagging");
        List<Pair> tags = [.. (root["TagSet"] ?? throw new S3Exception(S3Error.MalformedXml)).All("Tag")
            .Select(tag => new Pair { Name = tag.TextOf("Key") ?? "", Value = tag.TextOf("Value") ?? "" })];
        Check(tags, tagsMax, S3Error.InvalidTag);
        return tags;
    }

    /// <summary>Writes a Tagging document, in the order of the names.</summary>
    public static void Write(S3XmlWriter xml, IEnumerable<Pair> tags)
    {
        xml.Declaration().Root("Tagging").Open("TagSet");
        foreach (Pair tag in tags.OrderBy(tag => tag.Name, StringComparer.Ordinal))
            xml.Open("Tag").Element("Key", tag.Name).Element("Value", tag.Value).Close();
        xml.Close().Close();
    }
}
