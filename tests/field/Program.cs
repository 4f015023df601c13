using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using Spos.Field;

// Tries what users meet in the field: odd files, odd folders, odd options. One line a case.
// Arguments are parts of names: only cases whose names have one of them are tried.
(MethodInfo Method, string Name, string Title)[] cases =
[
    .. from type in Assembly.GetExecutingAssembly().GetTypes()
       from method in type.GetMethods(BindingFlags.Public | BindingFlags.Static)
       let marked = method.GetCustomAttribute<CaseAttribute>()
       where marked != null
       let name = $"{type.Name}.{method.Name}"
       where args.Length == 0 || args.Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase))
       orderby name
       select (method, name, marked.Title),
];
int failed = 0;
// Two at a time: much of a case is the start of programs, which takes one core each. Cases share nothing that they change.
Parallel.ForEach(
    Partitioner.Create(cases, EnumerablePartitionerOptions.NoBuffering),
    new ParallelOptions { MaxDegreeOfParallelism = 2 },
    one =>
    {
        long start = Stopwatch.GetTimestamp();
        using var scene = new Scene(Directory.CreateTempSubdirectory("spos-field-").FullName);
        try
        {
            one.Method.CreateDelegate<Action<Scene>>()(scene);
            Console.WriteLine($"ok      {one.Title} ({Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s)");
        }
        catch (Exception error)
        {
            Interlocked.Increment(ref failed);
            Console.WriteLine($"FAILED  {one.Title} ({one.Name})\n{(error is CaseFailedException ? error.Message : error)}");
        }
    });
Scene.DisposeShared();
Console.WriteLine($"field: {cases.Length - failed} passed, {failed} failed");
return failed == 0 && cases.Length > 0 ? 0 : 1;
