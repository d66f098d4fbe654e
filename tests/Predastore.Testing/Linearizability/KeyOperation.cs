namespace Predastore.Testing.Linearizability;

/// <summary>What is done to one key of one bucket.</summary>
public enum KeyAction
{
    /// <summary>GET or HEAD.</summary>
    Read,

    /// <summary>Anything that makes a version: PUT, Complete, the target side of COPY.</summary>
    Write,

    /// <summary>DELETE in a bucket without versioning.</summary>
    Delete,
}

/// <summary>How it ended.</summary>
public enum KeyOutcome
{
    /// <summary>No definite answer: a write may take effect later or never.</summary>
    Unknown,

    /// <summary>Carried out. A read saw <see cref="KeyOperation.Value"/>, or nothing if that is null.</summary>
    Done,

    /// <summary>Its precondition did not hold, and nothing was changed.</summary>
    Refused,
}

/// <summary>
/// One operation on a key. A value stands for a body: its ETag, or any name that is the same for the same bytes.
/// </summary>
/// <param name="Action">What.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Value">Written, or seen by a read; null = no object.</param>
/// <param name="IfMatch">Value that must be there; "*" = any. Null: no condition.</param>
/// <param name="IfNoneMatch">True: there must be no object.</param>
public sealed record KeyOperation(
    KeyAction Action, KeyOutcome Outcome, string? Value = null, string? IfMatch = null, bool IfNoneMatch = false)
{
    /// <inheritdoc/>
    public override string ToString()
        => $"{Action} {Value ?? "nothing"}{(IfMatch is null ? "" : $" if {IfMatch}")}{(IfNoneMatch ? " if none" : "")}: {Outcome}";
}

/// <summary>A key as a sequential object: it holds one value or none.</summary>
public static class KeyModel
{
    /// <summary>No object.</summary>
    public static readonly KeyState Absent = new(null);

    /// <summary>The state after an operation, or null if it cannot have ended so.</summary>
    public static KeyState? Step(KeyState state, KeyOperation operation)
    {
        if (operation.Action == KeyAction.Read)
            return operation.Value == state.Value ? state : null;
        bool holds = Holds(state, operation);
        return operation.Outcome switch
        {
            KeyOutcome.Refused => holds ? null : state,
            KeyOutcome.Done when !holds => null,
            KeyOutcome.Unknown when !holds => state,
            _ => operation.Action == KeyAction.Write ? new KeyState(operation.Value) : Absent,
        };
    }

    // Deleting what is not there succeeds whatever the condition, as S3 has it.
    private static bool Holds(KeyState state, KeyOperation operation)
    {
        if (operation.IfNoneMatch && state.Value is not null)
            return false;
        if (operation.IfMatch is not { } wanted || (operation.Action == KeyAction.Delete && state.Value is null))
            return true;
        return state.Value is not null && (wanted == "*" || wanted == state.Value);
    }
}

/// <summary>What a key holds.</summary>
public sealed record KeyState(string? Value);
