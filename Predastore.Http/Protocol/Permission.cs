namespace Predastore.Http.Protocol;

/// <summary>What a caller must be allowed to do.</summary>
public enum Permission
{
    /// <summary>List the bucket.</summary>
    Read,

    /// <summary>Read an object.</summary>
    ReadObject,

    /// <summary>Write or delete objects of the bucket.</summary>
    Write,

    /// <summary>Read the access control list.</summary>
    ReadAcp,

    /// <summary>Write the access control list.</summary>
    WriteAcp,

    /// <summary>What only an owner may.</summary>
    Owner,
}
