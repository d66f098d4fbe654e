using System.Text;

namespace Predastore.Http.Tests.Wire;

/// <summary>Makes aws-chunked bodies, from the specification and apart from the product.</summary>
internal static class ChunkedBody
{
    private const string Empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// <summary>A PUT whose chunks, and trailers if there are any, are signed.</summary>
    public static S3Call Signed(S3Call call, byte[][] chunks, params (string Name, string Value)[] trailers)
    {
        S3Call put = Declared(
            call, chunks, trailers, trailers.Length > 0 ? "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" : "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
        using var body = new MemoryStream();
        string previous = put.Signature;
        foreach (byte[] chunk in (byte[][])[.. chunks, []])
        {
            previous = Next(put, "AWS4-HMAC-SHA256-PAYLOAD", previous, $"{Empty}\n{TestSigner.Sha256(chunk)}");
            Write(body, $"{chunk.Length:x};chunk-signature={previous}\r\n");
            body.Write(chunk);
            Write(body, chunk.Length > 0 || trailers.Length == 0 ? "\r\n" : "");
        }

        if (trailers.Length == 0)
            return put with { Body = body.ToArray() };
        foreach ((string name, string value) in trailers)
            Write(body, $"{name}:{value}\r\n");
        string signed = string.Concat(trailers.Select(trailer => $"{trailer.Name}:{trailer.Value}\n"));
        Write(body, $"x-amz-trailer-signature:{Next(put, "AWS4-HMAC-SHA256-TRAILER", previous, TestSigner.Sha256(signed))}\r\n\r\n");
        return put with { Body = body.ToArray() };
    }

    /// <summary>A PUT whose chunks are not signed, with trailers.</summary>
    public static S3Call Unsigned(S3Call call, byte[][] chunks, params (string Name, string Value)[] trailers)
    {
        using var body = new MemoryStream();
        foreach (byte[] chunk in chunks)
        {
            Write(body, $"{chunk.Length:x}\r\n");
            body.Write(chunk);
            Write(body, "\r\n");
        }

        Write(body, "0\r\n" + string.Concat(trailers.Select(trailer => $"{trailer.Name}:{trailer.Value}\r\n")) + "\r\n");
        return Declared(call, chunks, trailers, "STREAMING-UNSIGNED-PAYLOAD-TRAILER") with { Body = body.ToArray() };
    }

    /// <summary>CRC32 (IEEE) in base64, as a header carries it.</summary>
    public static string Crc32(byte[] bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xEDB88320 & (uint)-(int)(crc & 1));
        }

        byte[] value = new byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(value, ~crc);
        return Convert.ToBase64String(value);
    }

    private static S3Call Declared(S3Call call, byte[][] chunks, (string Name, string Value)[] trailers, string payload)
    {
        var headers = new List<(string, string)>(call.Headers) { ("x-amz-decoded-content-length", $"{chunks.Sum(chunk => chunk.Length)}") };
        if (trailers.Length > 0)
            headers.Add(("x-amz-trailer", string.Join(',', trailers.Select(trailer => trailer.Name))));
        return call with { Headers = headers, Payload = payload };
    }

    private static string Next(S3Call call, string kind, string previous, string rest)
        => TestSigner.Hex(TestSigner.Hmac(call.SigningKey, string.Join('\n', kind, call.Date, call.Scope, previous, rest)));

    private static void Write(MemoryStream body, string text) => body.Write(Encoding.Latin1.GetBytes(text));
}
