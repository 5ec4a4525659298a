using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Weights.Adapters;

namespace FederatedDpLlm.Models.Llama;

/// <summary>The two factors beside one matrix, packed for the kernels, the scale in B.</summary>
internal sealed unsafe class PackedFactors
{
    private const int RowsTogether = 8;

    [ThreadStatic]
    private static FloatBuffer? _scratch;

    private readonly PackedMatrix _a;
    private readonly PackedMatrix _b;

    public PackedFactors(LoraModule module, int rank, float scale)
    {
        _a = PackedMatrix.Pack(module.A, rank, module.Inputs);
        _b = PackedMatrix.Pack([.. module.B.Select(value => scale * value)], module.Outputs, rank);
    }

    /// <summary>Adds scale * B (A x) to the outputs of some rows, each by itself.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="first">The first one's index.</param>
    /// <param name="inputs">Rows of the matrix's inputs.</param>
    /// <param name="outputs">Rows of its outputs.</param>
    public void Add(int rows, int first, float* inputs, float* outputs)
    {
        unchecked
        {
            var floats = RowsTogether * (_a.Outputs + _b.Outputs);
            if (_scratch is null || _scratch.Length < floats)
            {
                _scratch = new FloatBuffer(floats);
            }

            var inner = _scratch.Pointer;
            var change = inner + RowsTogether * _a.Outputs;
            for (var row = first; row < first + rows; row += RowsTogether)
            {
                var count = Math.Min(RowsTogether, first + rows - row);
                _a.Multiply(count, inputs + (nint)row * _a.Inputs, _a.Inputs, inner, _a.Outputs);
                _b.Multiply(count, inner, _a.Outputs, change, _b.Outputs);
                Elementwise.Add(outputs + (nint)row * _b.Outputs, change, count * _b.Outputs);
            }
        }
    }
}
