using Akka.Streams;
using Akka.Streams.Stage;

namespace Predastore.Actors.Streams;

/// <summary>
/// Sends one shard's part of every batch to its storage id, and tells the <see cref="ShardTarget"/> when the stage has ended. A
/// send still under way then is <see cref="ShardTarget.QuiesceAsync"/>'s to wait for: a torn-down stage says nothing about I/O
/// that still reads a buffer.
/// </summary>
internal sealed class ShardSink(ShardTarget upload) : GraphStage<SinkShape<ShardBatch>>
{
    private readonly Inlet<ShardBatch> _in = new("ShardSink.in");
    private readonly ShardTarget _upload = upload;

    /// <inheritdoc/>
    public override SinkShape<ShardBatch> Shape => new(_in);

    /// <inheritdoc/>
    protected override GraphStageLogic CreateLogic(Attributes inheritedAttributes) => new Logic(this);

    private sealed class Logic : GraphStageLogic
    {
        private readonly ShardSink _stage;
        private readonly Action<Exception?> _sent;
        private bool _sending;
        private bool _complete;

        public Logic(ShardSink stage) : base(stage.Shape)
        {
            _stage = stage;
            _sent = GetAsyncCallback<Exception?>(OnSent);
            SetHandler(stage._in, onPush: OnPush, onUpstreamFinish: OnUpstreamFinish, onUpstreamFailure: OnUpstreamFailure);
        }

        public override void PreStart() => Pull(_stage._in);

        public override void PostStop() => _stage._upload.EndStage(_complete);

        private void OnPush()
        {
            ShardBatch batch = Grab(_stage._in);
            _sending = true;
            _ = SendAsync(batch);
        }

        private async Task SendAsync(ShardBatch batch)
        {
            Exception? failure = null;
            try
            {
                await _stage._upload.SendAsync(batch).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                failure = error;
            }

            _sent(failure);
        }

        private void OnSent(Exception? failure)
        {
            _sending = false;
            if (failure is not null)
                CancelStage(failure);
            else if (IsClosed(_stage._in))
                Finish();
            else
                Pull(_stage._in);
        }

        private void OnUpstreamFinish()
        {
            // With its only port closed the stage would be stopped in the middle of the last send.
            if (_sending)
                SetKeepGoing(true);
            else
                Finish();
        }

        private void OnUpstreamFailure(Exception cause)
        {
            _stage._upload.Abandon(cause);
            FailStage(cause);
        }

        private void Finish()
        {
            _complete = true;
            CompleteStage();
        }
    }
}
