using Spos;
using Spos.Check;
using Spos.Engine.Native;

// What checks a device where no SDK is: it goes with the bundle, and tools/gpu-check/run calls it.
//   spos-check tests --device D [--only TEXT,…] [--except TEXT,…] [--times N] [--seconds S] [--jobs N]
//       runs the engine's tests of that device, each class in a process of its own; a line for each
//   spos-check class NAME --device D [--times N]
//       runs those of one class here; of several times, the first with launches one by one
//   spos-check logits --device D --checkpoint FILE --images FILE --image-size N --plan P --output FILE
//       computes the logits of a network that PyTorch saved
CarriedLibraries.Load();
try
{
    var options = new Options(args);
    return options.Verb switch
    {
        "tests" => new ClassRuns(options).Run(),
        "class" => new ClassRun(options).Run(),
        "logits" => LogitsRun.Run(options),
        _ => throw new UsageException("the first argument is tests, class or logits."),
    };
}
catch (Exception error) when (error is SposException or IOException or DllNotFoundException)
{
    Console.Error.WriteLine($"spos-check: {error.Message}");
    return error is UsageException ? 2 : 1;
}
