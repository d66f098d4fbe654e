using System.CommandLine;
using Predastore.Host.Config;
using Predastore.Host.Local;

namespace Predastore.Host.Commands;

/// <summary><c>s3d certs</c>: makes a CA and a certificate for each node, without openssl.</summary>
internal static class CertsCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("certs", "Make a development CA and one certificate per node of a cluster file; keeps what is there.");
        Option<string> config = new("--config", "-c") { Description = "The cluster file that names nodes and hosts.", HelpName = "FILE", Required = true };
        Option<string> output = new("--out", "-o") { Description = "Folder for ca.pem, ca-key.pem, node-N.pem and node-N-key.pem.", HelpName = "DIR", Required = true };
        command.Options.Add(config);
        command.Options.Add(output);
        command.SetAction((result, _) => CommandLine.GuardAsync(context, () =>
        {
            ClusterFile file = ClusterFile.Load(result.GetRequiredValue(config));
            var folder = new CertificateFolder(result.GetRequiredValue(output));
            foreach (string made in folder.Fill(file, context.Time))
                context.Out.WriteLine($"made {made}");
            context.Out.WriteLine($"CA: {folder.CaFile}");
            return Task.FromResult(ExitCode.Ok);
        }));
        return command;
    }
}
