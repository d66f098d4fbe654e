using Predastore.Actors.Client;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Tests.Client;

/// <summary>A metadata group that answers what a test says.</summary>
internal sealed class ScriptedMetadata : IMetadata
{
    private readonly Lock _lock = new();
    private readonly List<Command> _commands = [];

    /// <summary>Answers the n-th command, from 0.</summary>
    public Func<Command, int, Task<CommandResult>> OnCommand { get; set; } = (_, _) => Task.FromResult(new CommandResult { Index = 1 });

    public Func<Query, Task<QueryResult>> OnQuery { get; set; } = _ => Task.FromResult(new QueryResult());

    public IReadOnlyList<Command> Commands
    {
        get { lock (_lock) return [.. _commands]; }
    }

    public Task<CommandResult> ProposeAsync(Command command, TimeSpan timeout, CancellationToken cancel)
    {
        int n;
        lock (_lock)
        {
            n = _commands.Count;
            _commands.Add(command.Clone());
        }

        return OnCommand(command, n);
    }

    public Task<QueryResult> QueryAsync(Query query, TimeSpan timeout, CancellationToken cancel) => OnQuery(query);

    /// <summary>Waits for a condition.</summary>
    public static async Task UntilAsync(Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!holds())
            await Task.Delay(5, limit.Token);
    }
}
