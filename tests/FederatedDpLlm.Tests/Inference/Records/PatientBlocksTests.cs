using FederatedDpLlm.Configuration;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Tests.Inference.Engines;

namespace FederatedDpLlm.Tests.Inference.Records;

public sealed class PatientBlocksTests
{
    private static readonly PatientRecord[] Three =
        [Record("old", "codeine drug", "2024-12-31"), Record("old", "bisoprolol drug", "2026-05-01"), Record("new", "bisoprolol drug", "2026-05-02"), Record("never", "bisoprolol drug", null)];

    [Theory]
    [InlineData(AdmissionWindow.None, "all", "all", "all")]
    [InlineData(AdmissionWindow.Yearly, "2024", "2026", "undated")]
    [InlineData(AdmissionWindow.Quarterly, "2024-Q4", "2026-Q2", "undated")]
    [InlineData(AdmissionWindow.Monthly, "2024-12", "2026-05", "undated")]
    public void A_patient_belongs_to_the_window_of_the_earliest_record(AdmissionWindow window, string old, string young, string never)
    {
        var blocks = new PatientBlocks(Three, window, "all");
        Assert.Equal((old, young, never), (blocks.Of("old"), blocks.Of("new"), blocks.Of("never")));
        Assert.Equal(new[] { old, young, never }.Distinct().Order(StringComparer.Ordinal), blocks.Names);
    }

    [Fact]
    public void A_hospital_without_records_still_has_its_block() => Assert.Equal(["all"], new PatientBlocks([], AdmissionWindow.None, "all").Names);

    [Fact]
    public void More_windows_than_accounts_can_be_kept_apart_are_refused() => Assert.Throws<ConfigurationException>(() => new PatientBlocks(
        [.. Enumerable.Range(0, 300).Select(month => Record($"p{month}", "x", new DateOnly(1990, 1, 1).AddMonths(month).ToString("yyyy-MM-dd", null)))], AdmissionWindow.Monthly, "all"));

    [Fact]
    public async Task Voters_read_the_patients_of_the_blocks_that_pay_and_no_others()
    {
        var blocks = new PatientBlocks(Three, AdmissionWindow.Yearly, "all");
        var answering = new PrivateAnswering(new CountingEngine(), new ShardedRecords(Three, TestHospital.Key, 1, blocks), new SecureRandom());
        var plan = answering.PlanForRouter(TestHospital.Ask(AnswerMechanism.Choice), 1).Plan!;
        async Task<IReadOnlyList<long>> Votes(params string[]? paid) => (await answering.VoteAsync(plan with { Blocks = paid }, TestContext.Current.CancellationToken)).Counts;

        // The one voter reads its best record: without any it votes as the public model does, for the first option.
        Assert.Equal([1L, 0, 0], await Votes());
        Assert.Equal([0L, 1, 0], await Votes("2026"));
        Assert.Equal(await Votes(null), await Votes("2024", "2026", "undated"));
    }

    private static PatientRecord Record(string patient, string text, string? date) => new(patient, text, date is null ? null : DateOnly.Parse(date, null), []);
}
