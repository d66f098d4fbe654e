using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;

namespace Predastore.Actors.Serialization;

/// <summary>
/// Stands where Akka.NET has its JSON serializer, under the same number and as the binding of <see cref="object"/>. That one writes
/// type names and creates whatever type a peer names, which has been a way to run code in other programs; and a forgotten
/// registration would travel as JSON unnoticed. This one refuses both ways and names the type.
/// </summary>
public sealed class RefusingSerializer(ExtendedActorSystem system) : Serializer(system)
{
    /// <summary>The number that Akka.NET gives to its JSON serializer.</summary>
    public override int Identifier => 1;

    /// <inheritdoc/>
    public override bool IncludeManifest => true;

    /// <exception cref="SerializationException">Always.</exception>
    public override byte[] ToBinary(object obj) =>
        throw new SerializationException(
            $"{obj?.GetType().FullName ?? "null"} has no protobuf serializer: register it in a WireProtocol, " +
            "or mark it INoSerializationVerificationNeeded if it never leaves its ActorSystem");

    /// <exception cref="SerializationException">Always.</exception>
    public override object FromBinary(byte[] bytes, Type? type) =>
        throw new SerializationException("a peer sent a message by type name; only registered protobuf messages are read");
}
