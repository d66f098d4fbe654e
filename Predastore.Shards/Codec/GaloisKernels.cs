using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Predastore.Shards.Codec;

/// <summary>
/// The inner loop: outputs[r] = sum over k of rows[r][k] * inputs[k], byte by byte. Outputs are overwritten and must not overlap
/// inputs. Safe from any thread.
/// </summary>
internal static unsafe class GaloisKernels
{
    /// <summary>Bytes of every input that are worked on before the next group of outputs, so that inputs stay in the cache.</summary>
    private const int BlockBytes = 8192;

    /// <summary>The fastest kernel of this CPU.</summary>
    public static GaloisKernel Best { get; } = Enum.GetValues<GaloisKernel>().Where(IsSupported).Max();

    /// <summary>True if this CPU can run the kernel.</summary>
    public static bool IsSupported(GaloisKernel kernel) => kernel switch
    {
        GaloisKernel.Scalar => true,
        GaloisKernel.Vector128 => Ssse3.IsSupported || AdvSimd.Arm64.IsSupported,
        GaloisKernel.Avx2 => Avx2.IsSupported,
        GaloisKernel.Gfni256 => Gfni.V256.IsSupported,
        GaloisKernel.Gfni512 => Gfni.V512.IsSupported && Vector512.IsHardwareAccelerated,
        _ => false,
    };

    /// <summary>Runs a kernel over <paramref name="length"/> bytes of every input and output.</summary>
    public static void Run(GaloisKernel kernel, byte** rows, byte** inputs, int inputCount, byte** outputs, int outputCount,
        nint length)
    {
        // A length below one vector goes down to the next narrower kernel; the widest that fits covers the rest itself.
        if (kernel == GaloisKernel.Gfni512 && length < Gfni512Lane.Bytes) kernel = GaloisKernel.Gfni256;
        if (kernel is GaloisKernel.Gfni256 or GaloisKernel.Avx2 && length < Avx2Lane.Bytes) kernel = GaloisKernel.Vector128;
        if (kernel == GaloisKernel.Vector128 && length < Vector128Lane.Bytes) kernel = GaloisKernel.Scalar;
        switch (kernel)
        {
            case GaloisKernel.Gfni512:
                Blocks<Gfni512Lane, Vector512<byte>>(rows, inputs, inputCount, outputs, outputCount, length);
                break;
            case GaloisKernel.Gfni256:
                Blocks<Gfni256Lane, Vector256<byte>>(rows, inputs, inputCount, outputs, outputCount, length);
                break;
            case GaloisKernel.Avx2:
                Blocks<Avx2Lane, Vector256<byte>>(rows, inputs, inputCount, outputs, outputCount, length);
                break;
            case GaloisKernel.Vector128:
                Blocks<Vector128Lane, Vector128<byte>>(rows, inputs, inputCount, outputs, outputCount, length);
                break;
            default:
                Blocks<ScalarLane, byte>(rows, inputs, inputCount, outputs, outputCount, length);
                break;
        }
    }

    private static void Blocks<TLane, TVector>(byte** rows, byte** inputs, int inputCount, byte** outputs, int outputCount,
        nint length) where TLane : struct, IGaloisLane<TVector>
    {
        for (nint start = 0; start < length; start += BlockBytes)
        {
            nint end = Math.Min(start + BlockBytes, length);
            // The last block reaches back to a whole vector. Outputs are written, never added to, so writing twice is harmless.
            nint from = Math.Min(start, end - Math.Min(TLane.Bytes, end));
            int r = 0;
            for (; r + 4 <= outputCount; r += 4)
                Rows4<TLane, TVector>(rows + r, inputs, inputCount, outputs + r, from, end);
            if (r + 2 <= outputCount)
            {
                Rows2<TLane, TVector>(rows + r, inputs, inputCount, outputs + r, from, end);
                r += 2;
            }
            if (r < outputCount) Rows1<TLane, TVector>(rows[r], inputs, inputCount, outputs[r], from, end);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows1<TLane, TVector>(byte* row, byte** inputs, int inputCount, byte* output, nint from, nint end)
        where TLane : struct, IGaloisLane<TVector>
    {
        nint last = end - TLane.Bytes;
        for (nint at = from; ; at = Math.Min(at + TLane.Bytes, last))
        {
            TVector sum = TLane.Multiply(TLane.Load(inputs[0] + at), row);
            byte* entry = row;
            for (int k = 1; k < inputCount; k++)
            {
                entry += CoefficientRow.EntryBytes;
                sum = TLane.Xor(sum, TLane.Multiply(TLane.Load(inputs[k] + at), entry));
            }
            TLane.Store(output + at, sum);
            if (at == last) return;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows2<TLane, TVector>(byte** rows, byte** inputs, int inputCount, byte** outputs, nint from, nint end)
        where TLane : struct, IGaloisLane<TVector>
    {
        byte* row0 = rows[0], row1 = rows[1];
        byte* output0 = outputs[0], output1 = outputs[1];
        nint last = end - TLane.Bytes;
        for (nint at = from; ; at = Math.Min(at + TLane.Bytes, last))
        {
            TVector x = TLane.Load(inputs[0] + at);
            TVector sum0 = TLane.Multiply(x, row0);
            TVector sum1 = TLane.Multiply(x, row1);
            nint entry = 0;
            for (int k = 1; k < inputCount; k++)
            {
                entry += CoefficientRow.EntryBytes;
                x = TLane.Load(inputs[k] + at);
                sum0 = TLane.Xor(sum0, TLane.Multiply(x, row0 + entry));
                sum1 = TLane.Xor(sum1, TLane.Multiply(x, row1 + entry));
            }
            TLane.Store(output0 + at, sum0);
            TLane.Store(output1 + at, sum1);
            if (at == last) return;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4<TLane, TVector>(byte** rows, byte** inputs, int inputCount, byte** outputs, nint from, nint end)
        where TLane : struct, IGaloisLane<TVector>
    {
        byte* row0 = rows[0], row1 = rows[1], row2 = rows[2], row3 = rows[3];
        byte* output0 = outputs[0], output1 = outputs[1], output2 = outputs[2], output3 = outputs[3];
        nint last = end - TLane.Bytes;
        for (nint at = from; ; at = Math.Min(at + TLane.Bytes, last))
        {
            TVector x = TLane.Load(inputs[0] + at);
            TVector sum0 = TLane.Multiply(x, row0);
            TVector sum1 = TLane.Multiply(x, row1);
            TVector sum2 = TLane.Multiply(x, row2);
            TVector sum3 = TLane.Multiply(x, row3);
            nint entry = 0;
            for (int k = 1; k < inputCount; k++)
            {
                entry += CoefficientRow.EntryBytes;
                x = TLane.Load(inputs[k] + at);
                sum0 = TLane.Xor(sum0, TLane.Multiply(x, row0 + entry));
                sum1 = TLane.Xor(sum1, TLane.Multiply(x, row1 + entry));
                sum2 = TLane.Xor(sum2, TLane.Multiply(x, row2 + entry));
                sum3 = TLane.Xor(sum3, TLane.Multiply(x, row3 + entry));
            }
            TLane.Store(output0 + at, sum0);
            TLane.Store(output1 + at, sum1);
            TLane.Store(output2 + at, sum2);
            TLane.Store(output3 + at, sum3);
            if (at == last) return;
        }
    }
}
