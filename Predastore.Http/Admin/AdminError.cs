using System.Text.Json.Serialization;

namespace Predastore.Http.Admin;

/// <summary>The JSON body of an action that was not carried out.</summary>
/// <param name="Error">The <see cref="AdminFault"/>, in lower case.</param>
/// <param name="Message">One line for the operator.</param>
public sealed record AdminError(string Error, string Message);

/// <summary>The JSON form of <see cref="AdminError"/>, made without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(AdminError))]
public sealed partial class AdminErrorJson : JsonSerializerContext;
