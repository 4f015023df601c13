using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Spos.Cli.Tests;

/// <summary>What a run of the program printed and how it ended.</summary>
internal sealed record Outcome(int Code, string Output, string Error);

/// <summary>Runs the program as a user does: as a process of its own.</summary>
internal static partial class SposProcess
{
    private const int Sigint = 2;

    /// <summary>The program that is tested.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "spos.dll");

    /// <summary>The variables with which it finds the ONNX Runtime that the tests carry.</summary>
    public static IReadOnlyDictionary<string, string> OnnxRuntime { get; } = new Dictionary<string, string>
    {
        ["SPOS_ONNXRUNTIME"] = Path.Combine(AppContext.BaseDirectory, "onnxruntime"),
    };

    public static Outcome Run(params string[] arguments) => RunOn(null, arguments);

    /// <summary>Runs it with variables of the environment.</summary>
    public static Outcome RunWith(IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        Finish(Start(null, arguments, environment));

    /// <summary>Runs it on a device of SPOS_DEVICE's or on <see cref="CheckedDevice"/>, unless <paramref name="device"/> is null.</summary>
    public static Outcome RunOn(string? device, params string[] arguments)
    {
        return Finish(Start(device, arguments));
    }

    /// <summary>The same with variables of the environment.</summary>
    public static Outcome RunOn(string? device, IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        Finish(Start(device, arguments, environment));

    /// <summary>Runs it with these bytes on standard input.</summary>
    public static Outcome RunFed(byte[] input, params string[] arguments)
    {
        Process process = Start(null, arguments, null, isFed: true);
        try
        {
            process.StandardInput.BaseStream.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended without reading.
        }
        return Finish(process);
    }

    private static Outcome Finish(Process started)
    {
        using Process process = started;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Outcome(process.ExitCode, output, error.Result);
    }

    public static Process Start(params string[] arguments) => Start(null, arguments);

    public static Process Start(
        string? device, string[] arguments, IReadOnlyDictionary<string, string>? environment = null, bool isFed = false)
    {
        // The tests may run in the background, where the shell has SIGINT ignored, which children inherit.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", "dotnet"])
        {
            RedirectStandardInput = isFed,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (device == CheckedDevice.Name) CheckedDevice.AddTo(start.Environment);
        else if (device == CheckedDevice.DryName) CheckedDevice.AddDryTo(start.Environment);
        else if (device != null) start.Environment["SPOS_DEVICE"] = device;
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        start.ArgumentList.Add(Program);
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    /// <summary>What Ctrl-C does.</summary>
    public static void Interrupt(Process process) => Assert.Equal(0, Kill(process.Id, Sigint));

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
