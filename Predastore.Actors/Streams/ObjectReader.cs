using System.IO.Pipelines;
using System.Runtime.ExceptionServices;
using Akka;
using Akka.Streams;
using Akka.Streams.Dsl;
using Akka.Util;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Streams;

/// <summary>
/// Reads a range of an open version to the response. A range of one piece goes there at once; a longer one is a stream that reads
/// ahead. Holds its rows' data against collection until it is disposed.
/// </summary>
internal sealed class ObjectReader(
    ReadContext context, QueryResult version, WriteSession session, ulong readToken, Func<IMaterializer> materializer)
    : IObjectReader
{
    /// <summary>Pieces read at once, the one being written included.</summary>
    public const int ReadAhead = 3;

    /// <summary>A read older than this is cut: it would hold garbage back for ever.</summary>
    public static readonly TimeSpan AgeMax = TimeSpan.FromHours(6);

    private readonly CancellationTokenSource _age = new(AgeMax, context.Hedge.Time);
    private PieceList? _pieces;
    private IPiece? _first;
    private int _disposed;

    /// <inheritdoc/>
    public QueryResult Version => version;

    /// <summary>What reading needs, for copies that must move bytes.</summary>
    public ReadContext Context => context;

    /// <inheritdoc/>
    public async Task StartAsync(long offset, long length, CancellationToken cancel)
    {
        _pieces = new PieceList(context, version, offset, length);
        PieceRead? read = await _pieces.NextAsync(cancel).ConfigureAwait(false);
        if (read is not null)
            _first = await read(cancel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task CopyToAsync(PipeWriter output, CancellationToken cancel)
    {
        if (_pieces is null)
            throw new InvalidOperationException("StartAsync comes first.");
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel, _age.Token);
        if (Interlocked.Exchange(ref _first, null) is not { } first)
            return;
        await WriteAsync(first, output, ending.Token).ConfigureAwait(false);
        if (await _pieces.NextAsync(ending.Token).ConfigureAwait(false) is { } second)
            await StreamAsync(second, output, ending).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return ValueTask.CompletedTask;
        Interlocked.Exchange(ref _first, null)?.Dispose();
        _pieces?.Dispose();
        _age.Dispose();
        session.EndRead(readToken);
        return ValueTask.CompletedTask;
    }

    private static async Task WriteAsync(IPiece piece, PipeWriter output, CancellationToken cancel)
    {
        using (piece)
            piece.WriteTo(output);
        FlushResult flushed = await output.FlushAsync(cancel).ConfigureAwait(false);
        if (flushed.IsCompleted || flushed.IsCanceled)
            throw new OperationCanceledException("The client went away.");
    }

    private async Task StreamAsync(PieceRead second, PipeWriter output, CancellationTokenSource ending)
    {
        PieceList pieces = _pieces!;
        var live = new PieceScope();

        async Task<Option<(PieceRead?, PieceRead)>> NextAsync(PieceRead? given)
        {
            PieceRead? read = given ?? await pieces.NextAsync(ending.Token).ConfigureAwait(false);
            return read is null ? Option<(PieceRead?, PieceRead)>.None : (null, read);
        }

        (UniqueKillSwitch kill, Task<Done> done) = Source
            .UnfoldAsync<PieceRead?, PieceRead>(second, given => live.RunAsync(() => NextAsync(given)))
            .ViaMaterialized(KillSwitches.Single<PieceRead>(), Keep.Right)
            .SelectAsync(ReadAhead - 1, read => live.ReadAsync(read, ending.Token))
            .SelectAsync(1, piece => live.WriteAsync(piece, taken => WriteAsync(taken, output, ending.Token)))
            .ToMaterialized(Sink.Ignore<Done>(), Keep.Both)
            .WithAttributes(Akka.Streams.Attributes.CreateInputBuffer(1, 1))
            .Run(materializer());
        try
        {
            await using (ending.Token.Register(() => kill.Abort(new OperationCanceledException("The read was cut.")))
                .ConfigureAwait(false))
            {
                await done.ConfigureAwait(false);
            }
        }
        catch (AggregateException error)
        {
            // As a stream wraps it, nobody would know it again.
            ExceptionDispatchInfo.Throw(error.GetBaseException());
        }
        finally
        {
            // Reads that the torn-down stream no longer waits for must end before their readers and buffers go, and a write before the
            // caller gives the output to somebody else.
            await ending.CancelAsync().ConfigureAwait(false);
            await live.EndAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Pieces that were asked for and not yet written.</summary>
    private sealed class PieceScope
    {
        private readonly HashSet<IPiece> _ready = [];
        private readonly CallGate _calls = new();

        public Task<T> RunAsync<T>(Func<Task<T>> call) => _calls.RunAsync(call);

        public Task<IPiece> ReadAsync(PieceRead read, CancellationToken cancel)
            => _calls.RunAsync(() => Task.Run(
                async () =>
                {
                    IPiece piece = await read(cancel).ConfigureAwait(false);
                    lock (_ready)
                        _ready.Add(piece);
                    return piece;
                },
                cancel));

        public Task<Done> WriteAsync(IPiece piece, Func<IPiece, Task> write)
            => _calls.RunAsync(async () =>
            {
                lock (_ready)
                    _ready.Remove(piece);
                await write(piece).ConfigureAwait(false);
                return Done.Instance;
            });

        /// <summary>Waits for what is under way and lets go of what was not written.</summary>
        public async Task EndAsync()
        {
            await _calls.CloseAsync().ConfigureAwait(false);
            foreach (IPiece piece in _ready)
                piece.Dispose();
            _ready.Clear();
        }
    }
}
