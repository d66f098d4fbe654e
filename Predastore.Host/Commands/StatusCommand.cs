using System.CommandLine;
using System.Text.Json;
using Predastore.Host.Admin;
using Predastore.Http.Admin;

namespace Predastore.Host.Commands;

/// <summary><c>s3d status</c>: asks a running cluster how it is, as tables for people or as JSON for programs.</summary>
internal static class StatusCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("status", "Show nodes, leader, disks, transports and work that waits.");
        var target = new TargetOptions();
        Option<bool> json = new("--json") { Description = "Print the answer as JSON." };
        target.AddTo(command);
        command.Options.Add(json);
        command.SetAction((result, cancellation) => CommandLine.GuardAsync(context, async () =>
        {
            StatusTarget whom = target.Read(result, context);
            ClusterStatus status = await new StatusClient(context.Time).GetAsync(
                whom.Endpoints, whom.CaFile, whom.Region, whom.Credentials, cancellation);
            if (result.GetValue(json))
                context.Out.WriteLine(JsonSerializer.Serialize(status, ClusterStatusJson.Default.ClusterStatus));
            else
                StatusTable.Write(Tables.ConsoleFor(context), status);
            return ExitCode.Ok;
        }));
        return command;
    }
}
