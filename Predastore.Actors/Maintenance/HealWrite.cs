using Predastore.Actors.Client;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// The write id under which one row is healed or moved. Extents in new places bear it until the row names them: while it is undecided
/// they are nobody's orphans, and once it is decided without a commit they are. Disposing decides it unless it was proposed.
/// </summary>
internal sealed class HealWrite(Proposer proposer) : IDisposable
{
    private readonly WriteSession _session = proposer.Sessions.Require();
    private ulong? _id;
    private bool _proposed;

    /// <summary>Taken at the first use.</summary>
    public ulong Id => _id ??= _session.Allocate();

    /// <summary>Proposes the row's change, once.</summary>
    public Task<CommandResult> ProposeAsync(Command command, CancellationToken cancel)
    {
        ulong id = Id;
        _proposed = true;
        return proposer.RunAsync(command, _session, id, cancel);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_id is { } id && !_proposed)
            _session.Decide(id);
    }
}
