using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <content>Changes of the group: at the leader, wherever it is.</content>
internal sealed partial class RequestBook
{
    private readonly Dictionary<ulong, TaskCompletionSource<ChangeResult>> _forwardedChanges = [];

    /// <summary>A change that this process asks for.</summary>
    public void OnChange(RaftRequests.Change message)
    {
        if (node.Role == RaftRole.Leader)
        {
            Carry(message.Step, message.Answer);
        }
        else if (node.Leader == ReplicaId.None)
        {
            message.Answer.TrySetResult(ChangeResult.Later("no leader is known"));
        }
        else
        {
            ulong id = NextForward();
            _forwardedChanges[id] = message.Answer;
            ChangeRequest request = message.Step.ToWire();
            (request.Id, request.From) = (id, self.ToWire());
            send(node.Leader.Node, request);
        }
    }

    /// <summary>A change that another replica forwards.</summary>
    public void OnForwarded(ChangeRequest request)
    {
        var answer = new TaskCompletionSource<ChangeResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = answer.Task.ContinueWith(
            done =>
            {
                ChangeReply reply = done.Result.ToWire();
                reply.Id = request.Id;
                send(request.From.Node, reply);
            },
            TaskScheduler.Default);
        if (request.ToChange() is { } change)
            Carry(change, answer);
        else
            answer.TrySetResult(ChangeResult.Refused("the leader's program does not know this change"));
    }

    /// <summary>How a forwarded change ended.</summary>
    public void OnForwardReply(ChangeReply reply)
    {
        if (_forwardedChanges.Remove(reply.Id, out TaskCompletionSource<ChangeResult>? answer))
            answer.TrySetResult(reply.ToResult());
    }

    // Committed like a command: the configuration's entry is answered for when it is applied.
    private void Carry(MembershipChange change, TaskCompletionSource<ChangeResult> answer)
    {
        ChangeResult result = node.Change(change, out ulong index);
        if (index == 0)
        {
            answer.TrySetResult(result);
            return;
        }

        var committed = new TaskCompletionSource<ProposeResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        Await(index, node.Term, committed);
        _ = committed.Task.ContinueWith(
            done => answer.TrySetResult(done.Result.Outcome switch
            {
                ProposeOutcome.Applied => ChangeResult.Done,
                ProposeOutcome.NotProposed => ChangeResult.Later(done.Result.Reason),
                _ => ChangeResult.Unknown(done.Result.Reason),
            }),
            TaskScheduler.Default);
    }
}
