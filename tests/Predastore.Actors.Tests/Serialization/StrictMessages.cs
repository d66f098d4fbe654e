using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Serialization;
using Predastore.Actors.Serialization;

namespace Predastore.Actors.Tests.Serialization;

/// <summary>
/// The setup of an actor system in which every message of ours is written and read even between two local actors: it must be in one
/// of the given protocols, or be marked as never leaving its system. Akka's own messages pass as they are: many of them have no
/// serializer but the JSON one.
/// </summary>
internal static class StrictMessages
{
    public static ActorSystemSetup Setup(string hocon, params WireProtocol[] protocols)
    {
        var table = new ManifestTable(protocols);
        return BootstrapSetup.Create()
            .WithConfig(ConfigurationFactory.ParseString(
                hocon + "\nakka.actor.serialize-messages = on\nakka.log-serializer-override-on-start = off"))
            .And(SerializationSetup.Create(system =>
            [
                SerializerDetails.Create("json", new AkkaByReference(system), [typeof(object)]),
                SerializerDetails.Create("predastore", new ProtobufSerializer(system, table), [.. table.Types]),
            ]));
    }

    private sealed class AkkaByReference(ExtendedActorSystem system) : Serializer(system)
    {
        private readonly ConcurrentDictionary<long, object> _kept = new();
        private readonly RefusingSerializer _refusing = new(system);
        private long _last;

        public override int Identifier => 1;

        public override bool IncludeManifest => false;

        public override byte[] ToBinary(object obj)
        {
            if (!obj.GetType().Assembly.GetName().Name!.StartsWith("Akka", StringComparison.Ordinal)) return _refusing.ToBinary(obj);
            long key = Interlocked.Increment(ref _last);
            _kept[key] = obj;
            return BitConverter.GetBytes(key);
        }

        public override object FromBinary(byte[] bytes, Type? type) => _kept.TryRemove(BitConverter.ToInt64(bytes), out object? kept)
            ? kept
            : throw new InvalidOperationException("read twice");
    }
}
