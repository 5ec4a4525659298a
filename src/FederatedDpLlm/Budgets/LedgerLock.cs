using FederatedDpLlm.Security.Encryption;

namespace FederatedDpLlm.Budgets;

/// <summary>
/// The right to write a ledger, held by one process: an exclusive lock on a file beside it. The kernel takes it back when the process dies, so nothing
/// is left to clean up. Readers need none.
/// </summary>
internal sealed class LedgerLock : IDisposable
{
    private readonly FileStream _file;

    private LedgerLock(FileStream file) => _file = file;

    /// <exception cref="BudgetStoreException">Another process (or another ledger of this one) holds it, or the folder cannot be written.</exception>
    public static LedgerLock Take(string ledgerPath)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(ledgerPath))!);

            // Who asked what, and when, is nobody else's business; SQLite gives its side files the same rights.
            OwnerOnlyFile.Create(ledgerPath);
            return new LedgerLock(new FileStream(ledgerPath + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BudgetStoreException($"The ledger '{ledgerPath}' cannot be owned: it is in use by another process, or its folder cannot be written ({failure.Message})", failure);
        }
    }

    public void Dispose() => _file.Dispose();
}
