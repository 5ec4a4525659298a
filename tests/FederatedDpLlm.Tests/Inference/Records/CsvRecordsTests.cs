using CsCheck;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Tests.Inference.Records;

public sealed class CsvRecordsTests
{
    private const string Mapping = "patientId=ID,text=dialogue+section";

    [Fact]
    public void Joined_columns_follow_one_another_each_labelled_by_its_column()
    {
        using var file = new RecordFile("a.csv", "ID,section,dialogue\r\n7,CC,\"Doctor: \"\"Well?\"\"\r\nPatient: Ill, very.\"\r\n8,ROS,Fine.\r\n");
        var loaded = file.Load(Mapping);
        Assert.Equal(["7", "8"], loaded.Records.Select(record => record.PatientId));
        Assert.Equal("dialogue: Doctor: \"Well?\"\r\nPatient: Ill, very.\nsection: CC", loaded.Records[0].Text);
    }

    [Fact]
    public void One_column_stands_alone_and_dates_and_codes_are_read()
    {
        using var file = new RecordFile("a.csv", "who;note;day;icd\n1;Fever;2024-05-06;R50.9|J11\n2;Cough;;\n3;5'10\" tall;2024-05-06;\n");
        var loaded = file.Load("patientId=who, text=note, date=day, codes=icd");
        Assert.Equal(["Fever", "Cough", "5'10\" tall"], loaded.Records.Select(record => record.Text));
        Assert.Equal((DateOnly?)new DateOnly(2024, 5, 6), loaded.Records[0].Date);
        Assert.Equal(["R50.9", "J11"], loaded.Records[0].Codes);
        Assert.Null(loaded.Records[1].Date);
    }

    [Theory]
    [InlineData("2,CC\n", "2 fields")]
    [InlineData("2,CC,x,y\n", "4 fields")]
    [InlineData(",CC,text\n", "no patient id")]
    [InlineData("2,,\n", "empty")]
    [InlineData("2,\"CC\"x,text\n", "quote")]
    public void A_malformed_row_is_skipped_and_reported_with_its_first_line(string row, string reason)
    {
        using var file = new RecordFile("a.csv", "ID,section,dialogue\n1,CC,\"two\nlines\"\n" + row + "3,CC,text\n");
        var loaded = file.Load(Mapping);
        Assert.Equal(["1", "3"], loaded.Records.Select(record => record.PatientId));
        var skipped = Assert.Single(loaded.Skipped);
        Assert.Equal(4, skipped.Line);
        Assert.Contains(reason, skipped.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_quote_left_open_that_swallows_most_of_the_file_refuses_it()
    {
        var rows = string.Concat(Enumerable.Range(0, 200).Select(i => $"{i},CC,some text of a record\n"));
        using var file = new RecordFile("a.csv", "ID,section,dialogue\n1,CC,text\n2,CC,\"open\n" + rows);
        Assert.Contains("mostly broken", Assert.Throws<RecordFileException>(() => file.Load(Mapping)).Message, StringComparison.Ordinal);
        using var huge = new RecordFile("a.csv", "ID,section,dialogue\n1,CC,text\n2,CC,\"open\n" + string.Concat(Enumerable.Repeat(rows, 100)));
        Assert.Contains("line 3", Assert.Throws<RecordFileException>(() => huge.Load(Mapping, new RecordLimits { MaxRecordBytes = 10_000 })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ID,section\n1,CC\n", "has no column dialogue")]
    [InlineData("ID,section,dialogue,ID\n1,CC,x,2\n", "two columns")]
    [InlineData("", "no column")]
    [InlineData("ID,section,dialogue\n", "no usable record")]
    public void A_file_whose_columns_do_not_fit_is_refused(string content, string message)
    {
        using var file = new RecordFile("a.csv", content);
        Assert.Contains(message, Assert.Throws<RecordFileException>(() => file.Load(Mapping)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("patientId=a")]
    [InlineData("text=a")]
    [InlineData("patientId=a,text=")]
    [InlineData("patientId=a,text=b+")]
    [InlineData("patientId=a+b,text=c")]
    [InlineData("patientId=a,patientid=b,text=c")]
    [InlineData("patientId=a,text=b,name=c")]
    [InlineData("")]
    public void A_mapping_that_is_not_understood_is_refused(string mapping) => Assert.Throws<FormatException>(() => ColumnMapping.Parse(mapping));

    [Fact]
    public void Arbitrary_text_never_brings_anything_but_records_or_a_refusal()
    {
        var characters = "ab1,\";|\t\n\r\\\uFFFD\0é{}".ToCharArray();
        Check.Sample(
            Gen.Int[0, characters.Length - 1].Array[0, 200],
            indices =>
            {
                using var file = new RecordFile("a.csv", "ID,section,dialogue\n1,CC,text\n" + new string([.. indices.Select(i => characters[i])]));
                try
                {
                    Assert.NotEmpty(file.Load(Mapping).Records);
                }
                catch (RecordFileException)
                {
                }
            },
            iter: 300);
    }

    [Fact]
    public void The_dialogues_of_a_real_training_set_load_without_a_loss()
    {
        var path = SharedData.Path("mts-dialog", "MTS-Dialog-TrainingSet.csv");
        var loaded = HospitalRecords.Load(path, ColumnMapping.Parse("patientId=ID,text=dialogue+section_header"));
        Assert.Equal((1201, 0L), (loaded.Records.Count, loaded.SkippedCount));
        Assert.All(loaded.Records, record => Assert.Matches(@"^dialogue: [\s\S]*\nsection_header: [A-Z/_]+$", record.Text));
        Assert.Equal(351, loaded.Records.Count(record => record.Text.EndsWith("section_header: FAM/SOCHX", StringComparison.Ordinal)));
    }
}
