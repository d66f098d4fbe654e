using Akka.Actor;
using Predastore.Actors.Serialization;

namespace Predastore.Actors.Client;

/// <summary>The control-plane end of a <see cref="MetadataEndpoint"/>, on every node with a replica.</summary>
public sealed class MetadataEndpointActor : ReceiveActor
{
    /// <summary>Name under <c>/user</c>, the same on every node.</summary>
    public const string Name = "metadata";

    /// <summary>The messages of this protocol.</summary>
    public static readonly WireProtocol Messages = new WireProtocol("metadata")
        .Add("request", MetadataRequest.Parser)
        .Add("reply", MetadataReply.Parser);

    /// <summary>Creates the actor.</summary>
    public MetadataEndpointActor(MetadataEndpoint endpoint)
    {
        Receive<MetadataRequest>(request =>
        {
            IActorRef sender = Sender;
            IActorRef self = Self;
            _ = AnswerAsync(endpoint, request, sender, self);
        });
    }

    /// <summary>Props of the actor.</summary>
    public static Props Props(MetadataEndpoint endpoint) => Akka.Actor.Props.Create(() => new MetadataEndpointActor(endpoint));

    private static async Task AnswerAsync(MetadataEndpoint endpoint, MetadataRequest request, IActorRef sender, IActorRef self)
    {
        MetadataReply reply = await endpoint.HandleAsync(request, CancellationToken.None).ConfigureAwait(false);

        // A frame over the limit would block heartbeats behind it: the asker comes again on the data plane.
        if (request.WhatCase == MetadataRequest.WhatOneofCase.Query && reply.CalculateSize() > MetadataEndpoint.ControlBytesMax)
            reply = new MetadataReply { Outcome = MetadataReply.Types.Outcome.TooLarge };
        sender.Tell(reply, self);
    }
}
