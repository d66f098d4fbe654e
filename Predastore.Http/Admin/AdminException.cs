namespace Predastore.Http.Admin;

/// <summary>Why an action was not carried out. The value is the HTTP status that says the same.</summary>
public enum AdminFault
{
    /// <summary>What was asked makes no sense: a member is missing, a number is none of this cluster's.</summary>
    Invalid = 400,

    /// <summary>There is no such action, node, storage id or replica.</summary>
    NotFound = 404,

    /// <summary>It would be unsafe, or is not possible as things stand; the message says what would make it so. Nothing was changed.</summary>
    Refused = 409,

    /// <summary>Certainly not done: this node cannot answer now, another one may.</summary>
    Unavailable = 503,

    /// <summary>It may have been done, or may still be: look before it is asked again.</summary>
    Unknown = 504,
}

/// <summary>An action that was not carried out. The message is one line for the operator.</summary>
public sealed class AdminException(AdminFault fault, string message) : Exception(message)
{
    /// <summary>Why.</summary>
    public AdminFault Fault => fault;
}
