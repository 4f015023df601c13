using System.Diagnostics;
using Spos.Engine.Tests.Native;
using Spos.Space;

namespace Spos.Cli.Tests;

/// <summary>
/// All phases on the emulated GPU, by the managed code that a real one would run: streams, events, loaders and all. What
/// they compute is held against the host.
/// </summary>
public sealed class EmulatedDeviceTests(EmulatedPhases phases) : IClassFixture<EmulatedPhases>
{
    private const string Nvrtc = "libnvrtc.so.11.2";

    // Sums are divided otherwise on the two devices: fp32 rounding over the few steps taken here, with room.
    private const double RelativeTolerance = 1e-5;

    [Fact]
    public void Training_search_and_evaluation_agree_with_the_host()
    {
        Phases host = phases.Of("host"), simt = phases.Of("simt");
        Assert.Equal(host.Losses.Length, simt.Losses.Length);
        Assert.Equal(5, host.Losses.Length);
        for (int i = 0; i < host.Losses.Length; i++)
        {
            Assert.InRange(simt.Losses[i] / host.Losses[i], 1 - RelativeTolerance, 1 + RelativeTolerance);
        }
        Assert.Equal(host.Scores, simt.Scores);
        Assert.Equal(host.Architecture, simt.Architecture);
        Assert.Equal(host.Evaluation, simt.Evaluation);
    }

    /// <summary>
    /// Drivers, compilers and pools of memory are others, the arithmetic is the same: so all bits are. That the runs end with success says
    /// that the checking driver had no finding.
    /// </summary>
    [NvidiaFact(Nvrtc)]
    public void The_cuda_path_on_the_checking_driver_gives_the_same_bits()
    {
        Phases simt = phases.Of("simt"), cuda = phases.Of(CheckedDevice.Name);
        Assert.Equal(simt.Losses, cuda.Losses);
        Assert.Equal(simt.Scores, cuda.Scores);
        Assert.Equal(simt.Architecture, cuda.Architecture);
        Assert.Equal(simt.Evaluation, cuda.Evaluation);
        Assert.Equal(File.ReadAllBytes(simt.Checkpoint), File.ReadAllBytes(cuda.Checkpoint));
        Assert.Equal(File.ReadAllBytes(simt.Onnx), File.ReadAllBytes(cuda.Onnx));
    }

    [NvidiaFact(Nvrtc)]
    public async Task A_run_on_the_checking_driver_that_was_stopped_goes_on_to_the_same_bits()
    {
        Phases whole = phases.Of("simt");
        string folder = phases.At("stopped");
        string[] command = [.. phases.Scratch(whole.ArchitectureFile, folder), "--save-frequency", "1"];
        using Process first = SposProcess.Start(CheckedDevice.Name, command);
        Task<string> output = first.StandardOutput.ReadToEndAsync(), error = first.StandardError.ReadToEndAsync();
        while (!File.Exists(Path.Combine(folder, "checkpoint-00000001.spos")) && !first.HasExited) await Task.Delay(5);
        SposProcess.Interrupt(first);
        await first.WaitForExitAsync();
        Assert.Contains("run the same command again", await output, StringComparison.Ordinal);
        Assert.DoesNotContain(CheckedDevice.Finding, await error, StringComparison.Ordinal);
        Assert.Contains("Going on from", EmulatedPhases.Expect(CheckedDevice.Name, command), StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(whole.Checkpoint), File.ReadAllBytes(Path.Combine(folder, Path.GetFileName(whole.Checkpoint))));
    }
}
