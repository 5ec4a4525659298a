using System.Runtime.Intrinsics;
using FederatedDpLlm.Models.Kernels;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>
/// The squared Frobenius norm of a product G^T X of two tall matrices, an example's gradient of a linear map, by the ghost identity sum((X X^T) * (G G^T)): for a short
/// example cheaper than to keep the product. References: Li, Tramer, Liang, Hashimoto, arXiv:2110.05679, section 4; mixed: Bu, Mao, Xu, arXiv:2205.10683.
/// Products in float32, their sums in float64.
/// </summary>
internal sealed unsafe class GhostNorm(int longest, int widest)
{
    private const int Block = MatrixTile.Columns;
    private const int HalfBlock = Block / 2;

    // To write and read an element of the product again takes about as long as this many multiplications.
    private const int MultiplicationsOfAnElement = 8;
    private readonly int _padded = (longest + Block - 1) / Block * Block;
    private readonly FloatBuffer _transposed = new(widest * ((longest + Block - 1) / Block * Block));
    private readonly Gram _inputs = new(longest);
    private readonly Gram _outputs = new(longest);

    /// <summary>Whether the identity is cheaper than to keep the product, which is made in any case, from the norm to the sum.</summary>
    public static bool Pays(int rows, int outputs, int inputs) => (long)rows * rows * (outputs + inputs) < (long)MultiplicationsOfAnElement * outputs * inputs;

    /// <summary>Another example begins: nothing is known of its inputs.</summary>
    public void Begin() => _inputs.Forget();

    /// <summary>||G^T X||^2. An input that the call before had too is multiplied with itself once.</summary>
    /// <param name="rows">Of both.</param>
    /// <param name="gradient">G, [rows, outputs].</param>
    /// <param name="outputs">Columns of G.</param>
    /// <param name="input">X, [rows, inputs].</param>
    /// <param name="inputs">Columns of X.</param>
    public double Of(int rows, float* gradient, int outputs, float* input, int inputs)
    {
        if (!_inputs.Holds(input))
        {
            Fill(_inputs, rows, input, inputs);
        }

        Fill(_outputs, rows, gradient, outputs);
        return Gram.Along(_inputs, _outputs, rows);
    }

    /// <summary>a b^T of two matrices of as many rows and columns: [rows, padded rows], until the next call of this method or <see cref="Of"/>.</summary>
    public (nint Row, FloatBuffer Values) Cross(int rows, float* a, float* b, int columns)
    {
        Transpose(rows, b, columns);
        MatrixProduct.Multiply(rows, Padded(rows), columns, a, columns, 1, _transposed.Pointer, _padded, _outputs.Values.Pointer, _padded, accumulate: false);
        return (_padded, _outputs.Values);
    }

    /// <summary>The sum of squares.</summary>
    public static double Squares(float* values, nint length)
    {
        unchecked
        {
            var (low, high) = (Vector512<double>.Zero, Vector512<double>.Zero);
            nint i = 0;
            for (; i + HalfBlock <= length; i += HalfBlock)
            {
                var (a, b) = Vector512.Widen(Vector512.Load(values + i));
                low = Vector512.FusedMultiplyAdd(a, a, low);
                high = Vector512.FusedMultiplyAdd(b, b, high);
            }

            var sum = Tree(low + high);
            for (; i < length; i++)
            {
                sum += (double)values[i] * values[i];
            }

            return sum;
        }
    }

    // A fixed order, whatever the machine.
    internal static double Tree(Vector512<double> lanes)
    {
        var four = lanes.GetLower() + lanes.GetUpper();
        var two = four.GetLower() + four.GetUpper();
        return two.GetElement(0) + two.GetElement(1);
    }

    private static int Padded(int rows) => (rows + Block - 1) / Block * Block;

    private void Fill(Gram gram, int rows, float* matrix, int columns)
    {
        Transpose(rows, matrix, columns);
        gram.Fill(rows, matrix, columns, _transposed.Pointer, _padded);
    }

    private void Transpose(int rows, float* matrix, int columns)
    {
        unchecked
        {
            var padded = Padded(rows);
            for (var row = 0; row < padded; row += 8)
            {
                var many = Math.Min(8, rows - row);
                for (var column = 0; column < columns; column++)
                {
                    var source = matrix + (nint)row * columns + column;
                    var target = _transposed.Pointer + (nint)column * _padded + row;
                    if (many == 8)
                    {
                        Vector256.Create(
                            source[0], source[columns], source[2 * columns], source[3 * columns], source[4 * columns], source[5 * columns], source[6 * columns], source[7 * columns])
                            .Store(target);
                        continue;
                    }

                    for (var i = 0; i < 8; i++)
                    {
                        target[i] = i < many ? source[i * columns] : 0;
                    }
                }
            }
        }
    }

    /// <summary>A matrix's products of its rows with each other: the blocks on and below the diagonal.</summary>
    private sealed class Gram(int longest)
    {
        private readonly int _row = (longest + Block - 1) / Block * Block;
        private float* _of;

        public FloatBuffer Values { get; } = new(longest * ((longest + Block - 1) / Block * Block));

        public bool Holds(float* matrix) => _of == matrix;

        public void Forget() => _of = null;

        public void Fill(int rows, float* matrix, int columns, float* transposed, int padded)
        {
            unchecked
            {
                for (var first = 0; first < rows; first += Block)
                {
                    MatrixTile.Multiply(
                        rows - first, matrix + (nint)first * columns, columns, 1, transposed + first, padded, columns, Values.Pointer + (nint)first * _row + first, _row,
                        accumulate: false);
                }

                _of = matrix;
            }
        }

        // Blocks below the diagonal stand for those above it too.
        public static double Along(Gram a, Gram b, int rows)
        {
            unchecked
            {
                var (diagonal, below) = (Vector512<double>.Zero, Vector512<double>.Zero);
                for (var first = 0; first < rows; first += Block)
                {
                    for (var row = first; row < rows; row++)
                    {
                        var at = (nint)row * a._row + first;
                        var sum = Products(a.Values.Pointer + at, b.Values.Pointer + at) + Products(a.Values.Pointer + at + HalfBlock, b.Values.Pointer + at + HalfBlock);
                        if (row < first + Block)
                        {
                            diagonal += sum;
                        }
                        else
                        {
                            below += sum;
                        }
                    }
                }

                return Tree(diagonal) + 2 * Tree(below);
            }
        }

        private static Vector512<double> Products(float* a, float* b)
        {
            var (lowA, highA) = Vector512.Widen(Vector512.Load(a));
            var (lowB, highB) = Vector512.Widen(Vector512.Load(b));
            return lowA * lowB + highA * highB;
        }
    }
}
