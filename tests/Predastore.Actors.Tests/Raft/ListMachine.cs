using System.Text;
using Predastore.Actors.Raft;

namespace Predastore.Actors.Tests.Raft;

/// <summary>
/// A state machine that keeps every command as a line: durable after Flush only, as the real one. A command that begins with '?' is
/// unknown to it.
/// </summary>
internal sealed class ListMachine(string root) : IStateMachine
{
    private readonly Lock _gate = new();
    private List<string> _lines = [];
    private LogPosition _applied;
    private string _folder = "";
    private int _received;

    public int Installs { get; private set; }

    public int Snapshots { get; private set; }

    /// <summary>While it is not set, snapshots are read no further.</summary>
    public ManualResetEventSlim SnapshotsFlow { get; } = new(true);

    public LogPosition Applied
    {
        get { lock (_gate) return _applied; }
    }

    public IReadOnlyList<string> Lines
    {
        get { lock (_gate) return [.. _lines]; }
    }

    public void Open(string folder)
    {
        lock (_gate)
        {
            _folder = folder.Length == 0 ? "first" : folder;
            Directory.CreateDirectory(Path.Combine(root, _folder));
            foreach (string other in Directory.GetDirectories(root).Where(path => Path.GetFileName(path) != _folder))
                Directory.Delete(other, recursive: true);
            (_applied, _lines) = File.Exists(StateFile) ? Parse(File.ReadAllText(StateFile)) : (default, []);
        }
    }

    public ReadOnlyMemory<byte>[] Apply(ReadOnlySpan<CommittedEntry> entries)
    {
        lock (_gate)
        {
            var results = new ReadOnlyMemory<byte>[entries.Length];
            for (int i = 0; i < entries.Length; i++)
            {
                Assert(entries[i].Position.Index == _applied.Index + 1);
                if (entries[i].IsCommand)
                {
                    string line = Encoding.UTF8.GetString(entries[i].Command.Span);
                    if (line.StartsWith('?'))
                        throw new UnknownCommandException("a command of a newer program");
                    _lines.Add(line);
                    results[i] = BitConverter.GetBytes(_lines.Count);
                }

                _applied = entries[i].Position;
            }

            return results;
        }
    }

    public void Flush()
    {
        lock (_gate)
            File.WriteAllText(StateFile, Format());
    }

    public ISnapshotSource TakeSnapshot()
    {
        lock (_gate)
        {
            Snapshots++;
            return new Source(_applied, Encoding.UTF8.GetBytes(Format()), SnapshotsFlow);
        }
    }

    public ISnapshotSink ReceiveSnapshot(LogPosition position) => new Sink(Path.Combine(root, $"received-{++_received}"), position);

    public void Install(string folder)
    {
        lock (_gate)
        {
            _folder = folder;
            (_applied, _lines) = Parse(File.ReadAllText(StateFile));
            Installs++;
        }
    }

    public void Discard(string folder) => Directory.Delete(Path.Combine(root, folder), recursive: true);

    public void Dispose()
    {
    }

    private string StateFile => Path.Combine(root, _folder, "state");

    private string Format() => $"{_applied.Index} {_applied.Term}\n{string.Join('\n', _lines)}";

    private static (LogPosition Applied, List<string> Lines) Parse(string text)
    {
        string[] lines = text.Split('\n');
        string[] position = lines[0].Split(' ');
        return (new LogPosition(ulong.Parse(position[0]), ulong.Parse(position[1])), [.. lines.Skip(1).Where(line => line.Length > 0)]);
    }

    private static void Assert(bool holds)
    {
        if (!holds)
            throw new InvalidOperationException("entries with a gap");
    }

    private sealed class Source(LogPosition position, byte[] bytes, ManualResetEventSlim flow) : ISnapshotSource
    {
        private int _at;

        public LogPosition Position => position;

        public int Read(Span<byte> buffer)
        {
            flow.Wait();
            int count = Math.Min(buffer.Length, bytes.Length - _at);
            bytes.AsSpan(_at, count).CopyTo(buffer);
            _at += count;
            return count;
        }

        public void Dispose()
        {
        }
    }

    private sealed class Sink(string folder, LogPosition position) : ISnapshotSink
    {
        private readonly MemoryStream _bytes = new();

        public void Write(ReadOnlySpan<byte> bytes) => _bytes.Write(bytes);

        public string Complete()
        {
            string text = Encoding.UTF8.GetString(_bytes.ToArray());
            if (!text.StartsWith($"{position.Index} {position.Term}\n", StringComparison.Ordinal))
                throw new InvalidDataException("another snapshot than announced");
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, "state"), text);
            return Path.GetFileName(folder);
        }

        public void Dispose() => _bytes.Dispose();
    }
}
