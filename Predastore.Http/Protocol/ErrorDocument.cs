using System.Buffers;

namespace Predastore.Http.Protocol;

/// <summary>The error document: <c>&lt;Error&gt;</c> without a namespace.</summary>
public static class ErrorDocument
{
    /// <summary>Content type of every S3 document.</summary>
    public const string ContentType = "application/xml";

    /// <summary>Writes it. Nothing of the server's inside is in it: no path, no stack.</summary>
    public static void Write(IBufferWriter<byte> output, S3Exception error, string resource, string requestId, string hostId)
    {
        var xml = new S3XmlWriter(output);
        xml.Declaration().Open("Error")
            .Element("Code", error.Error.Code)
            .Element("Message", error.Error.Message);
        foreach ((string name, string value) in error.Details)
            xml.Element(name, value);
        xml.Element("Resource", resource)
            .Element("RequestId", requestId)
            .Element("HostId", hostId)
            .Close();
    }
}
