using Google.Protobuf;

namespace Predastore.Actors.Serialization;

/// <summary>
/// The messages of one protocol (one <c>.proto</c> file) with their manifests. A manifest is <c>protocol/name</c>; it is what a
/// peer reads, so a name is never changed and never given to another type.
/// </summary>
/// <remarks>Built once in a static field and shared; not safe for concurrent <c>Add</c>.</remarks>
/// <example><c>new WireProtocol("raft").Add("vote", VoteRequest.Parser).Add("append", AppendEntries.Parser)</c></example>
public sealed class WireProtocol
{
    private readonly List<WireEntry> _entries = [];

    /// <param name="name">First part of every manifest: lower-case letters, digits and '-'.</param>
    /// <exception cref="ArgumentException">The name is empty or has another character.</exception>
    public WireProtocol(string name) => Name = Checked(name);

    /// <summary>First part of every manifest.</summary>
    public string Name { get; }

    internal IReadOnlyList<WireEntry> Entries => _entries;

    /// <summary>Registers a generated message that is sent as it is.</summary>
    /// <param name="name">Second part of the manifest.</param>
    /// <param name="parser">The generated <c>Parser</c>.</param>
    /// <exception cref="ArgumentException">The name or the type is already taken in this protocol.</exception>
    public WireProtocol Add<TMessage>(string name, MessageParser<TMessage> parser)
        where TMessage : class, IMessage<TMessage> =>
        Add(name, typeof(TMessage), static message => ((TMessage)message).ToByteArray(), parser.ParseFrom);

    /// <summary>Registers a sealed record that travels as a generated message.</summary>
    /// <param name="name">Second part of the manifest.</param>
    /// <param name="parser">The <c>Parser</c> of the generated message.</param>
    /// <param name="write">Record to generated message.</param>
    /// <param name="read">Generated message to record; may throw on values that no correct peer sends.</param>
    /// <exception cref="ArgumentException">The name or the type is already taken, or the record is not sealed.</exception>
    public WireProtocol Add<TRecord, TMessage>(
        string name, MessageParser<TMessage> parser, Func<TRecord, TMessage> write, Func<TMessage, TRecord> read)
        where TRecord : class, IWireMessage
        where TMessage : class, IMessage<TMessage>
    {
        // A subclass would be written as its base: what it adds would be lost without an error.
        if (!typeof(TRecord).IsSealed)
            throw new ArgumentException($"{typeof(TRecord)} crosses nodes and must be sealed");
        return Add(
            name, typeof(TRecord), message => write((TRecord)message).ToByteArray(), bytes => read(parser.ParseFrom(bytes)));
    }

    private WireProtocol Add(string name, Type type, Func<object, byte[]> write, Func<byte[], object> read)
    {
        string manifest = $"{Name}/{Checked(name)}";
        if (_entries.Exists(entry => entry.Manifest == manifest))
            throw new ArgumentException($"manifest {manifest} is registered twice");
        if (_entries.Exists(entry => entry.Type == type))
            throw new ArgumentException($"{type} is registered twice in protocol {Name}");
        _entries.Add(new WireEntry(manifest, type, write, read));
        return this;
    }

    private static string Checked(string name) =>
        name.Length > 0 && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')
            ? name
            : throw new ArgumentException($"'{name}' is not a manifest name: use a-z, 0-9 and '-'");
}

/// <summary>One message type: how it is named, written and read.</summary>
internal sealed record WireEntry(string Manifest, Type Type, Func<object, byte[]> Write, Func<byte[], object> Read);
