using Predastore.Actors.Metadata;

namespace Predastore.Http.Protocol;

/// <summary>The names of checksum algorithms in headers and documents, and their sizes.</summary>
public static class ChecksumNames
{
    /// <summary>What every checksum header begins with.</summary>
    public const string HeaderPrefix = "x-amz-checksum-";

    /// <summary>All algorithms.</summary>
    public static readonly IReadOnlyList<ChecksumAlgorithm> All =
    [
        ChecksumAlgorithm.ChecksumCrc32, ChecksumAlgorithm.ChecksumCrc32C, ChecksumAlgorithm.ChecksumCrc64Nvme,
        ChecksumAlgorithm.ChecksumSha1, ChecksumAlgorithm.ChecksumSha256,
    ];

    /// <summary>As in <c>x-amz-checksum-algorithm</c>: CRC32, CRC32C, CRC64NVME, SHA1, SHA256.</summary>
    public static string Name(ChecksumAlgorithm algorithm) => algorithm switch
    {
        ChecksumAlgorithm.ChecksumCrc32 => "CRC32",
        ChecksumAlgorithm.ChecksumCrc32C => "CRC32C",
        ChecksumAlgorithm.ChecksumCrc64Nvme => "CRC64NVME",
        ChecksumAlgorithm.ChecksumSha1 => "SHA1",
        ChecksumAlgorithm.ChecksumSha256 => "SHA256",
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    /// <summary>The header that carries a value.</summary>
    public static string Header(ChecksumAlgorithm algorithm) => HeaderPrefix + Name(algorithm).ToLowerInvariant();

    /// <summary>The element that carries a value.</summary>
    public static string Element(ChecksumAlgorithm algorithm) => "Checksum" + Name(algorithm);

    /// <summary>As in <c>x-amz-checksum-type</c>.</summary>
    public static string Name(ChecksumType type) => type == ChecksumType.ChecksumComposite ? "COMPOSITE" : "FULL_OBJECT";

    /// <summary>Reads an algorithm's name.</summary>
    public static bool TryParse(string name, out ChecksumAlgorithm algorithm)
    {
        algorithm = ChecksumAlgorithm.ChecksumNone;
        foreach (ChecksumAlgorithm candidate in All)
        {
            if (name.Equals(Name(candidate), StringComparison.OrdinalIgnoreCase))
                algorithm = candidate;
        }

        return algorithm != ChecksumAlgorithm.ChecksumNone;
    }

    /// <summary>Size of a value, in bytes.</summary>
    public static int Bytes(ChecksumAlgorithm algorithm) => algorithm switch
    {
        ChecksumAlgorithm.ChecksumCrc32 or ChecksumAlgorithm.ChecksumCrc32C => 4,
        ChecksumAlgorithm.ChecksumCrc64Nvme => 8,
        ChecksumAlgorithm.ChecksumSha1 => 20,
        _ => 32,
    };

    /// <summary>
    /// The text of a stored checksum: base64, and "-N" behind a composite one of N parts.
    /// </summary>
    public static string Text(Checksum checksum, uint parts)
    {
        string value = Convert.ToBase64String(checksum.Value.Span);
        return checksum.Type == ChecksumType.ChecksumComposite && parts > 0 ? $"{value}-{parts}" : value;
    }
}
