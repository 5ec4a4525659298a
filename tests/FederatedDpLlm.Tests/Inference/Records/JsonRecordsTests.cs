using System.Text;
using FederatedDpLlm.Inference.Records;

namespace FederatedDpLlm.Tests.Inference.Records;

public sealed class JsonRecordsTests
{
    [Fact]
    public void A_line_is_a_record_with_its_date_and_codes()
    {
        using var file = new RecordFile("a.jsonl", "\uFEFF{\"patientId\":\"p1\",\"text\":\" Fever. \",\"date\":\"2024-02-29\",\"codes\":[\"R50.9\"]}\r\n\r\n{\"patientId\":17,\"text\":\"Cough.\"}");
        var loaded = file.Load();
        Assert.Collection(
            loaded.Records,
            record =>
            {
                Assert.Equal(("p1", "Fever.", new DateOnly(2024, 2, 29)), (record.PatientId, record.Text, record.Date));
                Assert.Equal(["R50.9"], record.Codes);
            },
            record => Assert.Equal(("17", "Cough.", null), (record.PatientId, record.Text, record.Date)));
        Assert.Equal(0, loaded.SkippedCount);
    }

    [Theory]
    [InlineData("{\"patientId\":\"p\",\"text\":")]
    [InlineData("[1]")]
    [InlineData("{\"text\":\"no patient\"}")]
    [InlineData("{\"patientId\":\"\",\"text\":\"x\"}")]
    [InlineData("{\"patientId\":\"p\\u0007\",\"text\":\"x\"}")]
    [InlineData("{\"patientId\":{\"a\":1},\"text\":\"x\"}")]
    [InlineData("{\"patientId\":17.0,\"text\":\"x\"}")]
    [InlineData("{\"patientId\":1e3,\"text\":\"x\"}")]
    [InlineData("{\"patientId\":\"\\ud800\",\"text\":\"x\"}")]
    [InlineData("{\"patientId\":\"p\",\"text\":\"  \"}")]
    [InlineData("{\"patientId\":\"p\",\"text\":\"a\\u0000b\"}")]
    [InlineData("{\"patientId\":\"p\",\"text\":\"\\ud800\"}")]
    [InlineData("{\"patientId\":\"p\",\"text\":[\"x\"]}")]
    [InlineData("{\"patientId\":\"p\",\"text\":\"x\",\"date\":\"31.12.2024\"}")]
    [InlineData("{\"patientId\":\"p\",\"text\":\"x\",\"codes\":\"I10\"}")]
    [InlineData("{\"patientId\":\"p\",\"text\":\"x\",\"codes\":[1]}")]
    public void A_malformed_line_is_skipped_counted_and_reported_with_its_number_and_without_its_content(string line)
    {
        using var file = new RecordFile("a.jsonl", Good(3) + line + "\n" + Good(3));
        var loaded = file.Load();
        Assert.Equal(6, loaded.Records.Count);
        var skipped = Assert.Single(loaded.Skipped);
        Assert.Equal(("a.jsonl", 4L), (skipped.File, skipped.Line));
        Assert.DoesNotContain("31.12", skipped.Reason, StringComparison.Ordinal);
        Assert.Equal(1, loaded.SkippedCount);
    }

    [Fact]
    public void One_patient_has_one_id_in_every_format()
    {
        using var json = new RecordFile("a.jsonl", "{\"patientId\":\" R\u00e9n \",\"text\":\"x\"}\n{\"patientId\":\"R\u00e9n\u00a0\",\"text\":\"y\"}");
        using var csv = new RecordFile("a.csv", "patientId,text\n R\u00e9n ,x\nR\u00e9n,y\n");
        using var fhir = new RecordFile("a.ndjson", "{\"resourceType\":\"Condition\",\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/ R\u00e9n \"}}");
        Assert.All(json.Load().Records.Concat(csv.Load().Records).Concat(fhir.Load().Records), record => Assert.Equal("R\u00e9n", record.PatientId));
        Assert.Equal(2, json.Load().Records.Count);
    }

    [Fact]
    public void Bytes_that_are_no_utf8_make_a_malformed_line()
    {
        byte[] bad = [.. "{\"patientId\":\"p\",\"text\":\""u8, 0xC3, 0x28, .. "\"}\n"u8];
        using var file = new RecordFile("a.jsonl", [.. bad, .. Encoding.UTF8.GetBytes(Good(2))]);
        Assert.Equal(1, Assert.Single(file.Load().Skipped).Line);
    }

    [Fact]
    public void A_line_above_the_cap_is_read_past_and_not_held()
    {
        using var file = new RecordFile("a.jsonl", Good(2) + "{\"patientId\":\"p\",\"text\":\"" + new string('x', 300_000) + "\"}\n" + Good(3));
        var loaded = file.Load(limits: new RecordLimits { MaxRecordBytes = 70 });
        Assert.Equal(5, loaded.Records.Count);
        Assert.Equal(3, Assert.Single(loaded.Skipped).Line);
    }

    [Fact]
    public void Deep_nesting_is_malformed_and_does_not_overflow()
    {
        using var file = new RecordFile("a.jsonl", Good(2) + "{\"patientId\":\"p\",\"text\":" + new string('[', 100_000) + "\n" + Good(1));
        Assert.ThrowsAny<RecordFileException>(() => file.Load());
        using var small = new RecordFile("a.jsonl", Good(2) + new string('[', 60) + "\n" + Good(1));
        Assert.Equal(3, small.Load().Records.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("no json\n")]
    public void A_file_with_nothing_usable_is_refused(string content)
    {
        using var file = new RecordFile("a.jsonl", content);
        var error = Assert.Throws<RecordFileException>(() => file.Load());
        Assert.Contains("no usable record", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_which_more_than_half_is_broken_is_refused_with_the_first_fault()
    {
        using var half = new RecordFile("a.jsonl", string.Concat(Enumerable.Repeat("{}\n", 3)) + Good(3));
        Assert.Equal(3, half.Load().SkippedCount);
        using var more = new RecordFile("a.jsonl", string.Concat(Enumerable.Repeat("{}\n", 4)) + Good(3));
        var error = Assert.Throws<RecordFileException>(() => more.Load());
        Assert.Contains("4 of 7", error.Message, StringComparison.Ordinal);
        Assert.Contains("line 1: no patient id", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_many_records_too_large_a_file_and_unknown_formats_are_refused()
    {
        using var file = new RecordFile("a.jsonl", Good(4));
        Assert.Throws<RecordFileException>(() => file.Load(limits: new RecordLimits { MaxRecords = 3 }));
        Assert.Throws<RecordFileException>(() => file.Load(limits: new RecordLimits { MaxFileBytes = 10 }));
        Assert.Throws<RecordFileException>(() => file.Load("patientId=a,text=b"));
        using var other = new RecordFile("a.xlsx", Good(1));
        Assert.Throws<RecordFileException>(() => other.Load());
        Assert.Throws<RecordFileException>(() => HospitalRecords.Load(file.Path + ".missing"));
    }

    [Fact]
    public void Reports_stop_at_their_cap_but_counting_goes_on()
    {
        using var file = new RecordFile("a.jsonl", string.Concat(Enumerable.Repeat("{}\n", 50)) + Good(60));
        var loaded = file.Load(limits: new RecordLimits { MaxReported = 5 });
        Assert.Equal((5, 50L), (loaded.Skipped.Count, loaded.SkippedCount));
    }

    [Fact]
    public void A_record_does_not_print_itself()
    {
        var record = new PatientRecord("p1", "secret", null, []);
        Assert.DoesNotContain("secret", record.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("p1", $"{record}", StringComparison.Ordinal);
    }

    private static string Good(int count) => string.Concat(Enumerable.Range(0, count).Select(i => $"{{\"patientId\":\"g{i}\",\"text\":\"Fever and cough.\"}}\n"));
}
