namespace Predastore.Shards.Codec;

/// <summary>Row-major matrices over <see cref="GaloisField"/>; small (at most 32 x 32), so plain loops serve.</summary>
internal static class GaloisMatrix
{
    /// <summary>
    /// The systematic coding matrix, (data + parity) x data: a Vandermonde matrix (row r = powers of r) times the inverse of its
    /// upper square. Its upper square is then the identity, and any <paramref name="data"/> rows stay invertible, because the
    /// points r are distinct. With one data row every row is 1: parity is a copy.
    /// </summary>
    public static byte[,] Systematic(int data, int parity)
    {
        byte[,] vandermonde = new byte[data + parity, data];
        byte[,] top = new byte[data, data];
        for (int r = 0; r < data + parity; r++)
        {
            for (int c = 0; c < data; c++)
            {
                vandermonde[r, c] = GaloisField.Power((byte)r, c);
                if (r < data) top[r, c] = vandermonde[r, c];
            }
        }
        return Multiply(vandermonde, Invert(top));
    }

    public static byte[,] Multiply(byte[,] a, byte[,] b)
    {
        int rows = a.GetLength(0), inner = a.GetLength(1), columns = b.GetLength(1);
        if (inner != b.GetLength(0)) throw new ArgumentException("Inner dimensions differ.", nameof(b));
        byte[,] product = new byte[rows, columns];
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
            {
                byte sum = 0;
                for (int i = 0; i < inner; i++) sum ^= GaloisField.Multiply(a[r, i], b[i, c]);
                product[r, c] = sum;
            }
        }
        return product;
    }

    /// <summary>Gauss-Jordan elimination; the argument is not changed.</summary>
    /// <exception cref="InvalidOperationException">The matrix is singular.</exception>
    public static byte[,] Invert(byte[,] matrix)
    {
        int n = matrix.GetLength(0);
        byte[,] left = (byte[,])matrix.Clone();
        byte[,] right = new byte[n, n];
        for (int i = 0; i < n; i++) right[i, i] = 1;
        for (int pivot = 0; pivot < n; pivot++)
        {
            int row = pivot;
            while (row < n && left[row, pivot] == 0) row++;
            if (row == n) throw new InvalidOperationException("The matrix is singular.");
            if (row != pivot)
            {
                SwapRows(left, row, pivot);
                SwapRows(right, row, pivot);
            }
            byte scale = GaloisField.Inverse(left[pivot, pivot]);
            for (int c = 0; c < n; c++)
            {
                left[pivot, c] = GaloisField.Multiply(left[pivot, c], scale);
                right[pivot, c] = GaloisField.Multiply(right[pivot, c], scale);
            }
            for (int r = 0; r < n; r++)
            {
                byte factor = left[r, pivot];
                if (r == pivot || factor == 0) continue;
                for (int c = 0; c < n; c++)
                {
                    left[r, c] ^= GaloisField.Multiply(factor, left[pivot, c]);
                    right[r, c] ^= GaloisField.Multiply(factor, right[pivot, c]);
                }
            }
        }
        return right;
    }

    private static void SwapRows(byte[,] matrix, int a, int b)
    {
        for (int c = 0; c < matrix.GetLength(1); c++) (matrix[a, c], matrix[b, c]) = (matrix[b, c], matrix[a, c]);
    }
}
