using System.Diagnostics;

namespace Spos.Field;

/// <summary>What a case works with: an empty folder of its own, the program, a tiny data set and what was trained on it.</summary>
internal sealed class Scene(string folder) : IDisposable
{
    // A run that takes longer hangs.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private static readonly Lazy<string> SharedFolder = new(() => Directory.CreateTempSubdirectory("spos-field-").FullName);
    private static readonly Lazy<string> SharedData = new(MakeData);
    private static readonly Lazy<string> SharedSupernet = new(TrainSupernet);

    /// <summary>The case's own folder.</summary>
    public string Folder { get; } = folder;

    /// <summary>A data set of 3 classes, 16 training and 6 validation pictures each, 32×32. Cases do not change it.</summary>
    public static string Data => SharedData.Value;

    /// <summary>A supernet trained on <see cref="Data"/>, the fifth part of it held out. Cases do not change it.</summary>
    public static string Supernet => SharedSupernet.Value;

    /// <summary>The options of a tiny network, and of training it quickly.</summary>
    public static string[] Network { get; } =
    [
        "--image-size", "32", "--stem-channels", "8", "--stage-repeats", "1,1,2,1", "--stage-channels", "16,24,32,48",
        "--last-channels", "32", "--batch-size", "8", "--learning-rate", "0.1", "--init", "aligned",
    ];

    /// <summary>Files that other programs made (tests/fixtures).</summary>
    public static string Fixtures { get; } = Path.Combine(AppContext.BaseDirectory, "fixtures");

    public string At(params string[] names) => Path.Combine([Folder, .. names]);

    /// <summary>Runs the program as a user does, as a process of its own.</summary>
    public static Outcome Spos(params string[] arguments) => Run(Start(arguments), $"spos {string.Join(' ', arguments)}");

    /// <summary>Runs a program of samples/, by the name of its folder.</summary>
    public static Outcome SampleRun(string name) => Run(StartProgram(name, []), name);

    /// <summary>Starts the program; its output is to be read.</summary>
    public static Process Start(params string[] arguments) => StartProgram("spos", arguments);

    /// <summary>Copies a folder, as cp -r does.</summary>
    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        }
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
        }
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Removes what the cases share.</summary>
    public static void DisposeShared()
    {
        if (SharedFolder.IsValueCreated) Directory.Delete(SharedFolder.Value, recursive: true);
    }

    private static Process StartProgram(string name, string[] arguments)
    {
        // The cases may run under nohup or in the background, where signals are ignored, which children inherit.
        var start = new ProcessStartInfo("env", ["--default-signal=HUP,INT", "dotnet"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, $"{name}.dll"));
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    private static Outcome Run(Process process, string command)
    {
        using Process running = process;
        Task<string> output = running.StandardOutput.ReadToEndAsync(), error = running.StandardError.ReadToEndAsync();
        if (!running.WaitForExit(Patience))
        {
            running.Kill(entireProcessTree: true);
            throw new CaseFailedException($"{command} did not end within {Patience.TotalSeconds} s.\n{output.Result}\n{error.Result}");
        }
        return new Outcome(command, running.ExitCode, output.Result, error.Result);
    }

    private static string MakeData()
    {
        string data = Path.Combine(SharedFolder.Value, "data");
        Spos(
            "dataset", "make", "--output-dir", data, "--classes", "3", "--train", "16", "--val", "6", "--size", "32", "--difficulty",
            "0.1").Ended(0);
        return data;
    }

    private static string TrainSupernet()
    {
        string supernet = Path.Combine(SharedFolder.Value, "supernet");
        Spos([
            "supernet", "--imagenet-dir", Data, .. Network, "--paths-per-step", "4", "--epochs", "2", "--held-out", "0.2",
            "--output-dir", supernet,
        ]).Ended(0);
        return supernet;
    }
}
