using Predastore.Host.Config;
using Predastore.Shards.Transport;

namespace Predastore.Host.Local;

/// <summary>
/// A folder with a development CA and node certificates: <c>ca.pem</c>, <c>ca-key.pem</c>, <c>node-N.pem</c>,
/// <c>node-N-key.pem</c>. What is there is kept; what is missing is made.
/// </summary>
internal sealed class CertificateFolder(string folder)
{
    public string CaFile => Path.Combine(folder, "ca.pem");

    public string CaKeyFile => Path.Combine(folder, "ca-key.pem");

    /// <summary>Certificate of a node; with <see cref="NodeOptionsResolver.NodePlaceholder"/> for the number, of all.</summary>
    public string CertFile(string node) => Path.Combine(folder, $"node-{node}.pem");

    /// <summary>Private key of a node.</summary>
    public string KeyFile(string node) => Path.Combine(folder, $"node-{node}-key.pem");

    /// <summary>Makes what is missing for the nodes of a file; returns the files made.</summary>
    /// <exception cref="StartupException">Something is missing that cannot be made, or what is there does not fit.</exception>
    public IReadOnlyList<string> Fill(ClusterFile file, TimeProvider time)
    {
        PrivateFile.CreateFolder(folder);
        var made = new List<string>();
        List<uint> missing = [.. file.Nodes.Where(node => !HasNode(node))];
        DevelopmentCa? ca = null;
        try
        {
            if (!File.Exists(CaFile))
            {
                // With node certificates of a lost CA in place, a new CA would make a cluster that refuses itself.
                if (missing.Count < file.Nodes.Count)
                    throw new StartupException($"{CaFile} is gone but certificates made by it are there; bring it back or empty {folder}");
                ca = DevelopmentCa.Create($"Predastore development CA ({file.Cluster.Name})", time);
                PemFile.WriteKey(CaKeyFile, ca.ExportKeyPem());
                PemFile.WriteCertificate(CaFile, ca.CertificatePem);
                made.Add(CaFile);
            }
            foreach (uint node in missing)
            {
                ca ??= Import(node, time);
                IssuedCertificate issued = ca.IssueNode(node, HostsOf(file, node));
                PemFile.WriteKey(KeyFile($"{node}"), issued.KeyPem);
                PemFile.WriteCertificate(CertFile($"{node}"), issued.CertificatePem);
                made.Add(CertFile($"{node}"));
            }
        }
        finally
        {
            ca?.Dispose();
        }
        foreach (uint node in file.Nodes)
            Verify(node);
        return made;
    }

    private bool HasNode(uint node) => File.Exists(CertFile($"{node}")) && File.Exists(KeyFile($"{node}"));

    private DevelopmentCa Import(uint node, TimeProvider time)
    {
        if (!File.Exists(CaKeyFile))
            throw new StartupException($"{CaKeyFile} is not there, so no certificate for node {node} can be made; bring it back or empty {folder}");
        try
        {
            return DevelopmentCa.Import(File.ReadAllText(CaFile), File.ReadAllText(CaKeyFile), time);
        }
        catch (InvalidDataException e)
        {
            throw new StartupException($"{CaFile} and {CaKeyFile}: {e.Message}; bring the right ones back or empty {folder}");
        }
    }

    private void Verify(uint node)
    {
        try
        {
            using ClusterTrust trust = ClusterTrust.Load(
                File.ReadAllText(CaFile), File.ReadAllText(CertFile($"{node}")), File.ReadAllText(KeyFile($"{node}")));
            if (trust.Node != node)
                throw new InvalidDataException($"it is bound to node {trust.Node}");
        }
        catch (InvalidDataException e)
        {
            throw new StartupException($"{CertFile($"{node}")} does not fit: {e.Message}; delete it and its key to have new ones made");
        }
    }

    /// <summary>Every name under which somebody may dial the node, virtual-host buckets included.</summary>
    private static IEnumerable<string> HostsOf(ClusterFile file, uint node)
    {
        yield return file.ControlOf(node).Host;
        yield return file.DataOf(node).Host;
        if (file.S3.Bind is { } bind && !HostAddress.IsWildcard(bind))
            yield return bind;
        foreach (string domain in file.S3.Domains)
        {
            yield return domain;
            yield return "*." + domain;
        }
    }
}
