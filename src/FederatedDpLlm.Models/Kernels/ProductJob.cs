using FederatedDpLlm.Models.Threads;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>Products of the same rows with one to three matrices, in pieces of whole panels: who computes which panel does not show in the bits.</summary>
internal sealed unsafe class ProductJob : TeamJob
{
    private readonly int _pieces;
    private readonly int _rows;
    private readonly float* _x;
    private readonly nint _xRow;
    private readonly (PackedMatrix Matrix, nint Output)[] _products;
    private readonly int _panels;

    private ProductJob(int pieces, int rows, float* x, nint xRow, (PackedMatrix Matrix, nint Output)[] products, int panels)
        : base(pieces)
    {
        (_pieces, _rows, _xRow, _products, _panels) = (pieces, rows, xRow, products, panels);
        _x = x;
    }

    /// <summary>Each matrix's product into its output (a float*, rows as far apart as the matrix has outputs).</summary>
    /// <param name="threads">Most threads; 1 computes here and now.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="x">Their inputs.</param>
    /// <param name="xRow">Floats from a row to the next.</param>
    /// <param name="products">Matrices and outputs.</param>
    public static void Run(int threads, int rows, float* x, nint xRow, params ReadOnlySpan<(PackedMatrix Matrix, nint Output)> products)
    {
        if (threads <= 1)
        {
            foreach (var (matrix, output) in products)
            {
                matrix.Multiply(rows, x, xRow, (float*)output, matrix.Outputs);
            }

            return;
        }

        var panels = 0;
        foreach (var (matrix, _) in products)
        {
            panels += matrix.Panels;
        }

        var pieces = Math.Min(panels, PiecesOfThread * threads);
        var job = new ProductJob(pieces, rows, x, xRow, products.ToArray(), panels);
        WorkTeam.Shared.Run(job, threads);

        // A sleeping thread may remember the job for long: not the weights with it.
        Array.Clear(job._products);
    }

    // More than one, so that a thread that is held up leaves the rest to the others.
    private const int PiecesOfThread = 4;

    protected override void Do(int piece)
    {
        var (first, end) = ((int)((long)_panels * piece / _pieces), (int)((long)_panels * (piece + 1) / _pieces));
        foreach (var (matrix, output) in _products)
        {
            var (from, to) = (Math.Max(first, 0), Math.Min(end, matrix.Panels));
            if (from < to)
            {
                matrix.Multiply(_rows, _x, _xRow, (float*)output, matrix.Outputs, from, to);
            }

            (first, end) = (first - matrix.Panels, end - matrix.Panels);
        }
    }
}
