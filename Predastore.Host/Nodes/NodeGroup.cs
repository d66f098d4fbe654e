using Predastore.Host.Commands;

namespace Predastore.Host.Nodes;

/// <summary>The nodes of this process: started one after the other, stopped together.</summary>
internal static class NodeGroup
{
    /// <summary>An orderly stop drains uploads and leaves the cluster; longer than this is given up.</summary>
    public static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(30);

    /// <summary>After this long without being ready the log says so; the nodes go on trying.</summary>
    private static readonly TimeSpan ReadyNotice = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan ReadyPoll = TimeSpan.FromMilliseconds(100);

    /// <summary>Runs until asked to stop or until a node ends by itself.</summary>
    /// <param name="onReady">Called once, when all nodes are ready.</param>
    /// <exception cref="StartupException">A node could not start; those started before it have been stopped.</exception>
    public static async Task<ExitCode> RunAsync(
        CommandContext context, IReadOnlyList<NodeOptions> nodes, Action onReady, CancellationToken stop)
    {
        var running = new List<IRunningNode>();
        try
        {
            foreach (NodeOptions options in nodes)
            {
                running.Add(await context.Launcher.StartAsync(options, stop));
                context.Out.WriteLine($"node {options.Node}: S3 on https://{options.S3}, data in {options.NodeFolder}");
            }
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
            Task ready = AnnounceReadyAsync(context, running, onReady, ended.Token);
            Task first = await Task.WhenAny([WaitAsync(stop), .. running.Select(node => node.Completion)]);
            await ended.CancelAsync();
            await ready;
            if (stop.IsCancellationRequested)
            {
                context.Out.WriteLine("stopping");
                return ExitCode.Ok;
            }
            IRunningNode failed = running.First(node => node.Completion == first);
            string reason = first.Exception?.GetBaseException().Message ?? "it stopped by itself";
            context.Error.WriteLine($"s3d: node {failed.Options.Node} failed: {reason.ReplaceLineEndings(" ")}");
            return ExitCode.Failed;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Ok;
        }
        finally
        {
            await StopAsync(context, running);
        }
    }

    private static async Task AnnounceReadyAsync(
        CommandContext context, List<IRunningNode> running, Action onReady, CancellationToken ended)
    {
        long started = context.Time.GetTimestamp();
        bool noticed = false;
        try
        {
            while (!running.TrueForAll(node => node.IsReady))
            {
                await Task.Delay(ReadyPoll, context.Time, ended);
                if (noticed || context.Time.GetElapsedTime(started) < ReadyNotice)
                    continue;
                noticed = true;
                IEnumerable<uint> waiting = running.Where(node => !node.IsReady).Select(node => node.Options.Node);
                context.Out.WriteLine($"not ready after {ReadyNotice.TotalSeconds:0} s: node {string.Join(", ", waiting)}; still trying");
            }
            context.Out.WriteLine("ready");
            onReady();
            await context.Out.FlushAsync(ended);
        }
        catch (OperationCanceledException)
        {
            // Stopped before it was ready.
        }
    }

    private static async Task StopAsync(CommandContext context, List<IRunningNode> running)
    {
        Task all = Task.WhenAll(running.Select(node => node.DisposeAsync().AsTask()));
        try
        {
            await all.WaitAsync(StopTimeout, context.Time);
        }
        catch (TimeoutException)
        {
            context.Error.WriteLine($"s3d: not stopped after {StopTimeout.TotalSeconds:0} s; ending without it");
        }
    }

    private static async Task WaitAsync(CancellationToken stop)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration registration = stop.Register(asked.SetResult);
        await asked.Task;
    }
}
