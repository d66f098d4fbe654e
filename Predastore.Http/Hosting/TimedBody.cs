using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Predastore.Http.Protocol;

namespace Predastore.Http.Hosting;

/// <summary>
/// A request's body that gives up when the client sends nothing for a while: rates over the whole body let a client that began
/// fast hold an upload open for hours. Only waiting counts, not the time the reader takes between reads.
/// </summary>
internal sealed class TimedBody(PipeReader inner, TimeSpan limit) : PipeReader, IRequestBodyPipeFeature, IDisposable
{
    private CancellationTokenSource _idle = new();

    /// <inheritdoc/>
    public PipeReader Reader => this;

    /// <summary>Puts the limit on a request's body; null if it can have none.</summary>
    public static TimedBody? Attach(HttpContext http, TimeSpan limit)
    {
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
            return null;
        var body = new TimedBody(http.Request.BodyReader, limit);
        http.Request.Body = body.AsStream(leaveOpen: true);
        http.Features.Set<IRequestBodyPipeFeature>(body);
        return body;
    }

    /// <inheritdoc/>
    /// <exception cref="S3Exception">RequestTimeout.</exception>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        => TryRead(out ReadResult ready) ? new ValueTask<ReadResult>(ready) : WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        try
        {
            return inner.TryRead(out result);
        }
        catch (IOException error) when (IsMalformed(error))
        {
            throw new S3Exception(S3Error.IncompleteBody);
        }
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => inner.AdvanceTo(consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

    /// <inheritdoc/>
    public override void CancelPendingRead() => inner.CancelPendingRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    /// <inheritdoc/>
    public void Dispose() => _idle.Dispose();

    // The web server says of a broken chunk what it also says of a broken line. A refusal it names itself, and a client that is gone, stay.
    private static bool IsMalformed(IOException error) => error is not (BadHttpRequestException or ConnectionResetException);

    private async ValueTask<ReadResult> WaitAsync(CancellationToken cancel)
    {
        if (!_idle.TryReset())
        {
            _idle.Dispose();
            _idle = new CancellationTokenSource();
        }

        CancellationTokenSource idle = _idle;
        idle.CancelAfter(limit);
        using CancellationTokenRegistration given = cancel.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), idle);
        try
        {
            return await inner.ReadAsync(idle.Token);
        }
        catch (OperationCanceledException) when (idle.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new S3Exception(S3Error.RequestTimeout);
        }
        catch (IOException error) when (IsMalformed(error))
        {
            throw new S3Exception(S3Error.IncompleteBody);
        }
        finally
        {
            idle.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }
}
