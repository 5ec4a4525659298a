namespace FederatedDpLlm.Inference;

/// <summary>Why a question cannot be answered, decided without a look at private data, so that it may be told to anybody and costs nothing.</summary>
/// <param name="Parameter">The request's field at fault, as the API names it (<c>temperature</c>, <c>privacy.choices</c>, ...).</param>
/// <param name="Message">For the caller's eyes.</param>
public sealed record PlanRefusal(string Parameter, string Message);
