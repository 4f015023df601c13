using System.Text.Json;

namespace Spos.Cli.Tests;

public sealed class BenchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-bench-test-").FullName;

    [Theory]
    [InlineData("fp32", "f32")]
    [InlineData("bf16", "bf16")]
    public void Kernels_are_timed_and_held_against_the_roofline(string precision, string type)
    {
        string file = Path.Combine(_folder, "kernels.json");
        Outcome outcome = PipelineFixture.Expect(
            0, "bench", "kernels", "--image-size", "32", "--batch-size", "4", "--runs", "2", "--filter", "pointwise", "--top", "500",
            "--precision", precision, "--output", file);
        Assert.Contains("pointwise_forward", outcome.Output, StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        Assert.True(document.RootElement.GetProperty("peak_gflops").GetDouble() > 0);
        Assert.True(document.RootElement.GetProperty("peak_gflops_bf16").GetDouble() > 0);
        Assert.Equal(precision, document.RootElement.GetProperty("precision").GetString());
        // Packing multiplies nothing.
        JsonElement[] kernels =
        [
            .. document.RootElement.GetProperty("kernels").EnumerateArray()
                .Where(k => k.GetProperty("kernel").GetString() != "pointwise_pack"),
        ];
        Assert.Equal(
            [
                "pointwise_backward_data", "pointwise_backward_weights", "pointwise_forward", $"pointwise_fused_backward_{type}",
                $"pointwise_fused_forward_{type}", $"pointwise_normalised_{type}", $"stage_pointwise_backward_{type}",
                $"stage_pointwise_forward_{type}",
            ],
            kernels.Select(k => k.GetProperty("kernel").GetString()).Distinct().Order(StringComparer.Ordinal));
        // The classifier, on all three passes.
        Assert.Equal(3, kernels.Count(k => k.GetProperty("shape").GetString() == "4×1024×1000"));
        foreach (JsonElement kernel in kernels)
        {
            double microseconds = kernel.GetProperty("microseconds").GetDouble(), gflops = kernel.GetProperty("gflops").GetDouble();
            long[] shape = [.. kernel.GetProperty("shape").GetString()!.Split('×').Select(long.Parse)];
            int products = kernel.GetProperty("kernel").GetString()!.Contains($"_backward_{type}", StringComparison.Ordinal) ? 2 : 1;
            Assert.Equal(products * 2.0 * shape[0] * shape[1] * shape[2], gflops * microseconds * 1e3, 1e-3);
            Assert.InRange(kernel.GetProperty("of_roofline").GetDouble(), 1e-6, 100);
            string arithmetic = kernel.GetProperty("kernel").GetString()!.EndsWith("_bf16", StringComparison.Ordinal) ? "bf16" : "fp32";
            Assert.Contains(kernel.GetProperty("limit").GetString(), new[] { "memory", arithmetic });
        }
    }

    [Fact]
    public void Steps_are_timed_under_both_plans()
    {
        string file = Path.Combine(_folder, "step.json");
        Outcome outcome = PipelineFixture.Expect(
            0, "bench", "step", "--image-size", "32", "--batch-size", "4", "--runs", "2", "--plan", "cudnn", "--output", file);
        Assert.Matches("inference +cudnn +fp32 +[0-9.]+", outcome.Output);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        JsonElement[] steps = [.. document.RootElement.GetProperty("steps").EnumerateArray()];
        Assert.Equal(2, document.RootElement.GetProperty("paths").EnumerateArray().Select(p => p.GetString()).Distinct().Count());
        Assert.Equal(["unfused", "cudnn", "unfused", "cudnn"], steps.Select(s => s.GetProperty("plan").GetString()));
        Assert.All(steps, s => Assert.Equal("fp32", s.GetProperty("precision").GetString()));
        Assert.All(steps, s => Assert.InRange(
            s.GetProperty("images_per_second").GetDouble(), s.GetProperty("quartiles")[0].GetDouble(),
            s.GetProperty("quartiles")[1].GetDouble()));
    }

    [Fact]
    public void Inference_of_one_picture_is_timed_alone()
    {
        string file = Path.Combine(_folder, "one.json");
        string[] one = ["bench", "step", "--image-size", "32", "--batch-size", "1", "--runs", "2"];
        PipelineFixture.Expect(0, [.. one, "--inference", "--output", file]);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        JsonElement[] steps = [.. document.RootElement.GetProperty("steps").EnumerateArray()];
        Assert.Equal(["unfused", "fused"], steps.Select(s => s.GetProperty("plan").GetString()));
        Assert.All(steps, s => Assert.Equal("inference", s.GetProperty("work").GetString()));
        Assert.Contains("--batch-size 1: training", PipelineFixture.Expect(2, one).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "training step fp32, training step bf16, inference fp32, inference bf16", "against fp32")]
    [InlineData(true, "training step bf16, inference bf16", "against bf16")]
    public void Steps_in_bf16_are_timed_beside_fp32(bool alone, string timed, string against)
    {
        string file = Path.Combine(_folder, "bf16.json");
        string[] step = ["bench", "step", "--precision", "bf16", "--image-size", "32", "--batch-size", "2", "--runs", "2"];
        Outcome outcome = PipelineFixture.Expect(0, [.. step, .. alone ? ["--alone"] : Array.Empty<string>(), "--output", file]);
        Assert.Contains(against, outcome.Output, StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        JsonElement[] steps = [.. document.RootElement.GetProperty("steps").EnumerateArray()];
        Assert.Equal(
            timed, string.Join(", ", steps.Select(s => $"{s.GetProperty("work").GetString()} {s.GetProperty("precision").GetString()}")));
        Assert.All(steps, s => Assert.Equal("fused", s.GetProperty("plan").GetString()));
    }

    [Fact]
    public void What_plan_auto_is_measured_with_is_none_of_a_steps_memory()
    {
        var environment = new Dictionary<string, string> { ["XDG_CACHE_HOME"] = Path.Combine(_folder, "cache") };
        long[] measured = Bytes(), known = Bytes();
        // A buffer that measuring has left serves for a slightly smaller one.
        foreach ((long first, long second) in measured.Zip(known)) Assert.InRange(first, second, second * 1.01);

        long[] Bytes()
        {
            string file = Path.Combine(_folder, "memory.json"), path = string.Join(' ', Enumerable.Repeat(0, 20));
            Outcome outcome = SposProcess.RunWith(
                environment, "bench", "step", "--alone", "--plan", "auto", "--architecture", path,
                "--image-size", "32", "--batch-size", "4", "--runs", "1", "--output", file);
            Assert.True(outcome.Code == 0, outcome.Error);
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
            return [.. document.RootElement.GetProperty("steps").EnumerateArray().Select(s => s.GetProperty("device_bytes").GetInt64())];
        }
    }

    [Fact]
    public void The_loader_is_timed_by_both_transforms()
    {
        string data = Path.Combine(_folder, "data"), file = Path.Combine(_folder, "loader.json");
        PipelineFixture.Expect(0, "dataset", "make", "--output-dir", data, "--classes", "2", "--train", "20", "--val", "2", "--size", "16");
        PipelineFixture.Expect(
            0, "bench", "loader", "--images", Path.Combine(data, "train"), "--image-size", "32", "--batch-size", "16", "--runs", "2",
            "--output", file);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        Assert.Equal(40, document.RootElement.GetProperty("pictures").GetInt32());
        Assert.Equal("spos", document.RootElement.GetProperty("decoder").GetString());
        JsonElement[] transforms = [.. document.RootElement.GetProperty("transforms").EnumerateArray()];
        Assert.Equal(["training", "validation"], transforms.Select(t => t.GetProperty("transform").GetString()));
        Assert.All(transforms, t => Assert.InRange(
            t.GetProperty("images_per_second").GetDouble(), t.GetProperty("quartiles")[0].GetDouble(),
            t.GetProperty("quartiles")[1].GetDouble()));
        JsonElement hostWork = document.RootElement.GetProperty("host_work");
        Assert.InRange(
            hostWork.GetProperty("images_per_second_and_thread").GetDouble(), hostWork.GetProperty("quartiles")[0].GetDouble(),
            hostWork.GetProperty("quartiles")[1].GetDouble());
        // A cache has the name of the folder, however that is written.
        string cache = Path.Combine(_folder, "pictures");
        PipelineFixture.Expect(
            0, "bench", "loader", "--images", Path.Combine(data, "train", "."), "--image-size", "32", "--batch-size", "16", "--runs", "1",
            "--cache", cache);
        Assert.Equal(
            ["train.index", "train.pixels"],
            Directory.GetFileSystemEntries(cache).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Contains("--images", PipelineFixture.Expect(2, "bench", "loader").Error, StringComparison.Ordinal);
        Outcome outcome = PipelineFixture.Expect(1, "bench", "loader", "--images", Path.Combine(data, "train"), "--decoder", "nvjpeg");
        Assert.Contains("--decoder nvjpeg: nvJPEG decodes on an NVIDIA GPU only", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Sampling_is_shown_by_bins()
    {
        Outcome outcome = PipelineFixture.Expect(0, "sample", "--samples", "500", "--flops-bins", "2");
        Assert.Contains("290M to 325M", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("1096386220643", outcome.Output, StringComparison.Ordinal);
        Assert.Contains(
            "--flops-lb 1000000 to --flops-ub 2000000: no path is within",
            PipelineFixture.Expect(2, "sample", "--flops-lb", "1e6", "--flops-ub", "2e6").Error, StringComparison.Ordinal);
        Assert.Contains(
            "--flops-lb 3000000 is above --flops-ub 2000000",
            PipelineFixture.Expect(2, "sample", "--flops-lb", "3e6", "--flops-ub", "2e6").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_measured_is_a_usage_error()
    {
        Assert.Contains(
            "step, loader, kernels, launches and plans are possible", PipelineFixture.Expect(2, "bench", "nothing").Error,
            StringComparison.Ordinal);
        Assert.Contains("--runs", PipelineFixture.Expect(2, "bench", "kernels", "--runs", "0").Error, StringComparison.Ordinal);
        Assert.Contains(
            "--image-size 33", PipelineFixture.Expect(2, "bench", "kernels", "--image-size", "33").Error, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
