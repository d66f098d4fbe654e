using Akka.Event;
using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <content>Applying what is committed, and stopping where this program cannot.</content>
public sealed partial class RaftActor
{
    private bool TryApply(IReadOnlyList<Entry> entries)
    {
        if (entries.Count == 0)
            return true;
        ReadOnlyMemory<byte>[] results;
        try
        {
            results = _state.Apply([.. entries.Select(entry => new CommittedEntry(
                new LogPosition(entry.Index, entry.Term), entry.Kind == EntryKind.EntryCommand, entry.Data.Memory))]);
        }
        catch (UnknownCommandException unknown)
        {
            Halt(unknown.Message);
            return false;
        }

        Requests.Applied(entries, results);
        return true;
    }

    // Going on would make this replica another one than the rest: it is silent until its program is updated.
    private void Halt(string reason)
    {
        _halted = true;
        _failure = reason;
        _log.Error("Halted: {0}", reason);
        // Before the answers: whoever gets one may look why.
        _group.Publish(_group.Status with { Phase = RaftPhase.Halted, Reason = reason, Readable = false });
        Requests.FailPending(reason);
        Timers.CancelAll();
        Become(() => CommandAny(_ => { }));
    }
}
