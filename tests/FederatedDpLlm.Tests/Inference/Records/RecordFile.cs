using System.Text;
using FederatedDpLlm.Inference.Records;

namespace FederatedDpLlm.Tests.Inference.Records;

/// <summary>A file of records that lives as long as its test.</summary>
internal sealed class RecordFile : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("records").FullName;

    public RecordFile(string name, string content)
        : this(name, Encoding.UTF8.GetBytes(content))
    {
    }

    public RecordFile(string name, byte[] content)
    {
        Path = System.IO.Path.Combine(_folder, name);
        Add(name, content);
    }

    public string Path { get; }

    public string Folder => _folder;

    public void Add(string name, byte[] content) => File.WriteAllBytes(System.IO.Path.Combine(_folder, name), content);

    public HospitalRecords Load(string? mapping = null, RecordLimits? limits = null) =>
        HospitalRecords.Load(Path, mapping is null ? null : ColumnMapping.Parse(mapping), limits);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
