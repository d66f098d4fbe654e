using Akka.Actor;
using Akka.Configuration;
using Akka.Hosting;
using Predastore.Actors.Hosting;

namespace Predastore.Actors.Raft;

/// <summary>Puts a replica into a node's actor system.</summary>
public static class RaftHosting
{
    /// <summary>
    /// A thread for the replica alone: ticks and heartbeats must not wait behind the uploads of a busy node, nor those behind a
    /// batch that is being applied.
    /// </summary>
    internal const string Dispatcher = "predastore.raft.dispatcher";

    /// <summary>Values of the journal and the replica: <c>hocon/journal.conf</c>.</summary>
    public static Config Configuration => NodeConfiguration.Read("journal.conf");

    /// <summary>
    /// Adds the journal and starts the replica. The node's protocols must hold <see cref="RaftProtocol.Messages"/>.
    /// </summary>
    public static AkkaConfigurationBuilder WithRaft(this AkkaConfigurationBuilder builder, RaftReplica replica)
    {
        builder.AddHocon(Configuration, HoconAddMode.Prepend);
        builder.AddSetup(replica.Journal);
        return builder.WithActors((system, _, _) => replica.Attach(system));
    }
}
