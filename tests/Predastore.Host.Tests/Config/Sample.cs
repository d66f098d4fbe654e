namespace Predastore.Host.Tests.Config;

/// <summary>Cluster files that are right, to be broken one line at a time.</summary>
internal static class Sample
{
    /// <summary>Three nodes on loopback. Tests name its lines.</summary>
    public const string Three =
        """
        version = 1
        region = "eu-west-1"

        [rs]
        data = 2
        parity = 1

        [[db]]
        id = 1
        host = "127.9.9.1"
        port = 6660
        path = "db"

        [[db]]
        id = 2
        host = "127.9.9.2"
        port = 6660
        path = "db"

        [[db]]
        id = 3
        host = "127.9.9.3"
        port = 6660
        path = "db"

        [[storage]]
        id = 1
        host = "127.9.9.1"
        port = 9991
        path = "disk-1"

        [[storage]]
        id = 2
        host = "127.9.9.2"
        port = 9991
        path = "disk-2"

        [[storage]]
        id = 3
        host = "127.9.9.3"
        port = 9991
        path = "disk-3"

        [[auth]]
        access_key_id = "AKIATEST"
        secret_access_key = "abcdefghijklmnop"
        account_id = "123456789012"
        display_name = "a"
        """;

    /// <summary>Every key there is, once.</summary>
    public const string EveryKey =
        """
        version = 1
        region = "eu-west-1"

        [rs]
        data = 1
        parity = 1

        [s3]
        bind = "10.0.0.1"
        port = 443
        plain_port = 80
        domains = ["S3.example.com"]

        [cluster]
        name = "prod"
        bind = "0.0.0.0"
        port = 7000

        [tls]
        ca = "ca.pem"
        cert = "cert.pem"
        key = "key.pem"

        [transport]
        kind = "tls"

        [[db]]
        id = 1
        host = "10.0.0.1"
        port = 6660
        path = "/data/db"

        [[storage]]
        id = 11
        node = 1
        host = "10.0.0.1"
        port = 9991
        path = "/data/11"
        weight = 2
        zone = "rack-1"

        [[storage]]
        id = 12
        node = 1
        host = "10.0.0.1"
        port = 9991
        path = "/data/12"
        weight = 4
        zone = "rack-2"

        [[storage]]
        id = 2
        host = "10.0.0.2"
        port = 9991
        path = "/data/2"

        [[auth]]
        access_key_id = "AKIAOPS"
        secret_access_key = "0123456789abcdef"
        account_id = "123456789012"
        display_name = "Ops"
        email = "ops@example.com"
        canonical_id = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

        [[auth]]
        access_key_id = "AKIAAPP"
        secret_access_key = "0123456789abcdef"
        account_id = "210987654321"

        [[bucket]]
        name = "logs"
        region = "eu-west-1"
        account_id = "210987654321"
        public = true
        """;
}
