using Spos.Engine.Files;

namespace Spos.Engine.Compilation;

/// <summary>Compiled kernels on disk, by what they depend on. Any number of processes may use a folder at once.</summary>
internal sealed class CubinCache(string folder)
{
    /// <summary>The one in the user's cache folder.</summary>
    public static CubinCache OfUser { get; } = new(Path.Combine(UserCache.Folder, "cubins"));

    public string Folder => folder;

    /// <summary>A module compiled for a target, by NVRTC if it is not there yet.</summary>
    public byte[] Get(KernelCompiler compiler, string module, KernelTarget target)
    {
        string path = PathOf(compiler, module, target);
        try
        {
            byte[] found = File.ReadAllBytes(path);
            if (target.IsWhole(found)) return found;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Not there, or not for us.
        }
        byte[] image = compiler.Compile(module, target).Image;
        Keep(path, image);
        return image;
    }

    /// <summary>Whether <see cref="Get"/> will find it, as far as names tell.</summary>
    public bool Has(KernelCompiler compiler, string module, KernelTarget target) => File.Exists(PathOf(compiler, module, target));

    private string PathOf(KernelCompiler compiler, string module, KernelTarget target) =>
        Path.Combine(folder, $"{compiler.KeyOf(module, target)}{target.FileEnding}");

    // A cache that cannot be written to costs time at the next start, and nothing else.
    private static void Keep(string path, byte[] image)
    {
        try
        {
            AtomicFile.Write(path, stream => stream.Write(image));
        }
        catch (WriteException)
        {
            // As said.
        }
    }
}
