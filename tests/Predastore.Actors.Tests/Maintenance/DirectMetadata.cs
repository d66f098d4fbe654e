using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Metadata.Replica;
using Predastore.Testing.Disk;

namespace Predastore.Actors.Tests.Maintenance;

/// <summary>The real state machine on a modelled database, applied at once: a metadata group of one that is always there.</summary>
internal sealed class DirectMetadata : IMetadata, IDisposable
{
    private readonly Lock _lock = new();
    private readonly MetadataStore _store = Metadata.Bench.Open(new MemoryKvFactory(), "/state");

    /// <summary>Called before a command is applied, outside the lock: a place for what happens meanwhile.</summary>
    public Action<Command>? Before { get; set; }

    /// <summary>Called before a query is answered; it may refuse it.</summary>
    public Action<Query>? Asked { get; set; }

    /// <summary>Commands applied, by kind.</summary>
    public List<Command> Applied { get; } = [];

    public Task<CommandResult> ProposeAsync(Command command, TimeSpan timeout, CancellationToken cancel)
    {
        Before?.Invoke(command);
        return Task.FromResult(Apply(command));
    }

    public Task<QueryResult> QueryAsync(Query query, TimeSpan timeout, CancellationToken cancel)
    {
        Asked?.Invoke(query);
        return Task.FromResult(Ask(query));
    }

    public CommandResult Apply(Command command)
    {
        if (command.FeatureLevel == 0)
            command.FeatureLevel = 1;
        lock (_lock)
        {
            Applied.Add(command.Clone());
            return _store.Apply([new MetadataEntry(_store.AppliedIndex + 1, 1, command.ToByteArray())])[0];
        }
    }

    public QueryResult Ask(Query query)
    {
        lock (_lock)
            return _store.Answer(query);
    }

    public ulong Index => _store.AppliedIndex;

    public void Dispose() => _store.Dispose();
}
