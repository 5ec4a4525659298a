using System.Text;
using FederatedDpLlm.Inference.Records;

namespace FederatedDpLlm.Tests.Inference.Records;

public sealed class FhirRecordsTests
{
    private const string Patient = """{"resourceType":"Patient","id":"p1","name":[{"family":"Muster"}],"gender":"female","birthDate":"1954-03-01"}""";
    private const string Condition = """{"resourceType":"Condition","id":"c1","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"I10","display":"Essential hypertension"}]},"subject":{"reference":"Patient/p1"},"onsetDateTime":"2019-05-06T10:00:00Z"}""";
    private const string Observation = """{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"Blood pressure"},"subject":{"reference":"https://ehr.example/fhir/Patient/p1/_history/3"},"effectiveDateTime":"2020-01-02","component":[{"code":{"text":"systolic"},"valueQuantity":{"value":142,"unit":"mmHg"}},{"code":{"text":"diastolic"},"valueQuantity":{"value":91.5,"unit":"mmHg"}}]}""";
    private const string Medication = """{"resourceType":"MedicationRequest","id":"m1","status":"active","intent":"order","medicationCodeableConcept":{"text":"Amlodipine 5 mg"},"subject":{"reference":"urn:uuid:p1"},"authoredOn":"2020-02-03","dosageInstruction":[{"text":"once daily"}]}""";
    private static readonly string Document = $$$"""{"resourceType":"DocumentReference","id":"d1","status":"current","type":{"text":"Discharge summary"},"subject":{"reference":"Patient/p1"},"date":"2020-03-04T00:00:00Z","content":[{"attachment":{"contentType":"text/plain","data":"{{{Convert.ToBase64String("Went home well."u8)}}}"}}]}""";

    [Fact]
    public void Later_resources_leave_a_patient_in_the_block_that_the_first_one_chose()
    {
        using var file = new RecordFile("export.ndjson", string.Join('\n', Condition, Patient));
        using var later = new RecordFile("later.ndjson", string.Join('\n', Medication, Observation, Document, Condition, Patient));
        Assert.All([file, later], one => Assert.Equal("2019", new PatientBlocks(one.Load().Records, AdmissionWindow.Yearly, "all").Of("p1")));
    }

    [Fact]
    public void A_patients_resources_become_a_history_and_each_document_a_record_of_its_own()
    {
        using var file = new RecordFile("export.ndjson", string.Join('\n', Medication, Document, Observation, Condition, Patient));
        var loaded = file.Load();
        Assert.All(loaded.Records, record => Assert.Equal("p1", record.PatientId));
        Assert.Equal(
            """
            Patient: female, born 1954
            Condition 2019-05-06: Essential hypertension, active
            Observation 2020-01-02: Blood pressure: systolic 142 mmHg, diastolic 91.5 mmHg
            Medication 2020-02-03: Amlodipine 5 mg, once daily, active
            """,
            loaded.Records[0].Text);
        Assert.Equal(["I10"], loaded.Records[0].Codes);
        Assert.Equal("Discharge summary 2020-03-04:\nWent home well.", loaded.Records[1].Text);
        Assert.DoesNotContain(loaded.Records, record => record.Text.Contains("Muster", StringComparison.Ordinal));
    }

    [Fact]
    public void A_date_that_names_a_year_or_a_month_alone_is_a_date()
    {
        using var file = new RecordFile("export.ndjson", Condition.Replace("2019-05-06T10:00:00Z", "2017", StringComparison.Ordinal) + "\n" + Medication.Replace("2020-02-03", "2018-07", StringComparison.Ordinal));
        var record = Assert.Single(file.Load().Records);
        Assert.Equal(new DateOnly(2017, 1, 1), record.Date);
        Assert.Contains("Medication 2018-07-01", record.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_an_export_belongs_together()
    {
        using var file = new RecordFile("Patient.ndjson", Patient);
        file.Add("Condition.ndjson", Encoding.UTF8.GetBytes(Condition));
        file.Add("notes.txt", "ignored"u8.ToArray());
        Assert.Contains("hypertension", Assert.Single(HospitalRecords.Load(file.Folder).Records).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"resourceType":"Condition","code":{"text":"x"},"subject":{"reference":"Group/1"}}""")]
    [InlineData("""{"resourceType":"Condition","subject":{"reference":"Patient/p2"}}""")]
    [InlineData("""{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p2"}}""")]
    [InlineData("""{"resourceType":"Observation","status":"final","code":{"text":7},"subject":{"reference":"Patient/p2"},"valueString":"x"}""")]
    [InlineData("""{"resourceType":"DocumentReference","status":"current","subject":{"reference":"Patient/p2"},"content":[{"attachment":{"contentType":"application/pdf","data":"AAAA"}}]}""")]
    [InlineData("""{"resourceType":"NoSuchThing","id":"x"}""")]
    [InlineData("""{"resourceType":17}""")]
    public void A_resource_that_cannot_be_understood_is_skipped_and_reported(string line)
    {
        using var file = new RecordFile("a.ndjson", Patient + "\n" + line + "\n" + Condition + "\n" + Observation + "\n" + Medication);
        var loaded = file.Load();
        Assert.Equal(2, Assert.Single(loaded.Skipped).Line);
        Assert.Equal("p1", Assert.Single(loaded.Records).PatientId);
    }

    [Fact]
    public void Resources_of_other_types_are_counted_as_ignored()
    {
        using var file = new RecordFile("a.ndjson", Patient + "\n" + """{"resourceType":"Organization","id":"o"}""");
        var loaded = file.Load();
        Assert.Equal((1L, 0L), (loaded.IgnoredCount, loaded.SkippedCount));
    }

    [Fact]
    public void A_history_longer_than_a_record_may_be_loses_its_oldest_entries()
    {
        var lines = Enumerable.Range(1, 28).Select(day => Condition.Replace("2019-05-06", $"2019-05-{day:00}", StringComparison.Ordinal));
        using var file = new RecordFile("a.ndjson", string.Join('\n', lines));
        var text = Assert.Single(file.Load(limits: new RecordLimits { MaxRecordBytes = 600 }).Records).Text;
        Assert.InRange(text.Length, 400, 600);
        Assert.EndsWith("2019-05-28: Essential hypertension, active", text, StringComparison.Ordinal);
    }
}
