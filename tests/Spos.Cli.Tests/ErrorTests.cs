using Spos.Engine.Devices;

namespace Spos.Cli.Tests;

/// <summary>Bad input: one line that names the thing, and the documented exit code.</summary>
public sealed class ErrorTests
{
    [Theory]
    [InlineData(2, "--no-such-option", "supernet", "--no-such-option")]
    [InlineData(2, "nonsense", "nonsense")]
    [InlineData(2, "epochs", "supernet", "--epochs", "many")]
    [InlineData(2, "epochs", "supernet", "--epochs", "0")]
    [InlineData(2, "--image-size 100: multiples of 32", "supernet", "--image-size", "100")]
    [InlineData(2, "--stage-channels, --stem-channels", "supernet", "--stage-channels", "64,32,320,640")]
    [InlineData(2, "paths-per-step", "supernet", "--paths-per-step", "5")]
    [InlineData(2, "flops-lb", "supernet", "--paths-per-step", "2", "--flops-lb", "1e6")]
    [InlineData(2, "--sandwich-paths 17: 0 to 16 are possible", "supernet", "--sandwich-paths", "17")]
    [InlineData(2, "needs --paths-per-step 1", "supernet", "--sandwich-paths", "2", "--paths-per-step", "2")]
    [InlineData(2, "need --sandwich-paths 0", "supernet", "--sandwich-paths", "2", "--flops-ub", "330M")]
    [InlineData(2, "--distillation kl needs --sandwich-paths", "supernet", "--distillation", "kl")]
    [InlineData(2, "--distillation none needs --sandwich-paths", "supernet", "--distillation", "None")]
    [InlineData(2, "none, kl and alpha are possible", "supernet", "--sandwich-paths", "2", "--distillation", "js")]
    [InlineData(2, "--batch-size 1", "scratch", "--batch-size", "1")]
    [InlineData(2, "--cache-size needs --cache FOLDER", "supernet", "--cache-size", "256")]
    [InlineData(2, "--cache-size 8: 16 to 4096 are possible", "eval", "--cache", "cache", "--cache-size", "8")]
    [InlineData(2, "--decode-scale needs --decoder spos", "eval", "--decode-scale", "--decoder", "nvjpeg")]
    [InlineData(2, "--decode-scale and --cache exclude each other", "scratch", "--decode-scale", "--cache", "cache")]
    [InlineData(2, "--cache needs --decoder spos", "search", "--cache", "cache", "--decoder", "nvjpeg")]
    [InlineData(2, "no/such.json", "scratch", "--architecture", "no/such.json")]
    [InlineData(2, "3 blocks", "scratch", "--architecture", "0 1 2")]
    [InlineData(2, "--device cuda9: auto, cuda, host, simt are possible", "supernet", "--device", "cuda9")]
    [InlineData(1, "no/such/folder", "supernet", "--imagenet-dir", "no/such/folder")]
    [InlineData(1, "no/such.spos", "search", "--checkpoint", "no/such.spos")]
    [InlineData(1, "no/such.spos", "eval", "--checkpoint", "no/such.spos")]
    [InlineData(2, "spos dataset draw: only make is possible", "dataset", "draw")]
    [InlineData(2, "step, loader, kernels, launches or plans", "bench")]
    [InlineData(2, "make", "dataset")]
    [InlineData(2, "Did you mean --epochs?", "supernet", "--epcohs", "3")]
    [InlineData(2, "Did you mean --batch-size?", "supernet", "--batch_size", "3")]
    [InlineData(2, "Did you mean supernet?", "supernt")]
    [InlineData(2, "could be --stem-channels or --stage-repeats or --stage-channels", "supernet", "--st", "3")]
    [InlineData(2, "--epochs is given 2 times: 3, 4", "supernet", "--epochs", "3", "--epochs=4")]
    [InlineData(2, "--epochs takes a value: 1 to 100000", "supernet", "--epochs", "--resume")]
    [InlineData(2, "--resume takes no value", "supernet", "--resume=yes")]
    [InlineData(2, "nonsense is not an option of spos supernet", "supernet", "nonsense")]
    [InlineData(2, "pth, safetensors, onnx, pytorch and optuna are possible", "export", "--format", "tflite")]
    [InlineData(2, "such as 330e6 or 330M", "search", "--flops-limit", "330X")]
    [InlineData(2, "such as 3400000 or 3.4M", "search", "--params-limit", "many")]
    [InlineData(2, "8MS: this is no number with a unit that is ms, us or s", "search", "--latency-limit", "8MS")]
    [InlineData(2, "0ms: this is no time above 0 and up to 1000000 s", "rank", "--latency-lb", "0ms")]
    [InlineData(2, "After the / stand the numbers of the channel scales", "summary", "--architecture", "2 1 0 1 / 0.8 1.0 0.8 1.6")]
    [InlineData(2, "--predictor with --strategy random: a predictor", "search", "--strategy", "random", "--predictor", "ridge")]
    [InlineData(2, "--predictor-pool needs --predictor ridge", "search", "--predictor-pool", "5")]
    [InlineData(2, "--predictor trees: only ridge is possible", "search", "--predictor", "trees")]
    [InlineData(2, "4 even numbers", "supernet", "--stage-channels", "2,4,6,4200")]
    [InlineData(2, "at --image-size 2048 at most 256 are possible", "supernet", "--image-size", "2048", "--batch-size", "512")]
    [InlineData(2, "difficulty", "dataset", "make", "--difficulty", "2")]
    public void One_line_names_what_is_wrong(int code, string named, params string[] arguments)
    {
        Outcome outcome = PipelineFixture.Expect(code, arguments);
        string line = Assert.Single(outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(named, line, StringComparison.Ordinal);
        Assert.Empty(outcome.Output);
    }

    [Fact]
    public void A_data_set_without_pictures_is_an_error_and_nothing_is_written()
    {
        string folder = Directory.CreateTempSubdirectory("spos-test-").FullName, output = Path.Combine(folder, "run");
        foreach (string split in new[] { "train", "val" }) Directory.CreateDirectory(Path.Combine(folder, split, "empty-class"));
        Outcome outcome = PipelineFixture.Expect(1, "supernet", "--imagenet-dir", folder, "--output-dir", output);
        Assert.Contains("empty-class", outcome.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(output));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_data_set_of_one_class_is_an_error_and_nothing_is_written()
    {
        string folder = Directory.CreateTempSubdirectory("spos-test-").FullName, output = Path.Combine(folder, "run");
        foreach (string split in new[] { "train", "val" })
        {
            string only = Directory.CreateDirectory(Path.Combine(folder, split, "only-class")).FullName;
            File.WriteAllBytes(Path.Combine(only, "picture.jpg"), [0xFF, 0xD8]);
        }
        Outcome outcome = PipelineFixture.Expect(1, "supernet", "--imagenet-dir", folder, "--output-dir", output);
        string line = Assert.Single(outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("one class, 'only-class'", line, StringComparison.Ordinal);
        Assert.False(Directory.Exists(output));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Info_tells_the_device()
    {
        Outcome outcome = PipelineFixture.Expect(0, "info", "--device", "host");
        Assert.Contains("host", outcome.Output, StringComparison.Ordinal);
        Assert.Matches("instruction set +(avx512|avx2|x86-64)", outcome.Output);
    }

    [Fact]
    public void A_gpu_that_is_not_there_is_a_clear_failure()
    {
        if (Device.WhyNoCuda() == null) return;
        Outcome outcome = PipelineFixture.Expect(1, "info", "--device", "cuda");
        Assert.Contains("--device cuda: no NVIDIA", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("Use --device host", outcome.Error, StringComparison.Ordinal);
    }
}
