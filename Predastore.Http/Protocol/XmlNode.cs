using System.Text;
using System.Xml;

namespace Predastore.Http.Protocol;

/// <summary>
/// A request document, read with every bound on: no DTD, no entity, bounded bytes, depth and elements. Names are local names, so
/// documents with and without the namespace read alike.
/// </summary>
public sealed class XmlNode
{
    /// <summary>Nesting allowed; S3's deepest document has 6.</summary>
    public const int DepthMax = 16;

    /// <summary>Elements allowed: 10,000 parts with two elements and a checksum each, and room.</summary>
    public const int ElementsMax = 60_000;

    /// <summary>Longest tag, in bytes: a reader keeps every attribute of one, and S3's documents have at most one.</summary>
    public const int TagBytesMax = 4096;

    private readonly List<XmlNode> _children = [];

    // Text comes in as many pieces as there are comments in it: joined one by one they would cost the square of their number.
    private StringBuilder? _text;

    private XmlNode(string name) => Name = name;

    public string Name { get; }

    /// <summary>Its own text; "" if it has none.</summary>
    public string Text { get; private set; } = "";

    /// <summary>The value of an <c>xsi:type</c> attribute; null if there is none.</summary>
    public string? Type { get; private set; }

    public IReadOnlyList<XmlNode> Children => _children;

    /// <summary>The first child of that name.</summary>
    public XmlNode? this[string name] => _children.Find(child => child.Name == name);

    /// <summary>Text of the first child of that name; null if there is none.</summary>
    public string? TextOf(string name) => this[name]?.Text;

    /// <summary>All children of that name.</summary>
    public IEnumerable<XmlNode> All(string name) => _children.Where(child => child.Name == name);

    /// <summary>Reads a document whose root must have one of the names.</summary>
    /// <exception cref="S3Exception">MalformedXML.</exception>
    public static XmlNode Parse(ReadOnlyMemory<byte> document, params ReadOnlySpan<string> roots)
    {
        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = Math.Max(1, document.Length),
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
            CheckCharacters = false,
        };
        try
        {
            CheckTags(document.Span);
            using var stream = new MemoryStream(document.ToArray(), writable: false);
            using var reader = XmlReader.Create(stream, settings);
            XmlNode root = Read(reader);
            if (!roots.Contains(root.Name))
                throw new S3Exception(S3Error.MalformedXml);
            return root;
        }
        catch (Exception error) when (error is XmlException or InvalidOperationException or ArgumentException)
        {
            throw new S3Exception(S3Error.MalformedXml);
        }
    }

    private static void CheckTags(ReadOnlySpan<byte> document)
    {
        while (document.IndexOf((byte)'<') is >= 0 and int start)
        {
            document = document[start..];
            int end = document[..Math.Min(document.Length, TagBytesMax)].IndexOf((byte)'>');
            if (end < 0)
                throw new S3Exception(S3Error.MalformedXml);
            document = document[end..];
        }
    }

    private static XmlNode Read(XmlReader reader)
    {
        var stack = new Stack<XmlNode>();
        XmlNode? root = null;
        int elements = 0;
        while (reader.Read())
        {
            switch (reader.NodeType)
            {
                case XmlNodeType.Element:
                    if (++elements > ElementsMax || stack.Count >= DepthMax)
                        throw new S3Exception(S3Error.MalformedXml);
                    var node = new XmlNode(reader.LocalName)
                    {
                        Type = reader.GetAttribute("type", "http://www.w3.org/2001/XMLSchema-instance"),
                    };
                    if (stack.TryPeek(out XmlNode? parent))
                        parent._children.Add(node);
                    else
                        root = node;
                    if (!reader.IsEmptyElement)
                        stack.Push(node);
                    break;
                case XmlNodeType.EndElement:
                    XmlNode ended = stack.Pop();
                    ended.Text = ended._text?.ToString() ?? "";
                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.SignificantWhitespace or XmlNodeType.Whitespace:
                    // White space counts only where there is no child: a key of one space is a key.
                    if (stack.TryPeek(out XmlNode? owner) && (owner._children.Count == 0 || !string.IsNullOrWhiteSpace(reader.Value)))
                        (owner._text ??= new StringBuilder()).Append(reader.Value);
                    break;
            }
        }

        return root ?? throw new S3Exception(S3Error.MalformedXml);
    }
}
