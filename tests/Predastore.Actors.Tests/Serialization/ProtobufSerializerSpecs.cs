using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Serialization;
using Akka.TestKit.Xunit2;
using Google.Protobuf.WellKnownTypes;
using Predastore.Actors.Serialization;
using Xunit;

namespace Predastore.Actors.Tests.Serialization;

public sealed class ProtobufSerializerSpecs : TestKit
{
    private static readonly WireProtocol Direct = new WireProtocol("direct").Add("text", StringValue.Parser);

    private static readonly WireProtocol Wrapped = new WireProtocol("wrapped").Add<Ping, UInt64Value>(
        "ping", UInt64Value.Parser, ping => new UInt64Value { Value = ping.Number }, wire => new Ping(wire.Value));

    public ProtobufSerializerSpecs()
        : base(ActorSystemSetup.Create(
            BootstrapSetup.Create().WithConfig(ConfigurationFactory.ParseString("akka.log-serializer-override-on-start = off")),
            ProtobufSerializer.Setup(Direct, Wrapped)))
    {
    }

    private Akka.Serialization.Serialization Serialization => Sys.Serialization;

    [Fact]
    public void Generated_message_should_travel_by_its_manifest()
    {
        var serializer = SerializerFor(new StringValue());
        byte[] bytes = serializer.ToBinary(new StringValue { Value = "x" });

        Assert.Equal("direct/text", serializer.Manifest(new StringValue()));
        Assert.Equal(new byte[] { 0x0A, 0x01, (byte)'x' }, bytes);
        Assert.Equal(new StringValue { Value = "x" }, serializer.FromBinary(bytes, "direct/text"));
    }

    [Fact]
    public void Record_should_travel_as_the_generated_message_behind_it()
    {
        object back = Serialization.Deserialize(
            Serialization.Serialize(new Ping(7)), ProtobufSerializer.WireIdentifier, "wrapped/ping");

        Assert.Equal(new Ping(7), back);
    }

    [Fact]
    public void Unregistered_type_should_be_refused_with_its_name_and_never_become_json()
    {
        Exception e = Assert.ThrowsAny<Exception>(() => Serialization.Serialize(new Stranger("x")));

        Assert.Contains(nameof(Stranger), e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_from_a_peer_should_be_refused()
    {
        byte[] json = "{\"$type\":\"System.IO.FileInfo, System.Private.CoreLib\"}"u8.ToArray();

        Assert.ThrowsAny<SerializationException>(() => Serialization.Deserialize(json, 1, typeof(Stranger)));
        Assert.DoesNotContain(
            new[] { Serialization.FindSerializerForType(typeof(object)), Serialization.FindSerializerForType(typeof(Stranger)) },
            serializer => serializer is NewtonSoftJsonSerializer);
    }

    [Fact]
    public void Unknown_manifest_should_be_a_serialization_error()
    {
        var e = Assert.Throws<SerializationException>(() => SerializerFor(new Ping(1)).FromBinary([], "direct/nothing"));

        Assert.Contains("direct/nothing", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Malformed_bytes_should_be_a_serialization_error() =>
        Assert.Throws<SerializationException>(() => SerializerFor(new Ping(1)).FromBinary([0x0A, 0xFF], "direct/text"));

    private SerializerWithStringManifest SerializerFor(object message) =>
        Assert.IsType<ProtobufSerializer>(Serialization.FindSerializerFor(message));

    private sealed record Ping(ulong Number) : IWireMessage;

    private sealed record Stranger(string Text);
}
