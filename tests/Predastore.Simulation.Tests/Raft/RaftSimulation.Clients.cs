using System.Buffers.Binary;
using Google.Protobuf;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;

namespace Predastore.Simulation.Tests.Raft;

/// <content>Clients: commands and reads at whoever believes to lead, and what must be true of the answers.</content>
internal sealed partial class RaftSimulation
{
    private ulong _acknowledgedTo;
    private ulong _context;

    private void Work()
    {
        After(1 + _random.Next(2 * _settings.ProposalMs), Work);
        foreach (SimReplica replica in _replicas.Values.Where(replica => replica.Node?.Role == RaftRole.Leader).ToArray())
        {
            if (_random.Next(2) == 0)
            {
                byte[] command = new byte[4 + _random.Next(24)];
                BinaryPrimitives.WriteInt32BigEndian(command, ++_commands);
                if (replica.Node!.Propose(ByteString.CopyFrom(command), out ulong index))
                    replica.Proposals[index] = (replica.Node.Term, _commands);
            }
            else if (replica.Node!.ReadIndex(++_context))
            {
                replica.Reads[_context] = (new SimRead { Floor = _acknowledgedTo }, 0);
            }

            Pump(replica);
        }
    }

    private void Apply(SimReplica replica, Entry entry)
    {
        replica.Apply(entry);
        ObserveApply(replica);
        if (!replica.Proposals.Remove(entry.Index, out (ulong Term, int Command) proposal) || proposal.Term != entry.Term)
            return;
        Acknowledged++;
        _acknowledgedTo = Math.Max(_acknowledgedTo, entry.Index);
    }

    private static void Confirm(SimReplica replica, ReadState confirmed)
    {
        if (confirmed.Index == 0)
            replica.Reads.Remove(confirmed.Context);
        else if (replica.Reads.TryGetValue(confirmed.Context, out (SimRead Read, ulong Index) read))
            replica.Reads[confirmed.Context] = (read.Read, confirmed.Index);
    }

    private void Serve(SimReplica replica)
    {
        foreach ((ulong context, (SimRead read, ulong index)) in replica.Reads.ToArray())
        {
            if (index == 0 || index > replica.Machine.Applied)
                continue;
            replica.Reads.Remove(context);
            ReadsServed++;

            // Judged by the index it was confirmed at, not by how far the machine happens to be: a reader elsewhere gets the index.
            Check(index >= read.Floor, $"read {context} at {replica.Id} sees {index}, but {read.Floor} was acknowledged before it");
            _acknowledgedTo = Math.Max(_acknowledgedTo, index);
        }
    }
}
