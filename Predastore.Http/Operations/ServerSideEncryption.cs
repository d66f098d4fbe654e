using Predastore.Http.Protocol;

namespace Predastore.Http.Operations;

/// <summary>
/// What clients ask for as server-side encryption. Every object is sealed with AES-256 under keys of the cluster, which is what S3
/// calls AES256. Keys of the customer or of a KMS are refused: to store without them would break a promise in silence.
/// </summary>
internal static class ServerSideEncryption
{
    private const string Method = "x-amz-server-side-encryption";
    private const string KeyId = "x-amz-server-side-encryption-aws-kms-key-id";
    private const string Customer = "x-amz-server-side-encryption-customer-";
    private const string SourceCustomer = "x-amz-copy-source-server-side-encryption-customer-";
    private const string Aes256 = "AES256";

    /// <summary>Refuses what is not AES256.</summary>
    /// <exception cref="S3Exception">InvalidArgument for what contradicts itself, NotImplemented for the other kinds.</exception>
    public static void Require(S3Request request)
    {
        string? method = request.Header(Method);
        bool customer = request.Headers.Keys.Any(name => name.StartsWith(Customer, StringComparison.OrdinalIgnoreCase)
            || name.StartsWith(SourceCustomer, StringComparison.OrdinalIgnoreCase));
        if (customer && method is not null)
            throw S3Error.InvalidArgument.With("ArgumentName", Method, "Server Side Encryption with Customer provided key is incompatible with the encryption method specified");
        if (customer)
            throw S3Error.NotImplemented.Because("Encryption with keys of the customer is not implemented.");
        if (method is "aws:kms" or "aws:kms:dsse")
            throw S3Error.NotImplemented.Because("Encryption with keys of a KMS is not implemented.");
        if (method is not (null or Aes256))
            throw S3Error.InvalidArgument.With("ArgumentName", Method, "The encryption method specified is not supported");
        if (request.Header(KeyId) is not null)
            throw S3Error.InvalidArgument.With("ArgumentName", KeyId, "The key id is only for the encryption method aws:kms");
    }

    /// <summary>True if a way of sealing is asked for.</summary>
    public static bool IsAsked(S3Request request) => request.Header(Method) is not null;

    /// <summary>Says how the object is sealed.</summary>
    public static void Write(S3Request request) => request.Response.Headers[Method] = Aes256;
}
