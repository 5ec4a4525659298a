namespace FederatedDpLlm.Models.Weights.Adapters;

/// <summary>The two factors beside one matrix W [outputs, inputs].</summary>
/// <param name="Matrix">The matrix's tensor name, as <c>model.layers.0.self_attn.q_proj.weight</c>.</param>
/// <param name="Outputs">Rows of W and of B.</param>
/// <param name="Inputs">Columns of W and of A.</param>
/// <param name="A">Row-major [rank, inputs].</param>
/// <param name="B">Row-major [outputs, rank].</param>
internal sealed record LoraModule(string Matrix, int Outputs, int Inputs, float[] A, float[] B);
