using System.CommandLine;
using Predastore.Shards.Crypto;

namespace Predastore.Host.Commands;

/// <summary><c>s3d keygen</c>: makes a master key file.</summary>
internal static class KeygenCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("keygen", "Make a master key: 32 random bytes in a file that only its owner can read.");
        Option<string> output = new("--out", "-o") { Description = "The new file; an existing one is never overwritten.", HelpName = "FILE", Required = true };
        command.Options.Add(output);
        command.SetAction((result, _) => CommandLine.GuardAsync(context, () =>
        {
            string path = result.GetRequiredValue(output);
            MasterKeyFile.Create(path);
            context.Out.WriteLine($"{path}: 32 random bytes, mode 0600. Keep a copy apart from the data: without it nothing can be read.");
            return Task.FromResult(ExitCode.Ok);
        }));
        return command;
    }
}
