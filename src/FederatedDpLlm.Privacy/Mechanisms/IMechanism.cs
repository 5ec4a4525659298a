using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Mechanisms;

/// <summary>Something that releases private data, and says beforehand what a release is: there is no noise without its event.</summary>
public interface IMechanism
{
    /// <summary>What one release releases, whatever the data; accountants cost it.</summary>
    PrivacyEvent Event { get; }
}
