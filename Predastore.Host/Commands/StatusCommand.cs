using System.CommandLine;
using System.Text.Json;
using Predastore.Host.Admin;
using Predastore.Host.Config;
using Predastore.Http.Admin;
using Spectre.Console;

namespace Predastore.Host.Commands;

/// <summary><c>s3d status</c>: asks a running cluster how it is, as tables for people or as JSON for programs.</summary>
internal static class StatusCommand
{
    private const int WidthWithoutTerminal = 160;

    public static Command Create(CommandContext context)
    {
        var command = new Command("status", "Show nodes, leader, disks, transports and work that waits.");
        Option<string?> config = new("--config", "-c") { Description = "The cluster file: its nodes are asked, its credentials sign.", HelpName = "FILE" };
        Option<string?> endpoint = new("--endpoint") { Description = "Ask this one, like https://127.11.12.1:8443; else $AWS_ENDPOINT_URL, else the file's nodes.", HelpName = "URL" };
        Option<string?> ca = new("--tls-ca", "--ca") { Description = "The cluster's CA (PEM); else [tls] ca, else $AWS_CA_BUNDLE, else the operating system's.", HelpName = "FILE" };
        Option<bool> json = new("--json") { Description = "Print the answer as JSON." };
        command.Options.Add(config);
        command.Options.Add(endpoint);
        command.Options.Add(ca);
        command.Options.Add(json);
        command.SetAction((result, cancellation) => CommandLine.GuardAsync(context, async () =>
        {
            StatusTarget target = StatusTarget.Resolve(
                result.GetValue(config) is { } path ? ClusterFile.Load(path) : null, result.GetValue(endpoint), result.GetValue(ca), context.Environment);
            ClusterStatus status = await new StatusClient(context.Time).GetAsync(
                target.Endpoints, target.CaFile, target.Region, target.Credentials, cancellation);
            if (result.GetValue(json))
                context.Out.WriteLine(JsonSerializer.Serialize(status, ClusterStatusJson.Default.ClusterStatus));
            else
                StatusTable.Write(ConsoleFor(context), status);
            return ExitCode.Ok;
        }));
        return command;
    }

    private static IAnsiConsole ConsoleFor(CommandContext context)
    {
        if (context.Out == Console.Out && !Console.IsOutputRedirected)
            return AnsiConsole.Console;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(context.Out),
        });
        // A pipe has no width; at the default of 80 columns the tables break.
        console.Profile.Width = WidthWithoutTerminal;
        return console;
    }
}
