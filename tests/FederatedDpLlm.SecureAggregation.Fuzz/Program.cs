using FederatedDpLlm.SecureAggregation.Fuzz;
using SharpFuzz;

// list | seeds FOLDER | DECODER (reads inputs from afl-fuzz on standard input)
switch (args)
{
    case ["list"]:
        foreach (var decoder in Decoders.All())
        {
            Console.WriteLine(decoder.Name);
        }

        return 0;
    case ["seeds", var folder]:
        foreach (var decoder in Decoders.All())
        {
            var target = Directory.CreateDirectory(Path.Combine(folder, decoder.Name));
            File.WriteAllBytes(Path.Combine(target.FullName, "honest"), decoder.Honest);
        }

        return 0;
    case [var name]:
        // Instrumented code may not run before the fuzzer's memory is attached: the decoders are made at the first input.
        Decoder? chosen = null;
        Fuzzer.OutOfProcess.Run(stream =>
        {
            chosen ??= Decoders.All().Single(decoder => decoder.Name == name);
            using var input = new MemoryStream();
            stream.CopyTo(input);
            chosen.Check(input.ToArray());
        });
        return 0;
    default:
        Console.Error.WriteLine("fuzz: list | seeds FOLDER | DECODER");
        return 2;
}
