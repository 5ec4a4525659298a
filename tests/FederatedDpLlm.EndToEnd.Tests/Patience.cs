using System.Diagnostics;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Waits for what another process is about to do: a minute, and no longer.</summary>
internal static class Patience
{
    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var patience = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                if (await condition())
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not there yet.
            }

            Assert.True(patience.Elapsed < TimeSpan.FromSeconds(60), $"After a minute it is still not so that {what}.");
            await Task.Delay(200, TestContext.Current.CancellationToken);
        }
    }
}
