using Predastore.Benchmarks.Load;

// "load ..." drives a running cluster (scripts/bench.sh); anything else goes to BenchmarkDotNet.
if (args is ["load", .. string[] load])
    return await LoadProgram.RunAsync(load);
BenchmarkDotNet.Running.BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
