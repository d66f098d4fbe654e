namespace Predastore.Shards.Codec;

/// <summary>The checksums S3 knows that are cyclic redundancy codes; all reflected, all ones in, all ones out.</summary>
public enum CrcKind
{
    /// <summary>CRC-32/ISO-HDLC: zip, Ethernet; <c>x-amz-checksum-crc32</c>.</summary>
    Crc32,

    /// <summary>CRC-32/ISCSI, Castagnoli; <c>x-amz-checksum-crc32c</c>.</summary>
    Crc32C,

    /// <summary>CRC-64/NVME; <c>x-amz-checksum-crc64nvme</c>.</summary>
    Crc64Nvme,
}
