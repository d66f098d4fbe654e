using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Predastore.Shards.Codec;

/// <summary>
/// One vector width and instruction set: what <see cref="GaloisKernels"/> needs to multiply a vector of bytes by one coefficient.
/// Implementations are empty structs, so that the JIT makes one specialised loop for each.
/// </summary>
internal unsafe interface IGaloisLane<TVector>
{
    static abstract int Bytes { get; }
    static abstract TVector Load(byte* source);
    static abstract void Store(byte* destination, TVector value);
    static abstract TVector Xor(TVector a, TVector b);

    /// <summary>Each byte of <paramref name="x"/> times the coefficient whose <see cref="CoefficientRow"/> entry is given.</summary>
    static abstract TVector Multiply(TVector x, byte* entry);
}

internal readonly unsafe struct ScalarLane : IGaloisLane<byte>
{
    public static int Bytes => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Load(byte* source) => *source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* destination, byte value) => *destination = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Xor(byte a, byte b) => (byte)(a ^ b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Multiply(byte x, byte* entry) =>
        (byte)(entry[CoefficientRow.LowOffset + (x & 0x0F)] ^ entry[CoefficientRow.HighOffset + (x >> 4)]);
}

internal readonly unsafe struct Vector128Lane : IGaloisLane<Vector128<byte>>
{
    public static int Bytes => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load(byte* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* destination, Vector128<byte> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Xor(Vector128<byte> a, Vector128<byte> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Multiply(Vector128<byte> x, byte* entry)
    {
        // All indices are below 16, where the native shuffles of x86 and Arm agree.
        Vector128<byte> low = Vector128.ShuffleNative(
            Vector128.Load(entry + CoefficientRow.LowOffset), x & Vector128.Create((byte)0x0F));
        Vector128<byte> high = Vector128.ShuffleNative(Vector128.Load(entry + CoefficientRow.HighOffset), x >>> 4);
        return low ^ high;
    }
}

internal readonly unsafe struct Avx2Lane : IGaloisLane<Vector256<byte>>
{
    public static int Bytes => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load(byte* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* destination, Vector256<byte> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Xor(Vector256<byte> a, Vector256<byte> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Multiply(Vector256<byte> x, byte* entry)
    {
        Vector256<byte> mask = Vector256.Create((byte)0x0F);
        Vector256<byte> low = Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(entry + CoefficientRow.LowOffset), x & mask);
        Vector256<byte> nibbles = (x.AsUInt16() >>> 4).AsByte() & mask;
        return low ^ Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(entry + CoefficientRow.HighOffset), nibbles);
    }
}

internal readonly unsafe struct Gfni256Lane : IGaloisLane<Vector256<byte>>
{
    public static int Bytes => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load(byte* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* destination, Vector256<byte> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Xor(Vector256<byte> a, Vector256<byte> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Multiply(Vector256<byte> x, byte* entry) =>
        Gfni.V256.GaloisFieldAffineTransform(x, Vector256.Create(*(ulong*)entry).AsByte(), 0);
}

internal readonly unsafe struct Gfni512Lane : IGaloisLane<Vector512<byte>>
{
    public static int Bytes => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Load(byte* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* destination, Vector512<byte> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Xor(Vector512<byte> a, Vector512<byte> b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Multiply(Vector512<byte> x, byte* entry) =>
        Gfni.V512.GaloisFieldAffineTransform(x, Vector512.Create(*(ulong*)entry).AsByte(), 0);
}
