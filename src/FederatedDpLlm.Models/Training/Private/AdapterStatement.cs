using System.Security.Cryptography;
using System.Text.Json;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Weights.Adapters;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>
/// What a private training released of the patients, written beside the adapter's weights: who serves the adapter owes it to them. Nothing in it depends on a record, so it may be shown with the
/// adapter. It is not signed: it is a hospital's word to its own node.
/// </summary>
public sealed record AdapterStatement
{
    /// <summary>The file's name in the adapter's folder.</summary>
    public const string FileName = "adapter_privacy.json";

    internal const string PatientUnit = "patient";

    private const int LongestBytes = 64 * 1024;
    private const int LongestName = 255;
    private const int MostSteps = 100_000_000;

    /// <summary>SHA-256 of the file of weights, in hexadecimal.</summary>
    public required string WeightsSha256 { get; init; }

    /// <summary>Whose promise it is: all records of one patient.</summary>
    public required string Unit { get; init; }

    /// <summary>Standard deviation of a step's noise, divided by how far one patient that is added or removed moves its sum. Above 0.</summary>
    public required double NoiseMultiplier { get; init; }

    /// <summary>Each patient's chance to take part in a step, above 0, at most 1.</summary>
    public required double SamplingRate { get; init; }

    /// <summary>Steps, each with fresh noise: 1 to 100,000,000.</summary>
    public required int Steps { get; init; }

    /// <summary>The most that all noise together is away from the exact distribution (total variation), in [0, 1).</summary>
    public required double NoiseDistance { get; init; }

    /// <summary>The promise that the training stated, under <see cref="Relation"/>, at <see cref="Delta"/>.</summary>
    public required double Epsilon { get; init; }

    /// <summary>Of <see cref="Epsilon"/>.</summary>
    public required double Delta { get; init; }

    /// <summary>The relation of <see cref="Epsilon"/>: <c>AddOrRemoveOne</c>. Accounts that compare other worlds cost <see cref="ReleasedUnder"/>.</summary>
    public required string Relation { get; init; }

    /// <summary>The name of the records' file, for people, of at most 255 characters; empty where it is not known.</summary>
    public string Records { get; init; } = string.Empty;

    /// <summary>The name of the base model, for people.</summary>
    public string BaseModel { get; init; } = string.Empty;

    /// <summary>Everything that was released, with the sensitivity of a relation: exchanging a patient takes one vector out of a step's sum and puts another in.</summary>
    public PrivacyEvent ReleasedUnder(Privacy.NeighbouringRelation relation) =>
        new RepeatedEvent(new PoissonSampledEvent(SamplingRate, GaussianEvent.OnClippedSum(NoiseMultiplier, 1, relation)), Steps);

    /// <summary>The digest of an adapter's weights.</summary>
    /// <param name="adapter">PEFT's folder, or a file.</param>
    /// <exception cref="IOException">The weights cannot be read.</exception>
    public static string DigestOf(string adapter)
    {
        using var weights = File.OpenRead(Directory.Exists(adapter) ? Path.Combine(adapter, PeftAdapter.WeightsName) : adapter);
        return Convert.ToHexStringLower(SHA256.HashData(weights));
    }

    /// <summary>Where the statement of an adapter stands.</summary>
    /// <param name="adapter">PEFT's folder, or a file.</param>
    public static string Beside(string adapter) => Path.Combine(Directory.Exists(adapter) ? adapter : Path.GetDirectoryName(Path.GetFullPath(adapter))!, FileName);

    /// <exception cref="ModelFormatException">It is no statement, or says what cannot be.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static AdapterStatement Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > LongestBytes)
            {
                throw new ModelFormatException($"'{path}' is too long for a statement.");
            }

            return JsonSerializer.Deserialize(File.ReadAllBytes(path), AdapterStatementJson.Default.AdapterStatement)?.Checked(path) ?? throw new ModelFormatException($"'{path}' is empty.");
        }
        catch (JsonException error)
        {
            throw new ModelFormatException($"'{path}' is no statement of what an adapter released: {error.Message}", error);
        }
    }

    internal void Write(string path) => WholeFile.Write(path, file => JsonSerializer.Serialize(file, this, AdapterStatementJson.Default.AdapterStatement));

    private AdapterStatement Checked(string path)
    {
        return ModelDigest.IsOne(WeightsSha256) && Unit == PatientUnit && double.IsFinite(NoiseMultiplier) && NoiseMultiplier > 0 && SamplingRate is > 0 and <= 1 && Steps is >= 1 and <= MostSteps && NoiseDistance is >= 0 and < 1 && Records.Length <= LongestName
            ? this
            : throw new ModelFormatException($"'{path}' states what no training of patients is: a digest, the unit '{PatientUnit}', noise, a sampling rate and steps are looked for.");
    }
}
