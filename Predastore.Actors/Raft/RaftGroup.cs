using Akka.Actor;
using Google.Protobuf;
using Predastore.Actors.Raft.Core;
using Predastore.Shards.Protocol;

namespace Predastore.Actors.Raft;

/// <summary>
/// The door of a process to its <see cref="RaftActor"/>: stays the same when the actor is restarted. Thread-safe.
/// </summary>
public sealed class RaftGroup(TimeProvider? time = null) : IRaftGroup
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Lock _gate = new();
    private volatile IActorRef _actor = ActorRefs.Nobody;
    private volatile RaftStatus _status = RaftStatus.Initial;

    /// <inheritdoc/>
    public RaftStatus Status => _status;

    /// <summary>Names the actor that serves this group.</summary>
    public void Attach(IActorRef actor) => _actor = actor;

    /// <summary>Publishes how the replica stands; nothing follows a refusal.</summary>
    public void Publish(RaftStatus status)
    {
        lock (_gate)
        {
            if (_status.Phase != RaftPhase.Refused)
                _status = status;
        }
    }

    /// <summary>Says for good that the replica may not take part.</summary>
    public void Refuse(string reason)
    {
        lock (_gate)
            _status = _status with { Phase = RaftPhase.Refused, Reason = reason, Readable = false };
    }

    /// <summary>Hands a message of a peer to the replica.</summary>
    public void Deliver(IMessage message) => _actor.Tell(message);

    /// <summary>Hands a snapshot that was received and verified to the replica.</summary>
    public void Received(RaftMessage message) => _actor.Tell(new RaftRequests.Received(message));

    /// <summary>The state was found damaged: the replica stops and opens it anew.</summary>
    public void Fail(string reason) => _actor.Tell(new RaftRequests.Fail(reason));

    /// <inheritdoc/>
    public async Task<ProposeResult> Propose(ReadOnlyMemory<byte> command, TimeSpan timeout, bool grows = false)
    {
        if (_status.Phase != RaftPhase.Running)
            return ProposeResult.NotProposed($"the replica is {_status.Phase}");
        var message = new RaftRequests.Propose(ByteString.CopyFrom(command.Span), grows);
        _actor.Tell(message);
        try
        {
            return await message.Answer.Task.WaitAsync(timeout, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return ProposeResult.Unknown($"no answer within {timeout.TotalSeconds:0.#} s");
        }
    }

    /// <inheritdoc/>
    public async Task<ulong> ReadIndex(TimeSpan timeout)
    {
        if (_status.Phase != RaftPhase.Running)
            throw new TimeoutException($"The read was not confirmed: the replica is {_status.Phase}.");
        var message = new RaftRequests.Read();
        _actor.Tell(message);
        return await message.Answer.Task.WaitAsync(timeout, _time).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<ChangeResult> Change(MembershipChange change, TimeSpan timeout)
    {
        if (_status.Phase != RaftPhase.Running)
            return ChangeResult.Later($"the replica is {_status.Phase}");
        var message = new RaftRequests.Change(change);
        _actor.Tell(message);
        try
        {
            return await message.Answer.Task.WaitAsync(timeout).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return ChangeResult.Unknown($"no answer within {timeout.TotalSeconds:0.#} s");
        }
    }

    /// <inheritdoc/>
    public async Task<bool> Transfer(uint node, TimeSpan timeout)
    {
        var message = new RaftRequests.Transfer(node);
        _actor.Tell(message);
        return await message.Answer.Task.WaitAsync(timeout, _time).ConfigureAwait(false);
    }
}

/// <summary>What the door asks its actor, inside one process; answers come through the task.</summary>
internal static class RaftRequests
{
    public sealed record Propose(ByteString Command, bool Grows) : INoSerializationVerificationNeeded
    {
        public TaskCompletionSource<ProposeResult> Answer { get; } = new(AnswerOptions.Current);
    }

    public sealed record Read : INoSerializationVerificationNeeded
    {
        public TaskCompletionSource<ulong> Answer { get; } = new(AnswerOptions.Current);
    }

    /// <summary>The state cannot be used any more.</summary>
    public sealed record Fail(string Reason) : INoSerializationVerificationNeeded;

    /// <summary>A snapshot that another replica sent was received into a folder.</summary>
    public sealed record Received(RaftMessage Message) : INoSerializationVerificationNeeded;

    /// <summary>A snapshot to another replica has ended.</summary>
    public sealed record Sent(ReplicaId To, ulong Index, bool Delivered) : INoSerializationVerificationNeeded;

    /// <summary>Changes the configuration by one step.</summary>
    public sealed record Change(MembershipChange Step) : INoSerializationVerificationNeeded
    {
        public TaskCompletionSource<ChangeResult> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Hands leadership to the voter on a node.</summary>
    public sealed record Transfer(uint Node) : INoSerializationVerificationNeeded
    {
        public TaskCompletionSource<bool> Answer { get; } = new(AnswerOptions.Current);
    }
}
