using System.Text.Json;
using Spos.Engine.Devices;

namespace Spos.Field.Cases;

/// <summary>Machines with several devices: all are shown, and each can be named.</summary>
internal static class DeviceCases
{
    // Finds the checking driver in NVIDIA's place.
    private static readonly string Checking =
        $"export SPOS_CUDA_DIR='{Path.Combine(Device.NativeFolder, "checking")}'\nexport LD_LIBRARY_PATH=$SPOS_CUDA_DIR\n";

    [Case("info lists all devices, and --device names one of them as users of PyTorch do")]
    public static void Names(Scene scene)
    {
        Scene.Spos("info", "--device", "cpu").Ended(0).Printed("Devices", "host ", "simt ", "GiB", "emulated GPU, sm_70");
        Shell.Run("SPOS_HOST_DEVICES=2 spos info --device host:1").Ended(0).Printed("host:1: ", "host:0 ", "host:1 ");
        Shell.Run("SPOS_SIMT_DEVICES=2 SPOS_DEVICE=SIMT:1 spos info").Ended(0).Printed("simt:1: emulated GPU", "simt:0 ");
        Shell.Run($"{Checking}SPOS_CHECKED_DEVICES=2 spos info --device host").Ended(0).Printed("cuda:0 ", "cuda:1 ");
    }

    [Case("A device that is not there is an error of usage that says how many there are")]
    public static void Missing(Scene scene)
    {
        Scene.Spos("info", "--device", "host:3").Ended(2)
            .Said("--device host:3: the only device of kind host is host; SPOS_HOST_DEVICES says how many there are.");
        Shell.Run("SPOS_HOST_DEVICES=2 SPOS_DEVICE=host:2 spos info").Ended(2)
            .Said("SPOS_DEVICE=host:2: there are 2 devices of kind host, host:0 to host:1.");
        Scene.Spos("info", "--device", "cuda:x").Ended(2).Said("--device cuda:x: auto, cuda, host, simt are possible", "cuda:1");
        Shell.Run("SPOS_HOST_DEVICES=many spos info --device host").Ended(2)
            .Said("SPOS_HOST_DEVICES is 'many': it takes a number of devices, 1 to 16");
        Shell.Run($"{Checking}spos info --device cuda:1").Ended(2).Said("--device cuda:1: the only device of kind cuda is cuda:0.");
    }

    [Case("A second host device computes what the first one does")]
    public static void Second_host(Scene scene)
    {
        string command = $"SPOS_HOST_DEVICES=2 spos eval --imagenet-dir '{Scene.Data}' --checkpoint '{Scene.Supernet}' "
            + "--architecture '0 1 2 3 0' --train-iters 2 --train-batch-size 16 --device ";
        string Scores(string device) => string.Join(
            '\n', Shell.Run(command + device).Ended(0).Output.Split('\n').Where(line => line.Contains("on val", StringComparison.Ordinal)));
        string first = Scores("host:0"), second = Scores("host:1");
        CaseFailedException.Unless(first.Length > 0 && first == second, $"{first}\n{second}");
    }

    [Case("A run's record says which device it was, and the run goes on on another one")]
    public static void Recorded(Scene scene)
    {
        string run = scene.At("run");
        void Train(string device, string epochs, string said)
        {
            string network = string.Join(' ', Scene.Network);
            Shell.Run(
                $"SPOS_HOST_DEVICES=2 spos scratch --imagenet-dir '{Scene.Data}' {network} --architecture '0 1 2 3 0' --epochs 2 "
                + $"--output-dir '{run}' --val-frequency {epochs} --device {device}").Ended(0).Printed(said);
            using JsonDocument record = JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "run.json")));
            string? told = record.RootElement.GetProperty("device").GetString();
            CaseFailedException.Unless(told == device, $"run.json says {told}, not {device}.");
        }

        Train("host:1", "0", "on host:1");
        Train("host:0", "1", "Going on from");
    }
}
