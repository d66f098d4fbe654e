using Predastore.Host.Commands;
using Predastore.Host.Nodes;

namespace Predastore.Host;

internal static class Program
{
    private static Task<int> Main(string[] args) => CommandLine.RunAsync(args, CommandContext.OfProcess(new NodeLauncher()));
}
