using System.CommandLine;
using Predastore.Host.Admin;
using Predastore.Host.Config;
using Predastore.Host.Local;

namespace Predastore.Host.Commands;

/// <summary><c>s3d wait</c>: returns when every node of a cluster file answers that it is ready.</summary>
internal static class WaitCommand
{
    private const int DefaultTimeoutSeconds = 60;

    public static Command Create(CommandContext context)
    {
        var command = new Command("wait", "Wait until every node of a cluster file is ready.");
        Option<string> config = new("--config", "-c") { Description = "The cluster file.", HelpName = "FILE", Required = true };
        Option<string?> ca = new("--tls-ca", "--ca") { Description = "The cluster's CA (PEM); else [tls] ca.", HelpName = "FILE" };
        Option<double> timeout = new("--timeout") { Description = "Seconds to wait.", HelpName = "SECONDS", DefaultValueFactory = _ => DefaultTimeoutSeconds };
        Option<string?> guide = new("--guide") { Description = "Afterwards print endpoint, keys and commands to try for a cluster whose data is in DIR.", HelpName = "DIR" };
        command.Options.Add(config);
        command.Options.Add(ca);
        command.Options.Add(timeout);
        command.Options.Add(guide);
        command.SetAction((result, cancellation) => CommandLine.GuardAsync(context, async () =>
        {
            string path = result.GetRequiredValue(config);
            ClusterFile file = ClusterFile.Load(path);
            double seconds = result.GetValue(timeout);
            if (seconds is not (> 0 and < 86_400))
                throw new StartupException("--timeout must be between 0 and 86400 seconds", ExitCode.Usage);
            string? caFile = result.GetValue(ca) ?? StatusTarget.TlsCaOf(file);
            IReadOnlyList<string> waiting = await new ReadyClient(context.Time).WaitAsync(
                [.. file.Nodes.Select(node => StatusTarget.EndpointOf(file, node))], caFile, TimeSpan.FromSeconds(seconds), cancellation);
            if (waiting.Count > 0)
                throw new StartupException($"not ready after {seconds:0.#} s: {string.Join("; ", waiting)}", ExitCode.Unreachable);
            if (result.GetValue(guide) is { } folder)
                Guide.Write(context.Out, file, Path.GetFullPath(path), caFile ?? "", folder);
            return ExitCode.Ok;
        }));
        return command;
    }
}
