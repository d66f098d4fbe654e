using Akka.Actor;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;

namespace Predastore.Actors.Stores;

/// <summary>What a <see cref="StoreActor"/> is asked, always from its own process; answers come through the task.</summary>
internal static class StoreMessages
{
    /// <summary>Room for a shard.</summary>
    public sealed record Reserve(ExtentRequest Request) : INoSerializationVerificationNeeded
    {
        /// <summary>The writer, or the reason why there is none.</summary>
        public TaskCompletionSource<ExtentWriter> Answer { get; } = new(AnswerOptions.Current);
    }

    /// <summary>Makes a completed writer's shard durable.</summary>
    public sealed record Commit(CommitRequest Request) : INoSerializationVerificationNeeded
    {
        /// <summary>The result, after the sync.</summary>
        public TaskCompletionSource<CommitResult> Answer { get; } = new(AnswerOptions.Current);
    }

    /// <summary>Deletes shards.</summary>
    public sealed record Delete(IReadOnlyList<ShardToDelete> Shards) : INoSerializationVerificationNeeded
    {
        /// <summary>One outcome for each, after the sync.</summary>
        public TaskCompletionSource<IReadOnlyList<DeleteOutcome>> Answer { get; } =
            new(AnswerOptions.Current);
    }
}
