using System.Buffers;
using Predastore.Shards.Protocol;

namespace Predastore.Actors.Serialization;

/// <summary>The body of a message on the data plane that is small enough to be held in memory.</summary>
internal static class MessageBody
{
    private const int ChunkBytes = 16 << 10;

    /// <summary>Reads to the end, and no further than the limit: a peer must not fill this node's memory with what is refused anyway.</summary>
    /// <exception cref="ShardException">It is too large.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(Stream input, int bytesMax, string what, CancellationToken cancel)
    {
        var all = new ArrayBufferWriter<byte>(ChunkBytes);
        while (true)
        {
            int read = await input.ReadAsync(all.GetMemory(ChunkBytes), cancel).ConfigureAwait(false);
            if (read == 0)
                return all.WrittenMemory;
            all.Advance(read);
            if (all.WrittenCount > bytesMax)
                throw new ShardException(ShardError.TooLarge, $"a {what} exceeds {bytesMax} bytes");
        }
    }
}
