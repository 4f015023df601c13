using System.Security.Cryptography;
using System.Text;
using Spos.Engine.Compilation;
using Spos.Engine.Kernels;
using Spos.Engine.Tests.Native;

namespace Spos.Engine.Tests.Compilation;

/// <summary>The kernels compiled for NVIDIA's GPUs by NVRTC. This needs no GPU.</summary>
public sealed class KernelCompilerTests
{
    private const string Nvrtc = "libnvrtc.so.11.2";
    private const int Threads = 256;

    private static readonly KernelTarget Sm80 = new(80, IsPtx: false);

    private static readonly int[] Architectures = [70, 75, 80, 86, 89, 90];

    /// <summary>
    /// To compile for all architectures takes minutes. It is done if the kernels, or the table, are not what the table's last line is of;
    /// else one architecture is compiled for, and compared.
    /// </summary>
    [NvidiaFact(Nvrtc)]
    public void Every_kernel_compiles_and_uses_what_the_table_says()
    {
        KernelCompiler compiler = KernelCompiler.TryCreate()!;
        Assert.NotEmpty(KernelSources.Modules);
        var section = new DocumentSection("docs/kernel-resources.md", "Registers, shared memory, occupancy");
        string written = section.Read();
        // Other versions of NVRTC allocate registers differently.
        bool sameCompiler = compiler.Version == new Version(11, 8);
        bool isKnown = sameCompiler && !DocumentSection.IsToBeWritten && written == Sealed(written[..(written.LastIndexOf('\n') + 1)]);
        int[] architectures = isKnown ? [Sm80.Architecture] : Architectures;

        var spills = new List<string>();
        var uses = new SortedDictionary<string, List<KernelResources>>(StringComparer.Ordinal);
        foreach (int architecture in architectures)
        {
            foreach (string module in KernelSources.Modules.Keys)
            {
                (byte[] cubin, string log) = compiler.Compile(module, new KernelTarget(architecture, IsPtx: false));
                Assert.True(cubin.AsSpan().StartsWith("\u007FELF"u8));
                foreach (KernelResources kernel in KernelResources.Parse(log))
                {
                    if (!uses.TryGetValue(kernel.Kernel, out List<KernelResources>? list)) uses[kernel.Kernel] = list = [];
                    list.Add(kernel);
                    if (architecture >= 80 && kernel.SpilledBytes > 0 && KernelCatalogue.AtStartOfGpu.Contains(module))
                    {
                        spills.Add($"{kernel.Kernel} spills {kernel.SpilledBytes} bytes on sm_{architecture}");
                    }
                }
            }
        }
        Assert.Equal(KernelCatalogue.Entries.Select(e => e.Name).Order(StringComparer.Ordinal), uses.Keys);
        Assert.All(uses.Values, list => Assert.Equal(architectures.Length, list.Count));

        if (isKnown)
        {
            int column = Array.IndexOf(Architectures, Sm80.Architecture);
            Assert.Equal(
                uses.Select(kernel => (kernel.Key, Cell(kernel.Value[0], Sm80.Architecture), $"{kernel.Value[0].StackBytes}")),
                written.Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1)
                    .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries))
                    .Select(cells => (cells[0], cells[1 + column], cells[^1])));
            return;
        }
        string table = Sealed(Table(uses));
        if (DocumentSection.IsToBeWritten) section.Write(table);
        Assert.Empty(spills);
        if (sameCompiler) section.Compare(table);
    }

    // A table, and a line that tells whether it and the kernels are still those that it was made of.
    private static string Sealed(string table)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{KernelCompiler.Fingerprint}\n{table}"));
        return $"{table}SHA-256 of this table and of the kernels that it was made of: {Convert.ToHexStringLower(hash)}";
    }

    [NvidiaFact(Nvrtc)]
    public void An_error_names_file_and_line()
    {
        var error = Assert.Throws<KernelCompilationException>(
            () => KernelCompiler.TryCreate()!.Compile("relu", "SPOS_KERNEL a() {\n  no_such_function();\n}\n", Sm80));
        Assert.Contains("native/kernels/relu.cu(2): error", error.Message, StringComparison.Ordinal);
    }

    [NvidiaFact(Nvrtc)]
    public void A_cubin_is_kept_and_a_damaged_one_made_anew()
    {
        string folder = Directory.CreateTempSubdirectory("spos-cubins").FullName;
        try
        {
            KernelCompiler compiler = KernelCompiler.TryCreate()!;
            var cache = new CubinCache(folder);
            byte[][] cubins = new byte[4][];
            Parallel.For(0, cubins.Length, i => cubins[i] = cache.Get(compiler, "relu", Sm80));
            string file = Assert.Single(Directory.GetFiles(folder));
            Assert.All(cubins, cubin => Assert.Equal(File.ReadAllBytes(file).Length, cubin.Length));

            File.WriteAllText(file, "cut off");
            Assert.Equal(cubins[0].Length, cache.Get(compiler, "relu", Sm80).Length);
            File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch);
            cache.Get(compiler, "relu", Sm80);
            Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(file));
            Assert.NotEqual(compiler.KeyOf("relu", Sm80), compiler.KeyOf("relu", new KernelTarget(90, IsPtx: false)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [NvidiaFact(Nvrtc)]
    public void Later_gpus_get_ptx_which_the_cache_keeps_apart()
    {
        string folder = Directory.CreateTempSubdirectory("spos-cubins").FullName;
        try
        {
            KernelCompiler compiler = KernelCompiler.TryCreate()!;
            var cache = new CubinCache(folder);
            var ptx = new KernelTarget(80, IsPtx: true);
            byte[] image = cache.Get(compiler, "relu", ptx);
            string text = Encoding.ASCII.GetString(image);
            Assert.Contains(".target sm_80", text, StringComparison.Ordinal);
            Assert.Contains(".entry relu_forward", text, StringComparison.Ordinal);
            Assert.True(ptx.IsWhole(image));
            Assert.True(cache.Has(compiler, "relu", ptx));
            Assert.False(cache.Has(compiler, "relu", Sm80));
            // Without the zero at the end it is cut off.
            File.WriteAllBytes(Assert.Single(Directory.GetFiles(folder)), image[..^1]);
            Assert.Equal(image, cache.Get(compiler, "relu", ptx));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [NvidiaFact(Nvrtc)]
    public void Nvrtc_tells_its_version_and_what_it_compiles_for()
    {
        KernelCompiler compiler = KernelCompiler.TryCreate()!;
        Assert.True(File.Exists(compiler.Path), compiler.Path);
        Assert.True(compiler.Version >= new Version(11, 2), $"{compiler.Version}");
        Assert.Contains(Sm80, compiler.Offer.Targets);
        Assert.Contains(new KernelTarget(80, IsPtx: true), compiler.Offer.Targets);
        Assert.False(compiler.Offer.IsReady);
    }

    private static string Table(SortedDictionary<string, List<KernelResources>> uses)
    {
        var text = new StringBuilder();
        text.Append("As ptxas of CUDA 11.8 reports it, for each architecture: registers of a thread / static shared bytes of a block /\n")
            .Append($"warps resident on a multiprocessor in percent of the most (blocks of {Threads} threads).\n\n")
            .Append("\"Stack\" is local memory of a thread on sm_80: arrays indexed at run time. ")
            .Append("No kernel that Spos launches on GPUs spills\n")
            .Append("registers at sm_80 and above (only CPUs gain by those of `branch.cu`); ")
            .Append("the test refuses one that does. What spills is\n")
            .Append("marked with the bytes.\n\n")
            .Append("| kernel |").AppendJoin("|", Architectures.Select(a => $" sm_{a} ")).Append("| stack |\n")
            .Append("|---|").Append(string.Concat(Architectures.Select(_ => "---|"))).Append("---|\n");
        foreach ((string name, List<KernelResources> list) in uses)
        {
            text.Append($"| {name} |");
            for (int i = 0; i < Architectures.Length; i++)
            {
                text.Append($" {Cell(list[i], Architectures[i])} |");
            }
            text.Append($" {list[2].StackBytes} |\n");
        }
        return text.Append('\n').ToString();
    }

    private static string Cell(KernelResources use, int architecture)
    {
        string spill = use.SpilledBytes == 0 ? "" : $", spills {use.SpilledBytes}";
        return $"{use.Registers} / {use.SharedBytes} / {use.Occupancy(architecture, Threads)}{spill}";
    }
}
