using System.Security.Cryptography;
using System.Text;
using Predastore.Http.Auth;

namespace Predastore.Http.Tests.Auth;

/// <summary>The example of the AWS documentation (Transferring Payload in Multiple Chunks): 65,536 and 1,024 letters a.</summary>
public sealed class ChunkSignerSpecs
{
    private const string Time = "20130524T000000Z";
    private const string Scope = "20130524/us-east-1/s3/aws4_request";
    private const string Seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";

    private static readonly (int Length, string Signature)[] Chunks =
    [
        (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
        (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    ];

    [Fact]
    public void Documented_chunks_should_be_accepted_in_order()
    {
        ChunkSigner signer = Signer();
        foreach ((int length, string signature) in Chunks)
            Assert.True(signer.TryChunk(Hash(length), signature));
    }

    [Fact]
    public void Swapped_or_changed_chunks_should_be_refused()
    {
        Assert.False(Signer().TryChunk(Hash(Chunks[1].Length), Chunks[1].Signature));
        Assert.False(Signer().TryChunk(Hash(Chunks[0].Length - 1), Chunks[0].Signature));
    }

    private static ChunkSigner Signer() => new(
        SigV4.SigningKey("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3"), Time, Scope, Seed);

    private static string Hash(int length)
        => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(new string('a', length))));
}
