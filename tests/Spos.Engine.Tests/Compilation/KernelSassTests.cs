using System.Diagnostics;
using System.Text;
using Spos.Engine.Compilation;
using Spos.Engine.Tests.Native;

namespace Spos.Engine.Tests.Compilation;

/// <summary>
/// How much of the matrix products' loops is multiply-adds. nvdisasm, which reads machine code, comes with NVIDIA's toolkit (Debian:
/// nvidia-cuda-toolkit, of non-free); SPOS_NVDISASM names it where the path does not have it. It is needed only to write the table anew.
/// </summary>
public sealed class KernelSassTests
{
    private const int LeastFfma = 48, LeastPercent = 25;

    private static readonly KernelTarget Sm90 = new(90, IsPtx: false);

    private static readonly string[] Products = ["branch_", "pointwise_", "stage_pointwise_"];

    [NvidiaFact("libnvrtc.so.11.2")]
    public void The_table_of_the_products_loops_is_written()
    {
        if (!DocumentSection.IsToBeWritten) return;
        KernelCompiler compiler = KernelCompiler.TryCreate()!;
        var table = new StringBuilder();
        table.Append(
            "Multiply-adds (FFMA) among all instructions of each loop that holds a product, in the code for sm_90, as nvdisasm of CUDA\n")
            .Append(
                "11.8 prints it: the part of the arithmetic's peak that the loop can come to if nothing waits. "
                + "What loads the panels that it\n")
            .Append(
                $"multiplies may be around it and come on top. Loops with fewer than {LeastFfma}, or {LeastPercent} %, are left out.\n\n")
            .Append("| kernel | FFMA of all instructions, loop by loop |\n|---|---|\n");
        var loops = new SortedDictionary<string, List<SassLoop>>(StringComparer.Ordinal);
        foreach (string module in KernelSources.Modules.Keys)
        {
            foreach ((string kernel, List<SassLoop> list) in SassLoop.Read(Disassemble(compiler.Compile(module, Sm90).Image)))
            {
                if (Products.Any(p => kernel.StartsWith(p, StringComparison.Ordinal))) loops[kernel] = list;
            }
        }
        Assert.NotEmpty(loops);
        foreach ((string kernel, List<SassLoop> list) in loops)
        {
            string[] products =
            [
                .. SassLoop.Innermost(list, IsProduct).OrderByDescending(l => l.Ffma).ThenBy(l => l.Instructions)
                    .GroupBy(l => $"{l}").Select(g => g.Count() == 1 ? g.Key : $"{g.Count()} × {g.Key}"),
            ];
            table.Append($"| {kernel} | {(products.Length == 0 ? "none" : string.Join(", ", products))} |\n");
        }
        new DocumentSection("docs/kernel-resources.md", "Multiply-adds in the products' loops").Write(table.ToString());
    }

    [Fact]
    public void Loops_are_counted_without_the_loops_inside_them()
    {
        const string code = """
            .text.product:
                    /*0000*/                   MOV R1, c[0x0][0x28] ;
            .L_x_1:
                    /*0010*/                   LDG.E R2, [R4] ;
                    /*0020*/                   FFMA R3, R2, R5, R3 ;
            .L_x_0:
                    /*0030*/                   LDS R2, [R4] ;
                    /*0040*/                   FFMA R3, R2, R5, R3 ;
                    /*0050*/               @P0 FFMA R6, R2, R5, R6 ;
                    /*0060*/               @P0 BRA `(.L_x_0) ;
                    /*0070*/              @!P1 BRA `(.L_x_2) ;
                    /*0080*/                   BRA `(.L_x_1) ;
            .L_x_2:
                    /*0090*/                   EXIT ;
            .L_x_3:
                    /*00a0*/                   BRA `(.L_x_3);
            """;
        List<SassLoop> loops = SassLoop.Read(code)["product"];
        Assert.Equal([new SassLoop(1, 8, 1, 4), new SassLoop(3, 6, 2, 4)], loops);
        Assert.Equal([loops[1]], SassLoop.Innermost(loops, l => l.Ffma >= 1));
    }

    // Others are batch norms of values that are loaded, sums over taps, what is left over of an unrolled loop.
    private static bool IsProduct(SassLoop loop) => loop.Ffma >= LeastFfma && 100 * loop.Ffma >= LeastPercent * loop.Instructions;

    private static string Disassemble(byte[] cubin)
    {
        string program = Environment.GetEnvironmentVariable("SPOS_NVDISASM") is { Length: > 0 } named ? named : "nvdisasm";
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, cubin);
            using Process process = Process.Start(new ProcessStartInfo(program, ["-c", file]) { RedirectStandardOutput = true })!;
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
            return output;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new InvalidOperationException(
                $"{program} is missing, which reads the machine code: install NVIDIA's toolkit, or name the program in SPOS_NVDISASM.");
        }
        finally
        {
            File.Delete(file);
        }
    }
}
