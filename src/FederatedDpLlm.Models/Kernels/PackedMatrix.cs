using FederatedDpLlm.Models.Kernels.MachineCode;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// The weights of a linear map y = x W^T in the type they are stored in, packed in panels of 32 outputs, the last panel filled with zeros.
/// The inputs are cut into equal canonical slices, each summed in an order of its own, combined by <see cref="ReductionTree"/>: a rank of a tensor-parallel
/// group that owns some slices computes nodes of the same tree, so that the bits do not depend on the cut.
/// </summary>
internal abstract unsafe class PackedMatrix
{
    private const int MaximumSlices = 8;
    private const int RowsTogether = 8;
    private readonly FloatBuffer _panels;

    /// <param name="outputs">Rows of W.</param>
    /// <param name="inputs">Columns of W.</param>
    /// <param name="slices">Canonical slices of the inputs.</param>
    /// <param name="panelBytes">Bytes of a panel of 32 outputs.</param>
    private protected PackedMatrix(int outputs, int inputs, int slices, long panelBytes)
    {
        if (slices is < 1 or > MaximumSlices || inputs % slices != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(slices), slices, $"Slices are 1 to {MaximumSlices} and divide the {inputs} inputs.");
        }

        (Outputs, Inputs, Slices, PanelBytes) = (outputs, inputs, slices, (nint)panelBytes);
        _panels = new FloatBuffer(checked((int)(Panels * panelBytes / sizeof(float))));
    }

    public int Outputs { get; }

    public int Inputs { get; }

    /// <summary>The type that the weights are kept in.</summary>
    public abstract ElementType Type { get; }

    /// <summary>Panels of 32 outputs, of which threads share a single row.</summary>
    public int Panels => (Outputs + MatrixTile.Columns - 1) / MatrixTile.Columns;

    private protected int Slices { get; }

    private protected nint PanelBytes { get; }

    /// <param name="weights">Row-major [outputs, inputs].</param>
    /// <param name="outputs">Rows.</param>
    /// <param name="inputs">Columns.</param>
    /// <param name="slices">Canonical slices of the inputs.</param>
    public static PackedMatrix Pack(ReadOnlySpan<float> weights, int outputs, int inputs, int slices = 1)
    {
        var packed = new Float32Matrix(outputs, inputs, slices);
        packed.Repack(weights);
        packed.Settle();
        return packed;
    }

    /// <summary>Loads a tensor in its own type where there is a kernel for it (F32, BF16, Q8_0, Q4_0) and slices are whole blocks, else widened to float.</summary>
    /// <exception cref="ModelFormatException">The tensor is missing or has another shape, or a scale is not finite.</exception>
    public static PackedMatrix Load(ITensorSource source, string name, int outputs, int inputs, int slices = 1)
    {
        var type = source.TypeOf(name);
        PackedMatrix? packed = type switch
        {
            _ when inputs / slices % type.BlockElements() != 0 => null,
            ElementType.BFloat16 => new BFloat16Matrix(outputs, inputs, slices),
            ElementType.Q8_0 => new Quantized8Matrix(outputs, inputs, slices, Quantized8Tiles.Shared),
            ElementType.Q4_0 => new Quantized4Matrix(outputs, inputs, slices),
            _ => null,
        };
        if (packed is null)
        {
            var rows = new float[checked(outputs * inputs)];
            source.Read(name, outputs, inputs, rows);
            return Pack(rows, outputs, inputs, slices);
        }

        packed.Fill(source, name);
        return packed;
    }

    /// <summary>Takes new weights of the same shape; for float32 weights only, the ones that are trained.</summary>
    public virtual void Repack(ReadOnlySpan<float> weights) => throw new NotSupportedException($"Weights kept as {Type} are not changed.");

    /// <summary>One row of W, widened.</summary>
    public abstract void ReadRow(int output, Span<float> destination);

    /// <summary>y[r, 0..outputs-1] = x[r, 0..inputs-1] W^T for <paramref name="rows"/> rows.</summary>
    public void Multiply(int rows, float* x, nint xRow, float* y, nint yRow) => Multiply(rows, x, xRow, y, yRow, 0, Panels);

    /// <summary>The outputs of some panels only: threads share a single row by panels.</summary>
    public virtual void Multiply(int rows, float* x, nint xRow, float* y, nint yRow, int firstPanel, int endPanel) =>
        MultiplyPanels(rows, (byte*)x, xRow * sizeof(float), y, yRow, firstPanel, endPanel);

    /// <param name="rows">Number of rows.</param>
    /// <param name="x">Inputs as <see cref="MultiplySlice"/> wants them.</param>
    /// <param name="xRow">Bytes from a row of x to the next.</param>
    /// <param name="y">Outputs.</param>
    /// <param name="yRow">Floats from a row of y to the next.</param>
    /// <param name="firstPanel">From this panel on.</param>
    /// <param name="endPanel">Up to before this one.</param>
    private protected void MultiplyPanels(int rows, byte* x, nint xRow, float* y, nint yRow, int firstPanel, int endPanel)
    {
        for (var panel = firstPanel; panel < endPanel; panel++)
        {
            var output = y + panel * MatrixTile.Columns;
            if (Slices == 1 && (panel + 1) * MatrixTile.Columns <= Outputs)
            {
                MultiplySlice(rows, x, xRow, Panel(panel), 0, output, yRow);
            }
            else
            {
                MultiplyThroughScratch(rows, x, xRow, Panel(panel), output, yRow, Math.Min(MatrixTile.Columns, Outputs - panel * MatrixTile.Columns));
            }
        }

        GC.KeepAlive(_panels);
    }

    /// <summary>The 32 sums of one panel over one slice of the inputs.</summary>
    private protected abstract void MultiplySlice(int rows, byte* x, nint xRow, byte* panel, int slice, float* y, nint yRow);

    /// <summary>Lays stored rows into a panel.</summary>
    /// <param name="stored">Whole rows as the source stores them, up to 32.</param>
    /// <param name="rows">How many.</param>
    /// <param name="panel">Zeros.</param>
    private protected virtual void PackPanel(ReadOnlySpan<byte> stored, int rows, byte* panel) => throw new NotSupportedException();

    private protected byte* Panel(int panel) => (byte*)_panels.Pointer + panel * PanelBytes;

    /// <summary>Takes the tensor that <see cref="Load"/> names, stored in <see cref="Type"/>.</summary>
    internal void Fill(ITensorSource source, string name)
    {
        var rowBytes = checked((int)Type.RowBytes(Inputs));
        var stored = new byte[checked(rowBytes * MatrixTile.Columns)];
        for (var panel = 0; panel < Panels; panel++)
        {
            var first = panel * MatrixTile.Columns;
            var rows = Math.Min(MatrixTile.Columns, Outputs - first);
            source.ReadStored(name, Outputs, Inputs, first, stored.AsSpan(0, rows * rowBytes));
            PackPanel(stored, rows, Panel(panel));
        }

        Settle();
        GC.KeepAlive(_panels);
    }

    private void Settle() => HugePages.AskFor(_panels.Pointer, (nint)_panels.Length * sizeof(float));

    private void MultiplyThroughScratch(int rows, byte* x, nint xRow, byte* panel, float* y, nint yRow, int columns)
    {
        var partial = stackalloc float[MaximumSlices * RowsTogether * MatrixTile.Columns];
        for (var first = 0; first < rows; first += RowsTogether)
        {
            var count = Math.Min(RowsTogether, rows - first);
            var size = count * MatrixTile.Columns;
            for (var slice = 0; slice < Slices; slice++)
            {
                MultiplySlice(count, x + first * xRow, xRow, panel, slice, partial + slice * size, MatrixTile.Columns);
            }

            ReductionTree.Combine(partial, Slices, size);
            for (var row = 0; row < count; row++)
            {
                new ReadOnlySpan<float>(partial + row * MatrixTile.Columns, columns).CopyTo(new Span<float>(y + (first + row) * yRow, columns));
            }
        }
    }
}
