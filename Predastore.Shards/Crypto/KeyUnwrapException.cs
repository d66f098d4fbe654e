namespace Predastore.Shards.Crypto;

/// <summary>Why a wrapped key did not unwrap.</summary>
public enum KeyUnwrapFailure
{
    /// <summary>The blob's length or format byte is not one this version knows.</summary>
    Format,

    /// <summary>The blob names a key that is not at hand.</summary>
    UnknownKey,

    /// <summary>The key is at hand, but the blob's integrity check fails.</summary>
    Damaged,
}

/// <summary>A wrapped key or secret cannot be unwrapped. The message holds no key bytes.</summary>
public sealed class KeyUnwrapException(KeyUnwrapFailure failure, string message) : Exception(message)
{
    /// <summary>Why.</summary>
    public KeyUnwrapFailure Failure { get; } = failure;
}
