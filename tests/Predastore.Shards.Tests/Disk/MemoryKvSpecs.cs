using Predastore.Shards.Disk;
using Predastore.Testing.Disk;

namespace Predastore.Shards.Tests.Disk;

/// <summary>The crash-modelled stand-in keeps the same promises as RocksDB.</summary>
public sealed class MemoryKvSpecs : OrderedKvConformance
{
    private readonly MemoryKvFactory _factory = new();

    protected override IOrderedKvFactory Factory => _factory;

    protected override string Directory => "/kv";

    protected override IOrderedKv Crash(IOrderedKv kv, OrderedKvOptions options)
    {
        _factory.Crash(new Random(1));
        return _factory.Open(Directory, options);
    }
}
