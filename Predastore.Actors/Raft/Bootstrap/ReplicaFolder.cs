using System.Buffers.Binary;
using System.Security.Cryptography;
using Google.Protobuf;
using Predastore.Actors.Raft.Core;
using Predastore.Actors.Raft.Journal;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Raft.Bootstrap;

/// <summary>
/// The data path of a metadata replica.
/// <code>
/// identity   who it is (IdentityFile); there once it belongs to a cluster, written last
/// cluster    the cluster id and its first configuration
/// bootstrap  the incarnation it has told its peers, while it belongs to no cluster
/// journal/   the Raft journal, made and marked before identity: an identity without a marked journal has lost its votes
///
/// cluster and bootstrap, big-endian:
/// offset size  field
///      0    8  magic "PREDABOO"
///      8    4  format, 1
///     12    4  length L
///     16    L  BootstrapAnswer (raft.proto); in bootstrap only its sender
///   16+L   32  SHA-256 of everything before
/// </code>
/// One thread at a time. All members throw <see cref="IOException"/> where the disk fails.
/// </summary>
public sealed class ReplicaFolder
{
    private const string ClusterName = "cluster";
    private const string BootstrapName = "bootstrap";
    private const uint Format = 1;
    private const int HeaderBytes = 16;
    private const int FileBytesMax = 64 << 10;

    private const string Replace = "empty the path, start with --new-replica and run 's3d admin replica replace'";

    private readonly IDisk _disk;
    private readonly IOrderedKvFactory _databases;
    private readonly string _path;

    private ReplicaFolder(IDisk disk, IOrderedKvFactory databases, string path, uint node)
    {
        _disk = disk;
        _databases = databases;
        _path = path;
        Node = node;
    }

    private static ReadOnlySpan<byte> Magic => "PREDABOO"u8;

    /// <summary>Node number.</summary>
    public uint Node { get; }

    /// <summary>This replica's incarnation, durable.</summary>
    public ReplicaId Self { get; private set; }

    /// <summary>Who it is in which cluster; null while it is empty.</summary>
    public ReplicaIdentity? Identity { get; private set; }

    /// <summary>Folder of the journal's database.</summary>
    public string JournalPath => JournalOf(_path);

    /// <summary>The path, for messages.</summary>
    public override string ToString() => _path;

    /// <summary>Folder of the journal's database in a data path.</summary>
    public static string JournalOf(string path) => Path.Combine(path, "journal");

    /// <summary>
    /// Opens a data path for this start of the program: counts the start of a replica, or makes the incarnation of an empty one
    /// durable. Once for each start.
    /// </summary>
    /// <exception cref="IdentityException">The path is another's, damaged, or has lost a part.</exception>
    public static ReplicaFolder Open(IDisk disk, IOrderedKvFactory databases, string path, uint node)
    {
        var folder = new ReplicaFolder(disk, databases, path, node);
        disk.CreateDurableDirectory(path);
        if (IdentityFile.TryRead(disk, path) is { } found)
            folder.OpenMember(found);
        else
            folder.OpenEmpty();
        return folder;
    }

    /// <summary>Makes this replica part of a cluster, durably.</summary>
    /// <param name="clusterId">The cluster.</param>
    /// <param name="initial">Its first configuration; empty for a replica that is new to a cluster that exists.</param>
    public ReplicaIdentity Join(Guid clusterId, Membership initial)
    {
        if (Identity is not null)
            throw new InvalidOperationException($"{_path} belongs to cluster {Identity.ClusterId} already.");
        _disk.CreateDurableDirectory(JournalPath);
        JournalMarker.Write(_databases, JournalPath, Self.Incarnation);
        Write(ClusterName, new BootstrapAnswer
        {
            From = Self.ToWire(),
            ClusterId = ByteString.CopyFrom(clusterId.ToByteArray(bigEndian: true)),
            Configuration = initial.ToWire(),
        });

        // From here on the replica belongs to the cluster: everything it needs is durable before.
        IdentityFile.Write(_disk, _path, new DiskIdentity(
            clusterId, IdentityKind.Replica, Node, Guid.NewGuid(), Self.Incarnation, Boots: 1));
        Identity = new ReplicaIdentity(clusterId, Self, initial, Boots: 1);
        return Identity;
    }

    private void OpenMember(DiskIdentity found)
    {
        // Checks kind and number; the cluster is compared with the peers'.
        IdentityFile.TryRead(_disk, _path, found.ClusterId, IdentityKind.Replica, Node);
        if (!HasJournalOf(found.Incarnation))
        {
            throw Lost($"{_path} has an identity but no journal, or one that was emptied: it has forgotten its votes and must not vote "
                + $"again. Put the journal back, or {Replace}");
        }

        BootstrapAnswer cluster = Read(ClusterName) ?? throw Lost($"{_path} has lost the file '{ClusterName}': put it back, or {Replace}");
        DiskIdentity counted = found with { Boots = found.Boots + 1 };
        IdentityFile.Write(_disk, _path, counted);
        _disk.DeleteFile(Path.Combine(_path, BootstrapName));
        Self = new ReplicaId(Node, found.Incarnation);
        Identity = new ReplicaIdentity(found.ClusterId, Self, Membership.From(cluster.Configuration), counted.Boots);
    }

    private bool HasJournalOf(ulong incarnation)
    {
        if (!_disk.Exists(JournalPath))
            return false;
        try
        {
            return JournalMarker.IsOf(_databases, JournalPath, incarnation);
        }
        catch (KvException)
        {
            // It says itself what is wrong with it, when the replica recovers; the rest of the node works meanwhile.
            return true;
        }
    }

    private void OpenEmpty()
    {
        // Nothing but its mark: the program ended while it joined, before it could vote.
        if (_disk.Exists(JournalPath) && _disk.List(JournalPath).Count > 0 && !JournalMarker.IsUnused(_databases, JournalPath))
            throw Lost($"{_path} has a journal but no identity: put the file '{IdentityFile.Name}' back, or {Replace}");

        if (Read(BootstrapName) is { } told)
        {
            Self = ReplicaId.From(told.From);
            if (Self.Node != Node)
            {
                throw new IdentityException(IdentityFault.WrongNumber,
                    $"{_path} is the metadata replica of node {Self.Node}, the configuration says {Node}: correct the path or the number");
            }

            return;
        }

        // A peer may put this number into the first configuration, so it must not be forgotten by a crash.
        Self = new ReplicaId(Node, RandomIncarnation());
        Write(BootstrapName, new BootstrapAnswer { From = Self.ToWire() });
    }

    private static ulong RandomIncarnation()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return Math.Max(1, BinaryPrimitives.ReadUInt64BigEndian(bytes));
    }

    private void Write(string name, BootstrapAnswer content)
    {
        byte[] payload = content.ToByteArray();
        byte[] bytes = new byte[HeaderBytes + payload.Length + SHA256.HashSizeInBytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), Format);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(12), payload.Length);
        payload.CopyTo(bytes, HeaderBytes);
        SHA256.HashData(bytes.AsSpan(0, HeaderBytes + payload.Length), bytes.AsSpan(HeaderBytes + payload.Length));
        _disk.ReplaceFile(Path.Combine(_path, name), bytes);
    }

    private BootstrapAnswer? Read(string name)
    {
        string path = Path.Combine(_path, name);
        if (!_disk.Exists(path))
            return null;
        byte[] bytes = _disk.ReadFile(path, FileBytesMax);
        int end = bytes.Length - SHA256.HashSizeInBytes;
        if (end < HeaderBytes || !bytes.AsSpan(0, 8).SequenceEqual(Magic)
            || !SHA256.HashData(bytes.AsSpan(0, end)).AsSpan().SequenceEqual(bytes.AsSpan(end)))
            throw Lost($"{path} is damaged: {Replace}");
        uint format = BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(8));
        if (format != Format)
        {
            throw new IdentityException(IdentityFault.UnknownFormat,
                $"{path} has format {format}, this program knows {Format}: run the newer version");
        }

        return BootstrapAnswer.Parser.ParseFrom(bytes.AsSpan(HeaderBytes, end - HeaderBytes));
    }

    private static IdentityException Lost(string message) => new(IdentityFault.Damaged, message);
}
