using Predastore.Host.Admin;
using Predastore.Host.Config;

namespace Predastore.Host.Local;

/// <summary>What somebody with a fresh development cluster needs: endpoint, CA file, keys and four commands to try.</summary>
internal static class Guide
{
    public static void Write(TextWriter output, ClusterFile file, string configFile, string caFile, string dataFolder)
    {
        Uri[] endpoints = [.. file.Nodes.Select(node => StatusTarget.EndpointOf(file, node))];
        string first = endpoints[0].GetLeftPart(UriPartial.Authority);
        AuthEntry auth = file.Auths[0];
        output.WriteLine(
            $"""

            Endpoint     {string.Join(' ', endpoints.Select(endpoint => endpoint.GetLeftPart(UriPartial.Authority)))}
            CA file      {caFile}
            Access key   {auth.AccessKeyId}
            Secret key   {auth.SecretAccessKey}
            Region       {file.Region}
            Data folder  {dataFolder}

            To try it, in a shell:

              export AWS_ENDPOINT_URL={first} AWS_CA_BUNDLE={caFile} AWS_DEFAULT_REGION={file.Region}
              export AWS_ACCESS_KEY_ID={auth.AccessKeyId} AWS_SECRET_ACCESS_KEY={auth.SecretAccessKey}

              aws s3 mb s3://demo
              aws s3 cp {caFile} s3://demo/hello.pem
              aws s3 ls s3://demo
              {Program} status --config {configFile} --tls-ca {caFile}

            """);
    }

    /// <summary>How this program is started again: itself, or through <c>dotnet</c>.</summary>
    private static string Program => Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) != "dotnet"
        ? path
        : "dotnet " + Path.Combine(AppContext.BaseDirectory, "s3d.dll");
}
