using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>A hospital's own file: published doctor-patient dialogues, split over four hospitals.</summary>
public sealed class RealRecordsTests
{
    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public async Task A_federation_starts_on_a_csv_file_and_answers_choices_over_it()
    {
        var file = SharedData.Path("mts-dialog", "MTS-Dialog-TrainingSet.csv");
        await using var demo = await FederationUnderTest.StartAsync(null, "--records", file, "--map", "patientId=ID,text=dialogue+section_header");
        var hospitals = (await demo.StateAsync()).GetProperty("hospitals").EnumerateArray().ToList();
        Assert.Equal(4, hospitals.Count);

        // How many patients a hospital has is nobody's business; that they lie where they belong is read from the hospitals' own files.
        Assert.DoesNotContain(hospitals, hospital => hospital.TryGetProperty("patients", out _) || hospital.TryGetProperty("records", out _));
        Assert.Equal(1201, Directory.GetFiles(Path.Combine(demo.DataFolder, "nodes"), "records.jsonl", SearchOption.AllDirectories).SelectMany(file => HospitalRecords.Load(file).Records).Select(record => record.PatientId).Distinct().Count());
        foreach (var trust in new[] { "node", "router" })
        {
            var (status, body, _) = await demo.AskAsync(demo.Token, new
            {
                model = "ward-2m",
                messages = new[] { new { role = "user", content = "Doctor: Any surgeries in the past? Patient: My appendix was taken out. Which note section is this about?" } },
                privacy = new { epsilon = 1, trust, choices = new[] { "PASTSURGICAL", "FAM/SOCHX", "GENHX", "ROS" } },
            });
            Assert.True(status == 200, body.ToString());
        }
    }
}
