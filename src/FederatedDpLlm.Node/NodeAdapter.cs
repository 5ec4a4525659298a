using FederatedDpLlm.Budgets;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Federation.Nodes.Serving;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Models.Training.Private;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Node;

/// <summary>Before an adapter is served, what its training released is charged; one of which nothing is known is refused.</summary>
internal static class NodeAdapter
{
    /// <exception cref="ConfigurationException">Nothing states what the adapter released, the statement is another adapter's, or a data account cannot pay.</exception>
    public static async Task AdmitAsync(NodeConfiguration configuration, string folder, IBudgetLedger ledger, CancellationToken cancellationToken)
    {
        var engine = configuration.Engine;
        var accounts = new AdapterAccounts(ledger, new PatientSpread(configuration.HospitalsPerPatient), configuration.Hospital);
        if (engine.AdapterMadeElsewhere)
        {
            var adapter = engine.AdapterStatement is null ? engine.Adapter : null;
            await accounts.RecordMadeElsewhereAsync(
                Path.GetFileName(Path.TrimEndingDirectorySeparator(adapter ?? throw new ConfigurationException("'engine.adapter_made_elsewhere' is for an 'engine.adapter' without 'engine.adapter_statement': leave one of them out."))), cancellationToken);
        }
        else if (engine.Adapter is not null || engine.AdapterStatement is not null)
        {
            await accounts.ChargeAsync(Read(engine, folder), cancellationToken);
        }
    }

    private static AdapterStatement Read(EngineOptions engine, string folder)
    {
        var local = engine is { Kind: NodeEngine.Embedded, Adapter: { } adapter } ? Path.GetFullPath(Path.Combine(folder, adapter)) : null;
        var path = engine.AdapterStatement is { } given ? Path.GetFullPath(Path.Combine(folder, given)) : local is not null ? AdapterStatement.Beside(local) : null;
        if (path is null || !File.Exists(path))
        {
            throw new ConfigurationException(
                $"Nothing states what the adapter '{engine.Adapter}' released of patients' records ({path ?? "'engine.adapter_statement' is missing"}). Where 'fedllm train' made it from these records, keep its {AdapterStatement.FileName} beside it, or name that file with 'engine.adapter_statement'; where it was not made from them, say 'engine.adapter_made_elsewhere: true'.");
        }

        try
        {
            var statement = AdapterStatement.Read(path);
            return local is null || AdapterStatement.DigestOf(local) == statement.WeightsSha256 ? statement : throw new ConfigurationException(
                $"The statement '{path}' is of other weights than the adapter '{engine.Adapter}': serve the adapter as 'fedllm train' wrote it, with the {AdapterStatement.FileName} that it wrote beside it.");
        }
        catch (Exception error) when (error is ModelFormatException or IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"The adapter '{engine.Adapter}' or its statement cannot be read: {error.Message}", error);
        }
    }
}
