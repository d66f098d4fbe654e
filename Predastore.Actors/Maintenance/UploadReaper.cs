using Akka.Actor;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Maintenance;

/// <summary>Aborts multipart uploads that were begun a week ago and never completed. One in the cluster; two do no harm.</summary>
internal sealed class UploadReaper : ReceiveActor, IWithTimers
{
    /// <summary>Age at which an open upload is aborted.</summary>
    public static readonly TimeSpan AgeMax = TimeSpan.FromDays(7);

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);
    private const uint PageRows = 100;

    public UploadReaper(MaintenanceParts parts, ClockGuard clock, ILogger log)
    {
        ReceiveAsync<Look>(async _ =>
        {
            try
            {
                await ReapAsync(parts, clock, log);
            }
            catch (StoreException)
            {
                // Asked again at the next interval.
            }
        });
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc/>
    protected override void PreStart() => Timers.StartPeriodicTimer(Look.Instance, Look.Instance, TimeSpan.FromMinutes(1), Interval);

    /// <summary>Aborts what is too old now, if the clock that says so can be relied on.</summary>
    internal static async Task ReapAsync(MaintenanceParts parts, ClockGuard clock, ILogger log)
    {
        if (!await clock.MayActAsync(CancellationToken.None))
            return;
        ByteString after = ByteString.Empty;
        QueryResult page;
        do
        {
            page = await parts.Metadata.QueryAsync(
                new Query
                {
                    WalkUploads = new WalkUploads
                    {
                        BeforeMs = (parts.Time.GetUtcNow() - AgeMax).ToUnixTimeMilliseconds(),
                        Limit = PageRows,
                        After = after,
                    },
                },
                MaintenanceParts.QueryTimeout,
                CancellationToken.None);
            after = page.NextCursor;
            foreach (UploadRow upload in page.Uploads)
            {
                QueryResult bucket = await parts.Metadata.QueryAsync(
                    new Query { GetBucket = new GetBucket { Id = upload.BucketId } }, MaintenanceParts.QueryTimeout, CancellationToken.None);
                if (bucket.Code != ResultCode.ResultOk)
                    continue;
                await parts.Proposer.RunAsync(
                    new Command
                    {
                        AbortUpload = new AbortUpload
                        {
                            Bucket = bucket.Bucket.Name, BucketId = upload.BucketId, Key = upload.Key, UploadId = upload.UploadId,
                        },
                    },
                    CancellationToken.None);
                Log.Reaped(log, upload.Key, DateTimeOffset.FromUnixTimeMilliseconds(upload.CreatedMs));
            }
        }
        while (page.Truncated);
    }

    private sealed class Look : INoSerializationVerificationNeeded
    {
        public static readonly Look Instance = new();
    }
}
