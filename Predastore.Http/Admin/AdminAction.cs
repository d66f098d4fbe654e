using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Predastore.Http.Admin;

/// <summary>
/// One thing an operator can ask of a cluster: JSON goes in, JSON comes out. It knows nothing of the door it is reached through, and
/// whoever calls it has made sure that the caller may. Thread-safe.
/// </summary>
public sealed class AdminAction
{
    private readonly Func<ReadOnlyMemory<byte>, CancellationToken, Task<byte[]>> _run;

    private AdminAction(string name, bool changes, Func<ReadOnlyMemory<byte>, CancellationToken, Task<byte[]>> run)
        => (Name, Changes, _run) = (name, changes, run);

    /// <summary>Area and verb, like <c>replica/list</c>: lower-case letters and hyphens.</summary>
    public string Name { get; }

    /// <summary>True if it may change something: a door never repeats it by itself.</summary>
    public bool Changes { get; }

    /// <summary>An action that takes and gives records.</summary>
    /// <param name="name">Area and verb.</param>
    /// <param name="changes">True if it may change something.</param>
    /// <param name="request">Form of what it takes; an empty body counts as <c>{}</c>.</param>
    /// <param name="answer">Form of what it gives.</param>
    /// <param name="run">Carries it out; throws <see cref="AdminException"/> and nothing else that is meant.</param>
    public static AdminAction Create<TRequest, TAnswer>(
        string name, bool changes, JsonTypeInfo<TRequest> request, JsonTypeInfo<TAnswer> answer,
        Func<TRequest, CancellationToken, Task<TAnswer>> run)
        => new(name, changes, async (body, cancel)
            => JsonSerializer.SerializeToUtf8Bytes(await run(Read(body, request), cancel), answer));

    /// <summary>Carries it out.</summary>
    /// <exception cref="AdminException">It was not done, or not as far as is known.</exception>
    public Task<byte[]> RunAsync(ReadOnlyMemory<byte> body, CancellationToken cancel) => _run(body, cancel);

    private static TRequest Read<TRequest>(ReadOnlyMemory<byte> body, JsonTypeInfo<TRequest> form)
    {
        try
        {
            return JsonSerializer.Deserialize(body.IsEmpty ? "{}"u8 : body.Span, form)
                ?? throw new AdminException(AdminFault.Invalid, "The body is null.");
        }
        catch (JsonException error)
        {
            throw new AdminException(AdminFault.Invalid, $"The body is not what this action takes: {error.Message.ReplaceLineEndings(" ")}");
        }
    }
}
