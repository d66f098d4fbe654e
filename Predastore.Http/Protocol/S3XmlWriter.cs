using System.Buffers;
using System.Globalization;
using System.Text;

namespace Predastore.Http.Protocol;

/// <summary>Writes S3's answers as UTF-8 XML straight into a buffer. Not thread-safe.</summary>
/// <param name="output">Where the bytes go; the caller flushes.</param>
public sealed class S3XmlWriter(IBufferWriter<byte> output)
{
    /// <summary>Namespace of every result; error documents have none.</summary>
    public const string Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

    private readonly Stack<string> _open = new();

    /// <summary>The declaration; first of all.</summary>
    public S3XmlWriter Declaration()
    {
        Raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"u8);
        return this;
    }

    /// <summary>Opens the root of a result, with the namespace.</summary>
    public S3XmlWriter Root(string name)
    {
        _open.Push(name);
        Raw("<"u8);
        Name(name);
        Raw(" xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"u8);
        return this;
    }

    /// <summary>Opens an element.</summary>
    public S3XmlWriter Open(string name)
    {
        _open.Push(name);
        Raw("<"u8);
        Name(name);
        Raw(">"u8);
        return this;
    }

    /// <summary>Opens a grantee, the only element of S3 with an attribute.</summary>
    public S3XmlWriter OpenGrantee(string type)
    {
        _open.Push("Grantee");
        Raw("<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\""u8);
        Name(type);
        Raw("\">"u8);
        return this;
    }

    /// <summary>Closes the innermost open element.</summary>
    public S3XmlWriter Close()
    {
        Raw("</"u8);
        Name(_open.Pop());
        Raw(">"u8);
        return this;
    }

    /// <summary>An element with text. Null text leaves it out.</summary>
    public S3XmlWriter Element(string name, string? text)
    {
        if (text is null)
            return this;
        Raw("<"u8);
        Name(name);
        Raw(">"u8);
        Text(text);
        Raw("</"u8);
        Name(name);
        Raw(">"u8);
        return this;
    }

    /// <summary>An element with a number.</summary>
    public S3XmlWriter Element(string name, long value) => Element(name, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>An element with <c>true</c> or <c>false</c>.</summary>
    public S3XmlWriter Element(string name, bool value) => Element(name, value ? "true" : "false");

    /// <summary>An element with a time, in milliseconds precision as S3 writes it.</summary>
    public S3XmlWriter Time(string name, long unixMs) => Element(name, HttpDate.FormatIso(unixMs));

    /// <summary>A space between elements: keeps a connection alive while the answer is being made.</summary>
    public S3XmlWriter Space()
    {
        Raw(" "u8);
        return this;
    }

    /// <summary>Text of the innermost open element.</summary>
    public S3XmlWriter Text(string text)
    {
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            // XML 1.0 has no way to carry control characters: the reference at least tells the reader which key it is, and a
            // client that wants to parse it asks for encoding-type=url.
            string? escape = c switch
            {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                < ' ' or '\x7F' or '\uFFFE' or '\uFFFF' => $"&#x{(int)c:X};",
                _ => null,
            };
            if (escape is null)
                continue;
            Encode(text.AsSpan(start, i - start));
            Encode(escape);
            start = i + 1;
        }

        Encode(text.AsSpan(start));
        return this;
    }

    private void Encode(ReadOnlySpan<char> text)
    {
        if (!text.IsEmpty)
            _ = Encoding.UTF8.GetBytes(text, output);
    }

    private void Name(string name) => Encode(name);

    private void Raw(ReadOnlySpan<byte> bytes) => output.Write(bytes);
}
