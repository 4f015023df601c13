using Spos.Engine.Files;

namespace Spos.Engine.Kernels;

/// <summary>Compiled kernels on disk, by what they depend on. Any number of processes may use a folder at once.</summary>
internal sealed class CubinCache(string folder)
{
    /// <summary>The one in the user's cache folder.</summary>
    public static CubinCache OfUser { get; } = new(Path.Combine(UserCache.Folder, "cubins"));

    /// <summary>The cubin of a module, compiled if it is not there yet.</summary>
    public byte[] Get(KernelCompiler compiler, string module, string architecture)
    {
        string path = Path.Combine(folder, $"{compiler.KeyOf(module, architecture)}.cubin");
        try
        {
            // A cubin is an ELF file: anything else was cut off or put there by somebody else.
            byte[] found = File.ReadAllBytes(path);
            if (found.AsSpan().StartsWith("\u007FELF"u8)) return found;
        }
        catch (IOException)
        {
            // Not there.
        }
        byte[] cubin = compiler.Compile(module, architecture).Cubin;
        Keep(path, cubin);
        return cubin;
    }

    // A cache that cannot be written to costs time at the next start, and nothing else.
    private static void Keep(string path, byte[] cubin)
    {
        try
        {
            AtomicFile.Write(path, stream => stream.Write(cubin));
        }
        catch (WriteException)
        {
            // As said.
        }
    }
}
