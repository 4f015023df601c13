using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>A library that was found and loaded.</summary>
/// <param name="Path">Its file; the name alone if the loader does not tell.</param>
internal sealed record FoundLibrary(nint Handle, string Path);

/// <summary>
/// Finds and loads NVIDIA's libraries: in the folder that SPOS_CUDA_DIR names, on the loader's own path (LD_LIBRARY_PATH and
/// ldconfig's), then in <see cref="LibraryFolders.Usual"/>. What SPOS_CUDA_DIR holds is not looked for elsewhere.
/// </summary>
internal sealed unsafe partial class LibrarySearch(LibraryFolders folders)
{
    private const int LinkMap = 2;

    private readonly Dictionary<NvidiaLibrary, Lazy<(IReadOnlyList<FoundLibrary> Found, IReadOnlyList<string> Refused)>> _searches =
        NvidiaLibrary.All.ToDictionary(
            library => library, library => new Lazy<(IReadOnlyList<FoundLibrary>, IReadOnlyList<string>)>(() => Load(folders, library)));

    /// <summary>Of this machine, as it was when first asked.</summary>
    public static LibrarySearch OfMachine { get; } = new(new LibraryFolders("/", Environment.GetEnvironmentVariable));

    /// <summary>Where it looks.</summary>
    public LibraryFolders Folders => folders;

    /// <summary>All of a library's versions that are there and can be loaded, those to prefer first.</summary>
    public IReadOnlyList<FoundLibrary> Find(NvidiaLibrary library) => _searches[library].Value.Found;

    /// <summary>The files that are there but cannot be loaded, each with the reason.</summary>
    public IReadOnlyList<string> Refused(NvidiaLibrary library) => _searches[library].Value.Refused;

    /// <summary>What was tried in vain: for the message that a library is missing.</summary>
    public string Tried(NvidiaLibrary library)
    {
        string places = folders.Usual.Count == 0 ? "" : $", nor in {string.Join(", ", folders.Usual)}";
        string refused = string.Concat(Refused(library).Select(reason => $"; {reason}"));
        return $"none of {string.Join(", ", library.Names)} is on the loader's path{places}{refused}. "
            + $"{LibraryFolders.Variable} can name the folder that holds it";
    }

    /// <summary>What there is to load, in this order: files, and names that the loader looks for.</summary>
    public static IReadOnlyList<string> Candidates(LibraryFolders folders, NvidiaLibrary library)
    {
        string[] named = [.. FilesIn(folders.Named, library)];
        return named.Length > 0 ? named : [.. library.Names, .. FilesIn(folders.Usual, library)];
    }

    /// <summary>
    /// Loads what libraries open by name while they run, and would not find where the loader does not look: the files in
    /// <paramref name="folders"/> that match one of the patterns. Which of them need which is not known: those that cannot be loaded yet
    /// are tried again after the others. What cannot be loaded at all is left out.
    /// </summary>
    public static void LoadBeside(IEnumerable<string> folders, params string[] patterns)
    {
        string[] left =
        [
            .. folders.Where(Directory.Exists)
                .SelectMany(folder => patterns.SelectMany(pattern => Directory.GetFiles(folder, pattern, LibraryFolders.Readable))),
        ];
        for (int before = left.Length + 1; left.Length > 0 && left.Length < before;)
        {
            before = left.Length;
            left = [.. left.Where(file => !NativeLibrary.TryLoad(file, out _))];
        }
    }

    private static IEnumerable<string> FilesIn(IReadOnlyList<string> folders, NvidiaLibrary library) =>
        folders.SelectMany(folder => library.Names.Select(name => Path.Combine(folder, name))).Where(File.Exists);

    private static (IReadOnlyList<FoundLibrary> Found, IReadOnlyList<string> Refused) Load(LibraryFolders folders, NvidiaLibrary library)
    {
        var found = new List<FoundLibrary>();
        var refused = new List<string>();
        foreach (string candidate in Candidates(folders, library))
        {
            if (!NativeLibrary.TryLoad(candidate, out nint handle))
            {
                if (Path.IsPathRooted(candidate)) refused.Add($"{candidate} cannot be loaded ({WhyNot(candidate)})");
                continue;
            }
            string path = PathOf(handle) ?? candidate;
            // A toolkit's folder has links to one file.
            if (!found.Exists(other => other.Handle == handle || other.Path == path)) found.Add(new FoundLibrary(handle, path));
        }
        return (found, refused);
    }

    // The loader's own words, which are the last line of .NET's.
    private static string WhyNot(string file)
    {
        try
        {
            NativeLibrary.Load(file);
            return "";
        }
        catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
        {
            return error.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1];
        }
    }

    // struct link_map begins with an address and the file's name.
    private static string? PathOf(nint handle)
    {
        try
        {
            nint* map;
            string? path = Inform(handle, LinkMap, &map) == 0 ? Marshal.PtrToStringUTF8(map[1]) : null;
            return path is { Length: > 0 } ? Path.GetFullPath(path) : null;
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            return null;
        }
    }

    [LibraryImport("libdl.so.2", EntryPoint = "dlinfo")]
    private static partial int Inform(nint handle, int request, nint** map);
}
