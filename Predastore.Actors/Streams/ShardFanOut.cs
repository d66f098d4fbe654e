using System.Collections.Immutable;
using Akka.Streams;
using Akka.Streams.Stage;

namespace Predastore.Actors.Streams;

/// <summary>
/// Hands every batch to all shards that are still alive. It goes on while the write quorum is, releases what was meant for a dead
/// outlet and fails below the quorum. (Broadcast goes on in silence and leaks what the dead one was to get.)
/// </summary>
internal sealed class ShardFanOut(int shards, int quorum) : GraphStage<UniformFanOutShape<ShardBatch, ShardBatch>>
{
    /// <inheritdoc/>
    public override UniformFanOutShape<ShardBatch, ShardBatch> Shape { get; } = new(
        new Inlet<ShardBatch>("ShardFanOut.in"),
        Enumerable.Range(0, shards).Select(i => new Outlet<ShardBatch>($"ShardFanOut.out{i}")).ToImmutableArray().ToArray());

    /// <inheritdoc/>
    protected override GraphStageLogic CreateLogic(Attributes inheritedAttributes) => new Logic(this, quorum);

    private sealed class Logic : GraphStageLogic
    {
        private readonly ShardFanOut _stage;
        private readonly int _quorum;
        private readonly bool[] _dead;
        private int _alive;
        private int _waiting;

        public Logic(ShardFanOut stage, int quorum) : base(stage.Shape)
        {
            _stage = stage;
            _quorum = quorum;
            int count = stage.Shape.Outlets.Length;
            _dead = new bool[count];
            _alive = _waiting = count;
            SetHandler(stage.Shape.In, onPush: OnPush);
            for (int i = 0; i < count; i++)
            {
                int shard = i;
                SetHandler(stage.Shape.Out(i), onPull: OnPull, onDownstreamFinish: cause => OnDead(shard, cause));
            }
        }

        private void OnPush()
        {
            ShardBatch batch = Grab(_stage.Shape.In);
            batch.Retain(_alive);
            _waiting = _alive;
            for (int i = 0; i < _dead.Length; i++)
                if (!_dead[i])
                    Push(_stage.Shape.Out(i), batch);
            batch.Release();
        }

        private void OnPull()
        {
            _waiting--;
            PullWhenAllWait();
        }

        private void OnDead(int shard, Exception cause)
        {
            _dead[shard] = true;
            _alive--;
            if (!IsAvailable(_stage.Shape.Out(shard)))
                _waiting--;
            if (_alive < _quorum)
                FailStage(cause is SubscriptionWithCancelException.NonFailureCancellation
                    ? new OperationCanceledException("A shard sink ended early.")
                    : cause);
            else
                PullWhenAllWait();
        }

        private void PullWhenAllWait()
        {
            if (_waiting == 0 && !HasBeenPulled(_stage.Shape.In) && !IsClosed(_stage.Shape.In))
                Pull(_stage.Shape.In);
        }
    }
}
