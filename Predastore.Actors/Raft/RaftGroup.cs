using System.Collections.Immutable;
using Akka.Actor;
using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Raft;

/// <summary>
/// The door of a process to its <see cref="RaftActor"/>: stays the same when the actor is restarted. Thread-safe.
/// </summary>
public sealed class RaftGroup : IRaftGroup
{
    private volatile IActorRef _actor = ActorRefs.Nobody;

    private volatile RaftStatus _status = new(
        ReplicaId.None, RaftRole.Follower, 0, ReplicaId.None, 0, 0, 0, 0, Membership.Empty,
        ImmutableDictionary<ReplicaId, ulong>.Empty);

    /// <inheritdoc/>
    public RaftStatus Status => _status;

    /// <summary>The state machine that is open now; null while there is none. Reads of it are the caller's to order.</summary>
    public IStateMachine? State { get; internal set; }

    /// <summary>Names the actor that serves this group.</summary>
    public void Attach(IActorRef actor) => _actor = actor;

    /// <inheritdoc/>
    public async Task<byte[]> ProposeAsync(ByteString command, TimeSpan timeout, CancellationToken cancel)
    {
        var message = new RaftRequests.Propose(command);
        _actor.Tell(message);
        return await AwaitAsync(message.Answer.Task, timeout, StoreFailure.Unknown, cancel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<ulong> ReadIndexAsync(TimeSpan timeout, CancellationToken cancel)
    {
        var message = new RaftRequests.Read();
        _actor.Tell(message);
        return await AwaitAsync(message.Answer.Task, timeout, StoreFailure.Unavailable, cancel).ConfigureAwait(false);
    }

    internal void Publish(RaftStatus status) => _status = status;

    private static async Task<T> AwaitAsync<T>(
        Task<T> answer, TimeSpan timeout, StoreFailure late, CancellationToken cancel)
    {
        try
        {
            return await answer.WaitAsync(timeout, cancel).ConfigureAwait(false);
        }
        catch (TimeoutException error)
        {
            throw new StoreException(late, $"The metadata group did not answer within {timeout.TotalSeconds:0.#} s.", error);
        }
    }
}

/// <summary>What the door asks its actor, inside one process; answers come through the task.</summary>
internal static class RaftRequests
{
    public sealed record Propose(ByteString Command) : INoSerializationVerificationNeeded
    {
        public TaskCompletionSource<byte[]> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public sealed record Read : INoSerializationVerificationNeeded
    {
        public TaskCompletionSource<ulong> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>A snapshot that another replica sent was received into a folder.</summary>
    public sealed record Received(RaftMessage Message) : INoSerializationVerificationNeeded;

    /// <summary>A snapshot to another replica has ended.</summary>
    public sealed record Sent(ReplicaId To, ulong Index, bool Delivered) : INoSerializationVerificationNeeded;

    /// <summary>Changes the configuration by one step, or hands leadership over.</summary>
    public sealed record Change(Membership Next) : INoSerializationVerificationNeeded
    {
        public TaskCompletionSource<bool> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
