using System.Text.Json;
using Spos.Engine.Files;
using Spos.Engine.Native;

namespace Spos.Engine.Compilation;

/// <summary>
/// A folder of compiled kernels that came with the program: cubins.json, and for each target a folder of that name with a file for each
/// kernel file. It is only read, and only if it holds this program's kernels.
/// </summary>
internal sealed class PrebuiltKernels
{
    private const string ManifestName = "cubins.json";

    private readonly string _folder;

    private PrebuiltKernels(string folder, KernelOffer offer) => (_folder, Offer) = (folder, offer);

    /// <summary>Beside the native libraries.</summary>
    public static string FolderOfProgram => Path.Combine(NativeLibraries.Folder, "cubins");

    public KernelOffer Offer { get; }

    private sealed record Manifest(string Nvrtc, string Kernels, string[] Targets);

    /// <summary>
    /// The folder, if it is there, whole and of this program's kernels; else null, and why, which is null too if there is no folder.
    /// </summary>
    public static PrebuiltKernels? TryOpen(string folder, out string? whyNot)
    {
        whyNot = null;
        string path = Path.Combine(folder, ManifestName);
        if (!File.Exists(path)) return null;
        try
        {
            var manifest = JsonSerializer.Deserialize<Manifest>(File.ReadAllText(path));
            if (manifest is not { Nvrtc: not null, Kernels: not null, Targets: not null }
                || !Version.TryParse(manifest.Nvrtc, out Version? nvrtc))
            {
                whyNot = $"{path} is damaged";
            }
            else if (manifest.Kernels != KernelCompiler.Fingerprint)
            {
                whyNot = $"{folder} holds the kernels of another version of the program";
            }
            else
            {
                KernelTarget[] targets = [.. manifest.Targets.Select(KernelTarget.TryParse).OfType<KernelTarget>()];
                string? missing = targets.SelectMany(target => KernelSources.Modules.Keys.Select(module => FileOf(folder, module, target)))
                    .FirstOrDefault(file => !File.Exists(file));
                if (missing == null) return new PrebuiltKernels(folder, new KernelOffer(nvrtc, targets, IsReady: true));
                whyNot = $"{missing} is missing";
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            whyNot = $"{path} cannot be read";
        }
        return null;
    }

    /// <summary>
    /// Compiles the kernel files for all targets into a folder, the manifest last. What it holds of other targets is left there.
    /// </summary>
    /// <param name="modules">All kernel files, in the order in which they are begun.</param>
    /// <exception cref="KernelCompilationException">NVRTC refuses one.</exception>
    /// <exception cref="WriteException">A file could not be written.</exception>
    public static void Build(string folder, KernelCompiler compiler, IReadOnlyList<KernelTarget> targets, IReadOnlyList<string> modules)
    {
        foreach (KernelTarget target in targets)
        {
            KernelModules.ForEach(modules, module =>
            {
                byte[] image = compiler.Compile(module, target).Image;
                AtomicFile.Write(FileOf(folder, module, target), stream => stream.Write(image));
            });
        }
        JsonFile.Write(
            Path.Combine(folder, ManifestName),
            new Manifest($"{compiler.Version}", KernelCompiler.Fingerprint, [.. targets.Select(target => target.Name)]));
    }

    /// <exception cref="UnreadableKernelsException">It cannot be read, or is damaged.</exception>
    public byte[] Read(string module, KernelTarget target)
    {
        string file = FileOf(_folder, module, target);
        try
        {
            byte[] image = File.ReadAllBytes(file);
            if (target.IsWhole(image)) return image;
            throw new UnreadableKernelsException(file, "it is damaged");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UnreadableKernelsException(file, error.Message);
        }
    }

    public override string ToString() => $"compiled kernels in {_folder}, made by NVRTC {Offer.Nvrtc}";

    private static string FileOf(string folder, string module, KernelTarget target) =>
        Path.Combine(folder, target.Name, $"{module}{target.FileEnding}");
}

/// <summary>A file of compiled kernels that came with the program is of no use.</summary>
public sealed class UnreadableKernelsException(string file, string reason)
    : SposException($"{file}, a part of the program, cannot be used: {reason}. Unpack or build the program again.");
