using Akka;
using Akka.Streams;
using Akka.Streams.Dsl;
using Akka.Util;

namespace Predastore.Actors.Streams;

/// <summary>
/// The graph of one upload, fused into one island: body -> batches -> code and seal -> digests -> one sink for each shard.
/// Bounded: two batches sealing, one in the sinks, one filling.
/// </summary>
internal static class UploadGraph
{
    /// <summary>
    /// Runs the graph until every stage, and every read, seal and send of it, has ended. Throws what the body threw; the failures of
    /// single shards are in <paramref name="targets"/>.
    /// </summary>
    /// <param name="materializer">The system's shared materializer.</param>
    /// <param name="first">A batch already filled, emitted first.</param>
    /// <param name="filler">Gives the batches after it.</param>
    /// <param name="sealer">Codes and seals.</param>
    /// <param name="digests">Fed in order.</param>
    /// <param name="targets">The shards that were opened.</param>
    /// <param name="quorum">Shards below which it makes no sense to go on.</param>
    /// <param name="cancel">Ends the upload.</param>
    public static async Task RunAsync(
        IMaterializer materializer, ShardBatch first, BatchFiller filler, ObjectSealer sealer, Digests digests,
        IReadOnlyList<ShardTarget> targets, int quorum, CancellationToken cancel)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var calls = new CallGate();
        Exception? bodyFailure = null;

        async Task<Option<(ShardBatch?, ShardBatch)>> NextAsync(ShardBatch? given)
        {
            try
            {
                ShardBatch? batch = given ?? await filler.NextAsync(ending.Token).ConfigureAwait(false);
                return batch is null ? Option<(ShardBatch?, ShardBatch)>.None : (null, batch);
            }
            catch (Exception error)
            {
                if (!ending.IsCancellationRequested)
                    bodyFailure = error;
                throw;
            }
        }

        Source<ShardBatch, UniqueKillSwitch> source = Source
            .UnfoldAsync<ShardBatch?, ShardBatch>(first, given => calls.RunAsync(() => NextAsync(given)))
            .ViaMaterialized(KillSwitches.Single<ShardBatch>(), Keep.Right)
            .SelectAsync(ObjectSealer.Parallel, batch => calls.RunAsync(() => Task.Run(() =>
            {
                sealer.Seal(batch);
                return batch;
            })))
            .Select(batch =>
            {
                digests.Append(batch);
                return batch;
            });

        IRunnableGraph<UniqueKillSwitch> graph = RunnableGraph.FromGraph(GraphDsl.Create(source, (builder, from) =>
        {
            UniformFanOutShape<ShardBatch, ShardBatch> fanOut = builder.Add(new ShardFanOut(targets.Count, quorum));
            builder.From(from).To(fanOut.In);
            for (int i = 0; i < targets.Count; i++)
                builder.From(fanOut.Out(i)).To(builder.Add(new ShardSink(targets[i])));
            return ClosedShape.Instance;
        }));

        // One element between stages: the batches in flight are the memory of an upload.
        UniqueKillSwitch kill = graph.WithAttributes(Akka.Streams.Attributes.CreateInputBuffer(1, 1)).Run(materializer);
        await using (cancel.Register(() => kill.Abort(new OperationCanceledException(cancel))).ConfigureAwait(false))
        {
            await Task.WhenAll(targets.Select(target => target.Ended)).ConfigureAwait(false);
        }

        // Below the quorum the body may stand still in the middle of a batch: nobody wants the rest of it.
        await ending.CancelAsync().ConfigureAwait(false);
        await calls.CloseAsync().ConfigureAwait(false);
        foreach (ShardTarget target in targets)
            await target.QuiesceAsync().ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
        if (bodyFailure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(bodyFailure);
    }
}
