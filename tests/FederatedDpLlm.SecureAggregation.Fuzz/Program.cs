using FederatedDpLlm.SecureAggregation.Fuzz;
using SharpFuzz;

// list | seeds FOLDER | DECODER (reads inputs from afl-fuzz on standard input)
var decoders = Decoders.All();
switch (args)
{
    case ["list"]:
        foreach (var decoder in decoders)
        {
            Console.WriteLine(decoder.Name);
        }

        return 0;
    case ["seeds", var folder]:
        foreach (var decoder in decoders)
        {
            var target = Directory.CreateDirectory(Path.Combine(folder, decoder.Name));
            File.WriteAllBytes(Path.Combine(target.FullName, "honest"), decoder.Honest);
        }

        return 0;
    case [var name] when decoders.FirstOrDefault(decoder => decoder.Name == name) is { } chosen:
        Fuzzer.OutOfProcess.Run(stream =>
        {
            using var input = new MemoryStream();
            stream.CopyTo(input);
            chosen.Check(input.ToArray());
        });
        return 0;
    default:
        Console.Error.WriteLine("fuzz: list | seeds FOLDER | one of: " + string.Join(' ', decoders.Select(decoder => decoder.Name)));
        return 2;
}
