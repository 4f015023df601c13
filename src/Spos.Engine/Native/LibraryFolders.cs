namespace Spos.Engine.Native;

/// <summary>
/// The folders in which people have NVIDIA's libraries, besides the loader's own path: toolkits, conda, the wheels of pip, and
/// what containers add. They are found by looking at folders; no program is run.
/// </summary>
internal sealed class LibraryFolders
{
    /// <summary>The variable of a folder that comes before all others, and alone for each library that it holds.</summary>
    public const string Variable = "SPOS_CUDA_DIR";

    /// <summary>How folders are listed: what may not be read is left out.</summary>
    public static readonly EnumerationOptions Readable = new() { IgnoreInaccessible = true };

    private readonly string _root;
    private readonly Func<string, string?> _variable;

    /// <param name="root">What stands for "/" in the fixed places: tests have trees of their own.</param>
    /// <param name="variable">The environment's variables; null or empty where they are not set.</param>
    public LibraryFolders(string root, Func<string, string?> variable)
    {
        (_root, _variable) = (root, variable);
        string[] named = [.. ListIn(Variable).Select(Path.GetFullPath)];
        Named = [.. named.SelectMany(folder => LibrariesOf(folder).Prepend(folder)).Where(Directory.Exists)];
        Fault = named.FirstOrDefault(folder => !Directory.Exists(folder)) is { } missing
            ? $"{Variable}: there is no folder {missing}"
            : null;
        Usual = [.. All().Where(Directory.Exists).Distinct()];
    }

    /// <summary>What the user named.</summary>
    public IReadOnlyList<string> Named { get; }

    /// <summary>What is wrong with what the user named; null if it is there.</summary>
    public string? Fault { get; }

    /// <summary>The others that exist, those to prefer first.</summary>
    public IReadOnlyList<string> Usual { get; }

    private IEnumerable<string> All() =>
    [
        .. Toolkits().SelectMany(LibrariesOf),
        .. InVariables("CONDA_PREFIX").SelectMany(LibrariesOf),
        .. Pythons().SelectMany(SitePackages).Concat(InVariables("PYTHONPATH")).SelectMany(WheelsOf),
        // The driver's library in containers, in WSL and in NixOS.
        .. new[]
        {
            "usr/local/nvidia/lib64", "usr/local/nvidia/lib", "usr/lib/wsl/lib", "run/opengl-driver/lib", "usr/lib64", "usr/lib",
        }.Select(At),
    ];

    private IEnumerable<string> Toolkits() =>
    [
        .. InVariables("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"),
        .. OnPath("nvcc").Select(PrefixOf),
        At("usr/local/cuda"),
        .. NewestFirst(At("usr/local"), "cuda-"),
        At("opt/cuda"),
    ];

    private static IEnumerable<string> LibrariesOf(string folder) =>
        new[] { "lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib" }.Select(name => Path.Combine(folder, name));

    // What has folders of packages: environments, the python3 of the PATH and the one that it is a link to, and the user's own.
    private IEnumerable<string> Pythons() =>
    [
        .. InVariables("VIRTUAL_ENV", "CONDA_PREFIX"),
        .. OnPath("python3").SelectMany(python => new[] { python, Target(python) }).Select(PrefixOf).SelectMany(WithLocal),
        .. InVariables("HOME").Select(home => Path.Combine(home, ".local")),
    ];

    // Debian's pip installs beside the system's own packages.
    private IEnumerable<string> WithLocal(string prefix) => prefix == At("usr") ? [At("usr/local"), prefix] : [prefix];

    private static IEnumerable<string> SitePackages(string prefix) =>
        from library in new[] { "lib", "lib64" }
        from python in NewestFirst(Path.Combine(prefix, library), "python").Append(Path.Combine(prefix, library, "python3"))
        from packages in new[] { "site-packages", "dist-packages" }
        select Path.Combine(python, packages);

    // Wheels of CUDA 12 and before have a folder each; those of CUDA 13 share one.
    private static IEnumerable<string> WheelsOf(string packages) =>
        FoldersOf(Path.Combine(packages, "nvidia"), "*").Order(StringComparer.Ordinal).Select(wheel => Path.Combine(wheel, "lib"));

    // Folders that are named by a version, such as cuda-12.4.
    private static IEnumerable<string> NewestFirst(string folder, string prefix) =>
        from path in FoldersOf(folder, $"{prefix}*")
        let version = VersionOf(Path.GetFileName(path)[prefix.Length..])
        where version != null
        orderby version descending
        select path;

    private static Version? VersionOf(string text) =>
        Version.TryParse(text.Contains('.', StringComparison.Ordinal) ? text : $"{text}.0", out Version? version) ? version : null;

    private static string[] FoldersOf(string folder, string pattern)
    {
        try
        {
            return Directory.Exists(folder) ? Directory.GetDirectories(folder, pattern, Readable) : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private IEnumerable<string> OnPath(string program) =>
        InVariables("PATH").Select(folder => Path.Combine(folder, program)).Where(File.Exists);

    private static string Target(string file)
    {
        try
        {
            return File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return file;
        }
    }

    // Of PREFIX/bin/PROGRAM.
    private static string PrefixOf(string program) => Path.GetDirectoryName(Path.GetDirectoryName(program)) ?? "/";

    private IEnumerable<string> InVariables(params string[] names) => names.SelectMany(ListIn).Where(Path.IsPathRooted);

    private string[] ListIn(string variable) => (_variable(variable) ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);

    private string At(string path) => Path.Combine(_root, path);
}
