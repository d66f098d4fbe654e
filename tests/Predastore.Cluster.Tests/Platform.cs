using System.Runtime.Versioning;

// File modes and signals are part of what is tested.
[assembly: UnsupportedOSPlatform("windows")]
