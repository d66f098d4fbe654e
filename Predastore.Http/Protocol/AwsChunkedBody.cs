using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using Predastore.Http.Auth;
using Predastore.Shards;

namespace Predastore.Http.Protocol;

/// <summary>
/// Decodes an aws-chunked body as it is read, with chunk and trailer signatures where the mode has them. Nothing is allocated from
/// a declared size. Bytes are handed on before their chunk's signature is known: who reads must not keep anything unless the
/// end was reached without an exception.
/// </summary>
/// <remarks>
/// <code>
/// chunk   = hex-size [";chunk-signature=" 64 hex] CRLF data CRLF
/// last    = "0" [";chunk-signature=" 64 hex] CRLF *(name ":" value CRLF) ["x-amz-trailer-signature:" 64 hex CRLF] CRLF
/// </code>
/// Lines may end in LF alone: some clients write trailers so. minio-go has one empty line more than that: before the signature of
/// the trailers, or at the end where they have none. Source: Amazon S3 API reference, "Signature Calculations for the Authorization
/// Header: Transferring Payload in Multiple Chunks".
/// </remarks>
/// <param name="input">The encoded body; not completed here.</param>
/// <param name="decodedLength">The declared <c>x-amz-decoded-content-length</c>.</param>
/// <param name="mode">One of the chunked modes.</param>
/// <param name="signer">The chain of signatures; null in the unsigned mode.</param>
/// <param name="announced">Names that the <c>x-amz-trailer</c> header announces, in lower case.</param>
public sealed class AwsChunkedBody(
    PipeReader input, long decodedLength, PayloadMode mode, ChunkSigner? signer, IReadOnlyList<string> announced) : ForwardStream
{
    /// <summary>Longest line of framing, in bytes.</summary>
    public const int LineBytesMax = 2048;

    /// <summary>Trailers of one body.</summary>
    public const int TrailersMax = 16;

    /// <summary>Signed chunks other than the last are at least this large: each costs an HMAC.</summary>
    public const int SignedChunkBytesMin = 8192;

    private const string ChunkSignature = "chunk-signature=";
    private const string TrailerSignature = "x-amz-trailer-signature";

    private static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

    private readonly Dictionary<string, string> _trailers = new(StringComparer.Ordinal);
    private readonly IncrementalHash? _sha256 = signer is null ? null : IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private string _signature = "";
    private long _decoded;
    private long _chunkLeft;
    private long _chunkSize;
    private bool _inChunk;
    private bool _ended;

    /// <summary>Trailers by lower-case name; complete once the end was read.</summary>
    public IReadOnlyDictionary<string, string> Trailers => _trailers;

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        while (!_ended)
        {
            if (_chunkLeft > 0)
                return await ReadDataAsync(buffer, cancellationToken);
            if (_inChunk)
                await EndChunkAsync(cancellationToken);
            await BeginChunkAsync(cancellationToken);
        }

        return 0;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _sha256?.Dispose();
        base.Dispose(disposing);
    }

    private async ValueTask<int> ReadDataAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        ReadResult read = await input.ReadAsync(cancel);
        ReadOnlySequence<byte> bytes = read.Buffer;
        if (bytes.IsEmpty)
        {
            input.AdvanceTo(bytes.End);
            if (read.IsCompleted || read.IsCanceled)
                throw new S3Exception(S3Error.IncompleteBody);
            return await ReadDataAsync(buffer, cancel);
        }

        int count = (int)Math.Min(Math.Min(buffer.Length, _chunkLeft), bytes.Length);
        ReadOnlySequence<byte> taken = bytes.Slice(0, count);
        taken.CopyTo(buffer.Span);
        _sha256?.AppendData(buffer.Span[..count]);
        input.AdvanceTo(taken.End);
        _chunkLeft -= count;
        _decoded += count;
        return count;
    }

    private async ValueTask BeginChunkAsync(CancellationToken cancel)
    {
        string line = await ReadLineAsync(cancel) ?? throw new S3Exception(S3Error.IncompleteBody);
        int semicolon = line.IndexOf(';');
        ReadOnlySpan<char> size = (semicolon < 0 ? line : line.AsSpan(0, semicolon)).Trim();
        if (size.IsEmpty || size.Length > 16
            || !long.TryParse(size, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long length) || length < 0)
            throw S3Error.InvalidChunkSize.Because("The size of a chunk is not a valid hexadecimal number.");
        if (length > decodedLength - _decoded)
            throw S3Error.IncompleteBody.Because("The chunks hold more bytes than x-amz-decoded-content-length declares.");
        if (signer is not null)
        {
            string extension = semicolon < 0 ? "" : line[(semicolon + 1)..].Trim();
            if (!extension.StartsWith(ChunkSignature, StringComparison.Ordinal))
                throw S3Error.SignatureDoesNotMatch.Because("A chunk has no signature.");
            _signature = extension[ChunkSignature.Length..];
            if (length > 0 && _inChunk && _chunkSize < SignedChunkBytesMin)
                throw new S3Exception(S3Error.InvalidChunkSize);
        }

        _inChunk = true;
        _chunkSize = _chunkLeft = length;
        if (length == 0)
            await EndBodyAsync(cancel);
    }

    private async ValueTask EndChunkAsync(CancellationToken cancel)
    {
        if (await ReadLineAsync(cancel) is not "")
            throw S3Error.IncompleteBody.Because("A chunk is not followed by a line end.");
        CheckChunkSignature();
    }

    private void CheckChunkSignature()
    {
        if (signer is not null && !signer.TryChunk(Convert.ToHexStringLower(_sha256!.GetHashAndReset()), _signature))
            throw S3Error.SignatureDoesNotMatch.Because("The signature of a chunk does not match.");
    }

    private async ValueTask EndBodyAsync(CancellationToken cancel)
    {
        CheckChunkSignature();
        if (_decoded != decodedLength)
            throw new S3Exception(S3Error.IncompleteBody);
        var signed = new StringBuilder();
        string? trailerSignature = null;
        bool skipped = false;
        while (await ReadLineAsync(cancel) is { } line)
        {
            if (line.Length == 0)
            {
                if (skipped || mode != PayloadMode.ChunkedSignedTrailer || trailerSignature is not null || _trailers.Count != announced.Count)
                    break;
                skipped = true;
                continue;
            }

            int colon = line.IndexOf(':');
            if (colon <= 0 || _trailers.Count == TrailersMax || trailerSignature is not null || mode == PayloadMode.ChunkedSigned)
                throw new S3Exception(S3Error.MalformedTrailer);
            string name = line[..colon].Trim().ToLowerInvariant(), value = line[(colon + 1)..].Trim();
            if (name == TrailerSignature)
            {
                trailerSignature = value;
                continue;
            }

            if (!announced.Contains(name) || !_trailers.TryAdd(name, value))
                throw new S3Exception(S3Error.MalformedTrailer);
            signed.Append(name).Append(':').Append(value).Append('\n');
        }

        if (_trailers.Count != announced.Count)
            throw new S3Exception(S3Error.MalformedTrailer);
        if (mode == PayloadMode.ChunkedSignedTrailer && !signer!.TryTrailer(SigV4.Sha256Hex(signed.ToString()), trailerSignature ?? ""))
            throw S3Error.SignatureDoesNotMatch.Because("The signature of the trailers does not match.");
        await ExpectEndAsync(cancel);
        _ended = true;
    }

    private async ValueTask ExpectEndAsync(CancellationToken cancel)
    {
        while (true)
        {
            ReadResult read = await input.ReadAsync(cancel);
            ReadOnlySequence<byte> rest = read.Buffer;
            bool allowed = rest.IsEmpty
                || (mode == PayloadMode.ChunkedUnsignedTrailer && rest.Length <= 2 && LineEnd.StartsWith(rest.ToArray()));
            bool half = rest.Length is > 0 and < 2;
            input.AdvanceTo(read.IsCompleted ? rest.End : rest.Start, rest.End);
            if (!allowed || (read.IsCompleted && half))
                throw S3Error.MalformedTrailer.Because("There are bytes after the end of the body.");
            if (read.IsCompleted)
                return;
        }
    }

    /// <summary>A line without its end; null if the input ends before one begins.</summary>
    private async ValueTask<string?> ReadLineAsync(CancellationToken cancel)
    {
        while (true)
        {
            ReadResult read = await input.ReadAsync(cancel);
            ReadOnlySequence<byte> bytes = read.Buffer;
            SequencePosition? end = bytes.PositionOf((byte)'\n');
            if (end is { } at)
            {
                ReadOnlySequence<byte> line = bytes.Slice(0, at);
                if (line.Length > LineBytesMax)
                    throw LineTooLong(bytes);
                string text = Encoding.Latin1.GetString(line).TrimEnd('\r');
                input.AdvanceTo(bytes.GetPosition(1, at));
                return text;
            }

            if (bytes.Length > LineBytesMax)
                throw LineTooLong(bytes);
            if (read.IsCompleted || read.IsCanceled)
            {
                bool none = bytes.IsEmpty;
                input.AdvanceTo(bytes.End);
                return none ? null : throw new S3Exception(S3Error.IncompleteBody);
            }

            input.AdvanceTo(bytes.Start, bytes.End);
        }
    }

    private S3Exception LineTooLong(ReadOnlySequence<byte> bytes)
    {
        input.AdvanceTo(bytes.Start, bytes.End);
        return S3Error.IncompleteBody.Because("A line of the body's framing is too long.");
    }
}
