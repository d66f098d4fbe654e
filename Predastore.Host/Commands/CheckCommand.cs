using System.CommandLine;
using Predastore.Host.Config;

namespace Predastore.Host.Commands;

/// <summary><c>s3d check</c>: reads a cluster file as a node would and says what it makes of it; starts nothing.</summary>
internal static class CheckCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("check", "Check a cluster file and print the digest that all nodes must agree on.");
        Option<string> config = new("--config", "-c") { Description = "The cluster file.", HelpName = "FILE", Required = true };
        Option<bool> list = new("--list-nodes") { Description = "Print the node numbers and the host of each, one a line, and nothing else." };
        command.Options.Add(config);
        command.Options.Add(list);
        command.SetAction((result, _) => CommandLine.GuardAsync(context, () =>
        {
            ClusterFile file = ClusterFile.Load(result.GetRequiredValue(config));
            if (result.GetValue(list))
            {
                foreach (uint node in file.Nodes)
                    context.Out.WriteLine($"{node} {file.HostOf(node)}");
                return Task.FromResult(ExitCode.Ok);
            }
            context.Out.WriteLine(
                $"{file.Source}: {file.Nodes.Count} nodes, {file.Dbs.Count} metadata replicas, {file.Storages.Count} storage ids, "
                + $"RS({file.Rs.Data},{file.Rs.Parity}), digest {Convert.ToHexStringLower(file.SharedDigest())}");
            return Task.FromResult(ExitCode.Ok);
        }));
        return command;
    }
}
