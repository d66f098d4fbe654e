using System.Net;
using System.Net.Sockets;
using Predastore.Host.Config;
using Predastore.Shards.Crypto;
using Predastore.Shards.Disk;
using Predastore.Shards.Transport;

namespace Predastore.Host.Nodes;

/// <summary>
/// What can be found out before anything is started, so that the usual mistakes are one line: certificates, key files, folders,
/// room on their disks, and ports. A port can still be taken between the look and the start; the launcher then says so.
/// </summary>
internal static class Preflight
{
    /// <summary>Below this a database cannot be opened; a disk that merely fills up still starts, to delete.</summary>
    private const long FreeBytesMin = 16L << 20;

    /// <exception cref="StartupException">Something is not as the node needs it.</exception>
    public static void Check(NodeOptions options)
    {
        CheckCertificates(options);
        CheckMasterKeys(options);
        CheckFolder(options);
        CheckRoom(options.NodeFolder);
        if (options.Db is { } db)
            CheckRoom(db.Folder);
        foreach (StorageOptions storage in options.Storages)
            CheckRoom(storage.Folder);
        CheckPort(options.S3, SocketType.Stream, "S3", "--port or [s3] port", "--host");
        if (options.S3Plain is { } plain)
            CheckPort(plain, SocketType.Stream, "plain-HTTP S3", "[s3] plain_port", "--host");
        string controlKey = options.Db is null ? "[cluster] port" : $"port of [[db]] id {options.Node}";
        CheckPort(options.Control with { Host = options.ControlBind }, SocketType.Stream, "control", controlKey, "host");
        HostPort bind = options.Data with { Host = options.DataBind };
        string dataKey = options.Storages is [var first, ..]
            ? $"port of [[storage]] id {first.Entry.Id}"
            : $"data_port of [[db]] id {options.Node}";
        if (options.Transport != TransportChoice.Quic)
            CheckPort(bind, SocketType.Stream, "data", dataKey, "host");
        if (options.Transport != TransportChoice.Tls)
            CheckPort(bind, SocketType.Dgram, "data (QUIC)", dataKey, "host");
    }

    private static void CheckCertificates(NodeOptions options)
    {
        TlsFiles tls = options.Tls;
        foreach ((string file, string flag) in new[] { (tls.CaFile, "--tls-ca"), (tls.CertFile, "--tls-cert"), (tls.KeyFile, "--tls-key") })
            if (!File.Exists(file))
                throw new StartupException($"{flag} {file} does not exist; correct it or make certificates with s3d certs");
        try
        {
            PemFile.RequirePrivate(tls.KeyFile);
            using ClusterTrust trust = ClusterTrust.Load(
                File.ReadAllText(tls.CaFile), File.ReadAllText(tls.CertFile), File.ReadAllText(tls.KeyFile));
            if (trust.Node != options.Node)
                throw new StartupException($"the certificate {tls.CertFile} is that of node {trust.Node}, and this is node {options.Node}; give its own");
        }
        catch (InvalidDataException e)
        {
            throw new StartupException($"TLS files of node {options.Node} ({tls.CertFile}): {e.Message}");
        }
    }

    private static void CheckMasterKeys(NodeOptions options)
    {
        try
        {
            MasterKeys.Load(options.MasterKeyFiles).Dispose();
        }
        catch (MasterKeyException e)
        {
            throw new StartupException(e.Message);
        }
    }

    private static void CheckFolder(NodeOptions options)
    {
        try
        {
            Directory.CreateDirectory(options.NodeFolder);
            string probe = Path.Combine(options.NodeFolder, $".probe-{Environment.ProcessId}");
            using (new FileStream(probe, FileMode.Create, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            {
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"cannot write to {options.NodeFolder}: {e.Message}; correct --base-path or the folder's rights");
        }
    }

    private static void CheckRoom(string folder)
    {
        // What is made later lies on the disk of the nearest folder that is there.
        string at = folder;
        while (!Directory.Exists(at) && Path.GetDirectoryName(at) is { } parent)
            at = parent;
        long free = new FileDisk().Space(at).FreeBytes;
        if (free < FreeBytesMin)
        {
            throw new StartupException(
                $"no space for {folder}: {free >> 10} KiB are free on its disk, a start needs {FreeBytesMin >> 20} MiB; free some or choose another disk");
        }
    }

    private static void CheckPort(HostPort address, SocketType type, string what, string portKey, string hostKey)
    {
        ProtocolType protocol = type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp;
        try
        {
            IPAddress ip = Resolve(address.Host);
            using var socket = new Socket(ip.AddressFamily, type, protocol);
            socket.Bind(new IPEndPoint(ip, address.Port));
            if (type == SocketType.Stream)
                socket.Listen(1);
        }
        catch (SocketException e)
        {
            throw new StartupException(e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse =>
                    $"port {address} ({what}) is in use; stop the process that has it, or choose another with {portKey}",
                SocketError.AccessDenied =>
                    $"port {address} ({what}) needs rights that this process does not have; choose one above 1023 with {portKey}",
                SocketError.AddressNotAvailable =>
                    $"{address.Host} ({what}) is no address of this machine; correct {hostKey}"
                    + (OperatingSystem.IsMacOS() && HostAddress.IsLoopback(address.Host) ? $", or run: sudo ifconfig lo0 alias {address.Host}" : ""),
                _ => $"cannot listen on {address} ({what}): {e.Message}",
            });
        }
    }

    private static IPAddress Resolve(string host)
    {
        if (host is "*" or "+")
            return IPAddress.Any;
        if (IPAddress.TryParse(host, out IPAddress? address))
            return address;
        return Dns.GetHostAddresses(host) is [var first, ..] ? first : throw new SocketException((int)SocketError.HostNotFound);
    }
}
