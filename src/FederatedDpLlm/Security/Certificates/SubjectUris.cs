using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace FederatedDpLlm.Security.Certificates;

/// <summary>The URIs of a subject alternative name (RFC 5280, 4.2.1.6: GeneralName, context tag 6), which the base library does not enumerate.</summary>
internal static class SubjectUris
{
    private static readonly Asn1Tag UniformResourceIdentifier = new(TagClass.ContextSpecific, 6);

    /// <returns>The URIs in order; empty where the extension cannot be read.</returns>
    public static IReadOnlyList<string> Of(X509SubjectAlternativeNameExtension extension)
    {
        var uris = new List<string>();
        try
        {
            var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (names.HasData)
            {
                if (names.PeekTag().HasSameClassAndValue(UniformResourceIdentifier))
                {
                    uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, UniformResourceIdentifier));
                }
                else
                {
                    names.ReadEncodedValue();
                }
            }
        }
        catch (AsnContentException)
        {
            return [];
        }

        return uris;
    }
}
