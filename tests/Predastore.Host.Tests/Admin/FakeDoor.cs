using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Predastore.Shards.Transport;

namespace Predastore.Host.Tests.Admin;

/// <summary>An HTTPS endpoint on a free loopback port whose certificate comes from a CA of its own.</summary>
internal sealed class FakeDoor : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeDoor(WebApplication app, string caPem)
    {
        _app = app;
        CaPem = caPem;
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
    }

    public Uri Address { get; }

    public string CaPem { get; }

    public static async Task<FakeDoor> StartAsync(RequestDelegate answer)
    {
        using DevelopmentCa ca = DevelopmentCa.Create("test");
        IssuedCertificate issued = ca.IssueNode(1, ["127.0.0.1"]);
        // Kestrel keeps it: owned by the process from here on.
        X509Certificate2 pem = X509Certificate2.CreateFromPem(issued.CertificatePem, issued.KeyPem);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(pem)));
        WebApplication app = builder.Build();
        app.Run(answer);
        await app.StartAsync();
        return new FakeDoor(app, ca.CertificatePem);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
