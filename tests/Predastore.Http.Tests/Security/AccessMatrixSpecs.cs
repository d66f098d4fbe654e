using Predastore.Http.Protocol;
using Predastore.Http.Tests.Door;
using Predastore.Http.Tests.Wire;

namespace Predastore.Http.Tests.Security;

/// <summary>Every route with every wrong claim in every payload mode: the right refusal, and nothing reaches the store.</summary>
public sealed class AccessMatrixSpecs(DoorFixture fixture) : IClassFixture<DoorFixture>
{
    /// <summary>Fewer cases than this and somebody has taken routes, claims or modes out of the matrix.</summary>
    private const int CasesMin = 4_000;

    [Fact]
    public void Matrix_should_not_shrink() => Assert.InRange(RouteCases.All.Count(), CasesMin, int.MaxValue);

    [Fact]
    public Task S1_CVE_2026_40344_invented_signature_should_open_no_route() => AttackAsync(Claim.InventedSignature);

    [Fact]
    public Task S1_unknown_key_should_open_no_route() => AttackAsync(Claim.UnknownKey);

    [Fact]
    public Task S2_CVE_2026_41145_credential_in_the_query_without_a_signature_should_open_no_route() => AttackAsync(Claim.PresignedUnsigned);

    [Fact]
    public Task S2_CVE_2026_41145_credential_in_the_query_with_an_invented_signature_should_open_no_route() => AttackAsync(Claim.PresignedInvented);

    [Fact]
    public Task S2_credentials_in_header_and_query_should_open_no_route() => AttackAsync(Claim.HeaderAndQuery);

    [Fact]
    public Task S6_nobody_should_open_no_route_of_a_private_bucket() => AttackAsync(Claim.Anonymous);

    [Fact]
    public Task S6_another_account_should_open_no_route_of_a_private_bucket() => AttackAsync(Claim.OtherAccount);

    [Fact]
    public Task S6_another_account_with_a_presigned_url_should_open_no_route_of_a_private_bucket() => AttackAsync(Claim.OtherAccountPresigned);

    private async Task AttackAsync(Claim claim)
    {
        ModelStore store = fixture.Door.Store;
        var wrong = new List<string>();
        foreach ((Route route, _, string? payload) in RouteCases.All.Where(one => one.Claim == claim))
        {
            S3Call call = RouteCases.Claiming(RouteCases.Call(fixture, route, payload), claim);
            (int bodies, int commands) = (store.Bodies, store.Commands);
            RawAnswer answer = await call.SendAsync();
            (int status, string code) = RouteCases.Expected(route, claim);
            // Any account may make buckets: what is wrong with the body or the name is said by whatever finds it first.
            bool mayAsk = route.Operation == S3Operation.CreateBucket && status == 409;
            bool right = mayAsk ? answer.Status is >= 400 and <= 409 : answer.Status == status && (route.Method == "HEAD" || answer.Code == code);
            if (!right || store.Bodies != bodies || (!mayAsk && store.Commands != commands))
                wrong.Add($"{route.Method} {route.Scope} ?{route.Subresource} {route.Header} {payload}: {answer} instead of {status} {code}, {store.Bodies - bodies} bodies read, {store.Commands - commands} commands");
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
        await fixture.AssertKeptAsync();
    }
}
