namespace Predastore.Shards.Crypto;

/// <summary>A master key is refused. The message is one line for an operator and says what to do.</summary>
public sealed class MasterKeyException : Exception
{
    /// <summary>With the operator's line.</summary>
    public MasterKeyException(string message) : base(message)
    {
    }

    /// <summary>With the operator's line and what caused it.</summary>
    public MasterKeyException(string message, Exception cause) : base(message, cause)
    {
    }
}
