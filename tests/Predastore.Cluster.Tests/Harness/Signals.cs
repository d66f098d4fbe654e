using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Predastore.Cluster.Tests.Harness;

/// <summary>kill(2), for signals that <see cref="System.Diagnostics.Process"/> cannot send. Numbers are those of Linux.</summary>
internal static partial class Signals
{
    public const int Kill = 9;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    public static void Send(int pid, int signal)
    {
        // 0 and negative numbers mean groups of processes: never that.
        ArgumentOutOfRangeException.ThrowIfLessThan(pid, 2);
        if (KillNative(pid, signal) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int KillNative(int pid, int signal);
}
