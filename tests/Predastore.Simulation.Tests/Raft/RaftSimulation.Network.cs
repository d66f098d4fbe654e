using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;

namespace Predastore.Simulation.Tests.Raft;

/// <content>The network: loss, duplicates, reordering, late replays and links cut in one direction or both.</content>
internal sealed partial class RaftSimulation
{
    private void Send(SimReplica from, RaftMessage message)
    {
        _oracles.ObserveSend(from, message);
        int copies = !_healed && Chance(_settings.DuplicatePerMille) ? 2 : 1;
        for (int i = 0; i < copies; i++)
        {
            int delay = Exponential(DelayMs);
            if (!_healed && Chance(_settings.ReplayPerMille))
                delay += _random.Next(20_000);
            After(delay, () => Deliver(message));
        }
    }

    private int DelayMs => _healed ? Math.Min(_settings.DelayMs, HealedMeanMs) : _settings.DelayMs;

    private bool Lost(uint from, uint to) => !_healed && (_cut.Contains((from, to)) || Chance(_settings.LossPerMille));

    private void Deliver(RaftMessage message)
    {
        if (Lost(message.From.Node, message.To.Node) || RunningOn(message.To.Node) is not { } replica)
            return;
        _hash = SimMachine.Mix(SimMachine.Mix(_hash, (ulong)message.Type), ((ulong)message.To.Node << 32) ^ message.LogIndex);
        replica.Node!.Step(message);
        Pump(replica);
    }

    // An address leads to whatever replica lives there now: the identity in the message must keep strangers out.
    private SimReplica? RunningOn(uint node)
        => _replicas.Values.LastOrDefault(replica => replica.Id.Node == node && replica.Node is not null);

    private void SendSnapshot(SimReplica from, ReplicaId to)
    {
        SimMachine state = from.Machine;
        RaftNode node = from.Node!;
        int life = from.Life;
        var snapshot = new SnapshotMeta
        {
            Index = state.Applied,
            Term = state.Term,
            Configuration = node.Log.MembershipAt(state.Applied).ToWire(),
            Folder = $"state-{++_folders}",
        };
        After(Exponential(DelayMs * 3), () =>
        {
            bool delivered = !Lost(from.Id.Node, to.Node) && !Lost(from.Id.Node, to.Node);
            if (delivered && _replicas.TryGetValue(to, out SimReplica? replica) && replica.Node is not null)
            {
                replica.Receive(snapshot.Folder, state);
                replica.Node.InstallSnapshot(snapshot, from.Id);
                Pump(replica);
            }

            if (from.Life != life || from.Node is null)
                return;
            from.Node.SnapshotSent(to, snapshot.Index, delivered && !Lost(to.Node, from.Id.Node));
            Pump(from);
        });
    }
}
