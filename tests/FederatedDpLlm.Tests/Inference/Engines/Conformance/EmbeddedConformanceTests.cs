using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Tests.Inference.Engines.Conformance;

public sealed class EmbeddedConformanceTests : EngineConformance
{
    private static readonly LanguageModel Model = LanguageModel.Load(BundledModel.Folder, threads: 1);

    protected override bool Normalised => false;

    protected override Task<IInferenceEngine> OpenAsync() => Task.FromResult<IInferenceEngine>(new EmbeddedEngine(Model, "ward", new SecureRandom(), TimeProvider.System));
}
