namespace Predastore.Actors.Serialization;

/// <summary>
/// Marks a hand-written message that crosses nodes: a sealed record with a generated protobuf message behind it. Every such type is
/// in a <see cref="WireProtocol"/>; generated messages need no mark. Messages that stay inside one ActorSystem are marked with
/// <see cref="Akka.Actor.INoSerializationVerificationNeeded"/> instead.
/// </summary>
public interface IWireMessage;
