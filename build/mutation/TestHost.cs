using System.Collections;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.Loader;

namespace FederatedDpLlm.Mutation;

/// <summary>
/// Runs xunit tests one after another in this process, without xunit's runner: a mutant costs the time of the few tests that may see it. Facts and theories of every kind of data, contract classes with inherited tests, and
/// disposal are understood; fixtures are not, and a test that does not pass here without a mutant is left out and named.
/// </summary>
internal sealed class TestHost
{
    private readonly Assembly _tests;

    public TestHost(string assembly)
    {
        var resolver = new AssemblyDependencyResolver(assembly);
        AssemblyLoadContext.Default.Resolving += (context, name) => resolver.ResolveAssemblyToPath(name) is { } path ? context.LoadFromAssemblyPath(path) : null;
        AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) => resolver.ResolveUnmanagedDllToPath(name) is { } path ? System.Runtime.InteropServices.NativeLibrary.Load(path) : 0;
        _tests = AssemblyLoadContext.Default.LoadFromAssemblyPath(assembly);
    }

    /// <summary>Tests of the default length, as class.method.</summary>
    public IEnumerable<string> Names() => _tests.GetTypes().Where(type => type is { IsClass: true, IsAbstract: false }).SelectMany(type => type.GetMethods()
        .Where(method => Attributes(method, "FactAttribute").Any() && !IsLong(method) && !IsLong(type)).Select(method => $"{type.FullName}.{method.Name}")).Order(StringComparer.Ordinal);

    /// <summary>Every case of a test; throws what the test throws.</summary>
    public void Run(string name)
    {
        var type = _tests.GetType(name[..name.LastIndexOf('.')], throwOnError: true)!;
        var method = type.GetMethod(name[(name.LastIndexOf('.') + 1)..])!;
        var cases = Cases(method).ToList();
        if (cases.Count == 0)
        {
            throw new InvalidOperationException("A test without cases would let every mutant live.");
        }

        foreach (var arguments in cases)
        {
            var test = method.IsStatic ? null : Activator.CreateInstance(type);
            try
            {
                Await(method.Invoke(test, BindingFlags.DoNotWrapExceptions, null, Converted(method, arguments), null));
            }
            catch (Exception skipped) when (skipped.Message.StartsWith("$XunitDynamicSkip$", StringComparison.Ordinal))
            {
                // Skipped is neither passed nor failed.
            }
            finally
            {
                Await((test as IAsyncDisposable)?.DisposeAsync());
                (test as IDisposable)?.Dispose();
            }
        }
    }

    /// <summary>The switch inside the mutated assembly.</summary>
    public Type Switch(string mutatedAssembly) => AssemblyLoadContext.Default.LoadFromAssemblyName(new AssemblyName(mutatedAssembly)).GetType("FederatedDpLlm.Mutation.MutantSwitch", throwOnError: true)!;

    private static IEnumerable<object?[]> Cases(MethodInfo method)
    {
        var sources = Attributes(method, "DataAttribute").ToList();
        if (method.GetParameters().Length == 0)
        {
            return [[]];
        }

        return sources.SelectMany(source =>
        {
            // xunit's runner says where a member lies that is named without its class; without it there are no rows.
            if (source.GetType().GetProperty("MemberType") is { } memberType && memberType.GetValue(source) is null)
            {
                memberType.SetValue(source, method.ReflectedType);
            }

            var getData = source.GetType().GetMethod("GetData")!;
            dynamic rows = getData.Invoke(source, [method, Activator.CreateInstance(getData.GetParameters()[1].ParameterType)])!;
            return ((IEnumerable)rows.AsTask().Result).Cast<object>().Select(row => (object?[])row.GetType().GetInterface("Xunit.ITheoryDataRow")!.GetMethod("GetData")!.Invoke(row, [])!);
        });
    }

    private static object?[] Converted(MethodInfo method, object?[] arguments) => [.. method.GetParameters().Select((parameter, i) =>
        i >= arguments.Length ? parameter.DefaultValue
        : arguments[i] is IConvertible value && parameter.ParameterType.IsPrimitive ? Convert.ChangeType(value, parameter.ParameterType, System.Globalization.CultureInfo.InvariantCulture)
        : arguments[i])];

    private static void Await(object? pending)
    {
        switch (pending)
        {
            case Task task: task.GetAwaiter().GetResult(); break;
            case ValueTask task: task.AsTask().GetAwaiter().GetResult(); break;
        }
    }

    private static IEnumerable<Attribute> Attributes(MethodInfo method, string kind) => method.GetCustomAttributes(inherit: true).OfType<Attribute>().Where(attribute => IsA(attribute.GetType(), kind));

    private static bool IsA(Type? type, string name) => type is not null && (type.Name == name || IsA(type.BaseType, name));

    private static bool IsLong(MemberInfo member) => member.GetCustomAttributesData().Any(data => data.AttributeType.Name == "TraitAttribute" && data.ConstructorArguments is [{ Value: "length" }, _]);

    /// <summary>The exit code of a process whose test did not come to an end.</summary>
    public const int Stuck = 3;

    private const double MostTimes = 10;
    private const double LeastStuckSeconds = 5;

    /// <summary>One process: "cover" tells what every test sees and how long it takes; "try" runs tests until one fails.</summary>
    public static int Serve(string mode, string assembly, string mutatedAssembly, string list)
    {
        var host = new TestHost(assembly);
        if (mode == "names")
        {
            foreach (var name in host.Names())
            {
                Console.WriteLine(name);
            }

            return 0;
        }

        var switches = host.Switch(mutatedAssembly);
        return mode == "cover" ? host.Cover(switches, File.ReadLines(list)) : host.Try(File.ReadLines(list));
    }

    private int Cover(Type switches, IEnumerable<string> names)
    {
        var seen = (bool[])switches.GetField("Seen")!.GetValue(null)!;
        foreach (var name in names)
        {
            var began = Worked();
            var failure = FailureOf(name);
            var ids = Enumerable.Range(0, seen.Length).Where(id => seen[id]);
            Console.WriteLine($"{name}\t{(Worked() - began).TotalMilliseconds:F0}\t{failure}\t{string.Join(',', ids)}");
            Array.Clear(seen);
        }

        Console.WriteLine("initial\t0\t\t" + string.Join(',', ((IDictionary)switches.GetField("Initial")!.GetValue(null)!).Keys.Cast<int>()));
        return 0;
    }

    // Lines of a test's name and of the milliseconds that it took without a mutant: one that takes ten times as long is stuck.
    private int Try(IEnumerable<string> lines)
    {
        var end = TimeSpan.MaxValue;
        new Thread(() =>
        {
            for (; Worked() < end; Thread.Sleep(200))
            {
            }

            Environment.Exit(Stuck);
        }) { IsBackground = true }.Start();
        foreach (var line in lines.Select(line => line.Split('\t')))
        {
            end = Worked() + TimeSpan.FromSeconds(LeastStuckSeconds + (MostTimes * double.Parse(line[1]) / 1000));
            if (FailureOf(line[0]) is { } failure)
            {
                Console.WriteLine($"killed\t{line[0]}\t{failure}");
                return 1;
            }
        }

        return 0;
    }

    private string? FailureOf(string name)
    {
        try
        {
            Run(name);
            return null;
        }
        catch (Exception thrown)
        {
            return thrown.GetType().Name;
        }
    }

    private static TimeSpan Worked()
    {
        using var self = Process.GetCurrentProcess();
        return self.TotalProcessorTime;
    }
}
