using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Google.Protobuf.WellKnownTypes;
using Predastore.Actors.Serialization;
using Xunit;

namespace Predastore.Actors.Tests.Serialization;

public sealed class StrictMessagesSpecs() : TestKit(StrictMessages.Setup(
    "akka.loglevel = INFO", new WireProtocol("p").Add("text", StringValue.Parser)))
{
    [Fact]
    public void Registered_message_should_be_written_and_read_between_local_actors()
    {
        var sent = new StringValue { Value = "x" };
        TestActor.Tell(sent);

        Assert.NotSame(sent, ExpectMsg(sent));
    }

    [Fact]
    public void Unregistered_message_should_be_refused_with_its_name()
    {
        EventFilter.Exception<System.Runtime.Serialization.SerializationException>().ExpectOne(() => TestActor.Tell(new Stranger()));

        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public async Task Marked_message_and_those_of_akka_should_pass()
    {
        var local = new Local();
        TestActor.Tell(local);
        Assert.Same(local, ExpectMsg<Local>());

        Assert.Equal(TestActor, (await TestActor.Ask<ActorIdentity>(new Identify(1), TimeSpan.FromSeconds(10))).Subject);
    }

    private sealed record Stranger;

    private sealed record Local : INoSerializationVerificationNeeded;
}
