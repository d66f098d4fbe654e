using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using Google.Protobuf;

namespace Predastore.Actors.Serialization;

/// <summary>
/// Writes and reads every message of our own that crosses nodes, by the manifests of one <see cref="ManifestTable"/>. There is no
/// type name on the wire: a peer can only name what is in the table.
/// </summary>
public sealed class ProtobufSerializer(ExtendedActorSystem system, ManifestTable table) : SerializerWithStringManifest(system)
{
    /// <summary>Number of this serializer on the wire; never changed (Akka itself uses 0 to 40).</summary>
    public const int WireIdentifier = 7601;

    /// <inheritdoc/>
    public override int Identifier => WireIdentifier;

    /// <summary>
    /// The setup that binds every message type of the given protocols to this serializer, and everything that has no serializer to
    /// <see cref="RefusingSerializer"/>. A setup wins over HOCON, so no configuration brings JSON back.
    /// </summary>
    /// <exception cref="ArgumentException">Two protocols share a name or a message type.</exception>
    public static SerializationSetup Setup(params IEnumerable<WireProtocol> protocols)
    {
        var table = new ManifestTable(protocols);
        return SerializationSetup.Create(system =>
        [
            SerializerDetails.Create("json", new RefusingSerializer(system), [typeof(object)]),
            SerializerDetails.Create("predastore", new ProtobufSerializer(system, table), [.. table.Types]),
        ]);
    }

    /// <exception cref="ArgumentException">The type is in no protocol.</exception>
    public override string Manifest(object o) => EntryOf(o).Manifest;

    /// <exception cref="ArgumentException">The type is in no protocol.</exception>
    public override byte[] ToBinary(object obj) => EntryOf(obj).Write(obj);

    /// <exception cref="SerializationException">
    /// The manifest is unknown (a peer of another version) or the bytes are no message of it.
    /// </exception>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        WireEntry entry = table.Find(manifest)
            ?? throw new SerializationException($"unknown message manifest '{manifest}': the sender runs another version");
        try
        {
            return entry.Read(bytes);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or ArgumentException or FormatException)
        {
            throw new SerializationException($"malformed message '{manifest}' of {bytes.Length} bytes: {e.Message}", e);
        }
    }

    private WireEntry EntryOf(object message) =>
        table.Find(message.GetType())
        ?? throw new ArgumentException($"{message.GetType()} is in no WireProtocol and must not cross nodes");
}
