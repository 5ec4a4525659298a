using System.Text.Json;
using System.Text.Json.Serialization;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>A statement's form. Strict: a member that this program does not know may be a cost that it would not charge.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false, RespectNullableAnnotations = true, WriteIndented = true)]
[JsonSerializable(typeof(AdapterStatement))]
internal sealed partial class AdapterStatementJson : JsonSerializerContext;
