using System.CommandLine;
using Microsoft.Extensions.Logging;
using Predastore.Host.Config;
using Predastore.Host.Local;
using Predastore.Host.Nodes;

namespace Predastore.Host.Commands;

/// <summary><c>s3d</c> itself: runs one node, all nodes of a file, or the built-in cluster.</summary>
internal static class RunCommand
{
    public static RootCommand Create(CommandContext context)
    {
        var root = new RootCommand("Predastore: a distributed, S3-compatible object store.");
        var flags = new NodeFlagOptions();
        flags.AddTo(root);
        root.SetAction((result, cancellation) => CommandLine.GuardAsync(
            context, () => RunAsync(context, result.GetValue(flags.Config), flags.Read(result), cancellation)));
        return root;
    }

    private static async Task<ExitCode> RunAsync(CommandContext context, string? config, NodeFlags flags, CancellationToken cancellation)
    {
        LocalCluster? local = null;
        if (config is null)
        {
            if (flags.NeedFile)
                throw new StartupException("these flags need a cluster file; add --config FILE", ExitCode.Usage);
            local = LocalCluster.Prepare(flags.BasePath ?? LocalCluster.DefaultFolder(context.Environment), context.Time);
            config = local.ConfigFile;
            // The guide is what somebody who just tries it must find, not one line among many.
            flags = local.Flags with { LogLevel = flags.LogLevel ?? LogLevel.Warning };
        }
        IReadOnlyList<NodeOptions> nodes = NodeOptionsResolver.Resolve(ClusterFile.Load(config), flags, context.Environment);
        foreach (NodeOptions node in nodes)
            Preflight.Check(node);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, context.Stop);
        using var signals = new StopSignals(stop);
        return await NodeGroup.RunAsync(context, nodes, () => local?.PrintGuide(context.Out, nodes), stop.Token);
    }
}
