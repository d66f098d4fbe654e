using Predastore.Benchmarks.Listing;
using Predastore.Benchmarks.Load;

// "load ..." drives a running cluster and "listing ..." the metadata (scripts/bench.sh); anything else goes to BenchmarkDotNet.
if (args is ["load", .. string[] load])
    return await LoadProgram.RunAsync(load);
if (args is ["listing", .. string[] listing])
    return ListingProgram.Run(listing);
BenchmarkDotNet.Running.BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
