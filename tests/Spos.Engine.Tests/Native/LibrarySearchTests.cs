using Spos.Engine.Native;

namespace Spos.Engine.Tests.Native;

/// <summary>NVIDIA's libraries in made-up trees of folders, as toolkits, distributions, conda and pip lay them out.</summary>
public sealed class LibrarySearchTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("spos-libraries").FullName;
    private readonly Dictionary<string, string> _variables = [];

    [Fact]
    public void Toolkits_come_first_the_named_one_before_the_newest()
    {
        Make(
            "usr/local/cuda/lib64/libnvrtc.so.12", "usr/local/cuda-12.4/lib64/libnvrtc.so.12", "usr/local/cuda-9.2/lib64/x",
            "usr/local/cuda-12.10/targets/x86_64-linux/lib/libnvrtc.so.12");
        Make("opt/hpc/lib64/libnvrtc.so.11.2", "opt/cuda/lib64/libnvrtc.so.13", "sw/cuda13/bin/nvcc", "sw/cuda13/lib64/libnvrtc.so.13");
        _variables["CUDA_HOME"] = At("opt/hpc");
        _variables["PATH"] = At("sw/cuda13/bin");
        AssertFound(
            NvidiaLibrary.Nvrtc, "opt/hpc/lib64/libnvrtc.so.11.2", "sw/cuda13/lib64/libnvrtc.so.13", "usr/local/cuda/lib64/libnvrtc.so.12",
            "usr/local/cuda-12.10/targets/x86_64-linux/lib/libnvrtc.so.12", "usr/local/cuda-12.4/lib64/libnvrtc.so.12",
            "opt/cuda/lib64/libnvrtc.so.13");
    }

    [Fact]
    public void Wheels_of_both_layouts_are_found_in_the_environment_of_the_python_on_the_path()
    {
        Make("opt/torch/.venv/bin/python3");
        string packages = "opt/torch/.venv/lib/python3.12/site-packages/nvidia";
        Make($"{packages}/cu13/lib/libnvrtc.so.13", $"{packages}/cudnn/lib/libcudnn.so.9", $"{packages}/cuda_nvrtc/lib/libnvrtc.so.12");
        _variables["PATH"] = $"relative:{At("bin")}:{At("opt/torch/.venv/bin")}";
        AssertFound(NvidiaLibrary.Nvrtc, $"{packages}/cu13/lib/libnvrtc.so.13", $"{packages}/cuda_nvrtc/lib/libnvrtc.so.12");
        AssertFound(NvidiaLibrary.Cudnn, $"{packages}/cudnn/lib/libcudnn.so.9");
    }

    [Fact]
    public void Wheels_are_found_where_pip_of_a_system_puts_them()
    {
        // Debian: /usr/bin/python3 is a link, and pip installs to /usr/local or the home.
        Make("usr/bin/python3.11", "usr/local/lib/python3.11/dist-packages/nvidia/cudnn/lib/libcudnn.so.9");
        File.CreateSymbolicLink(At("usr/bin/python3"), At("usr/bin/python3.11"));
        Make(
            "home/me/.local/lib/python3.11/site-packages/nvidia/cudnn/lib/libcudnn.so.9",
            "usr/lib/python3/dist-packages/nvidia/cudnn/lib/libcudnn.so.9");
        _variables["PATH"] = At("usr/bin");
        _variables["HOME"] = At("home/me");
        AssertFound(
            NvidiaLibrary.Cudnn, "usr/local/lib/python3.11/dist-packages/nvidia/cudnn/lib/libcudnn.so.9",
            "usr/lib/python3/dist-packages/nvidia/cudnn/lib/libcudnn.so.9",
            "home/me/.local/lib/python3.11/site-packages/nvidia/cudnn/lib/libcudnn.so.9");
    }

    [Fact]
    public void An_environment_is_found_by_its_variable_and_by_where_its_python_leads()
    {
        Make(
            "venv/lib/python3.9/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
            "venv/lib/python3.10/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.11.2");
        Make(
            "tools/python/bin/python3.12", "tools/python/lib/python3.12/site-packages/nvidia/cu13/lib/libnvrtc.so.13", "links/bin/x",
            "site/nvidia/cu13/lib/libnvrtc.so.13");
        File.CreateSymbolicLink(At("links/bin/python3"), At("tools/python/bin/python3.12"));
        (_variables["VIRTUAL_ENV"], _variables["PATH"], _variables["PYTHONPATH"]) = (At("venv"), At("links/bin"), At("site"));
        AssertFound(
            NvidiaLibrary.Nvrtc, "venv/lib/python3.10/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.11.2",
            "venv/lib/python3.9/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
            "tools/python/lib/python3.12/site-packages/nvidia/cu13/lib/libnvrtc.so.13", "site/nvidia/cu13/lib/libnvrtc.so.13");
    }

    [Fact]
    public void Conda_has_them_in_its_own_folder()
    {
        Make("conda/envs/a/lib/libnvrtc.so.12", "conda/envs/a/lib/libcudnn.so.9", "conda/envs/a/lib/libnppicc.so.12");
        _variables["CONDA_PREFIX"] = At("conda/envs/a");
        AssertFound(NvidiaLibrary.Nvrtc, "conda/envs/a/lib/libnvrtc.so.12");
        AssertFound(NvidiaLibrary.Cudnn, "conda/envs/a/lib/libcudnn.so.9");
        AssertFound(NvidiaLibrary.Npp, "conda/envs/a/lib/libnppicc.so.12");
    }

    [Fact]
    public void The_driver_is_found_where_containers_have_it()
    {
        Make("usr/local/nvidia/lib64/libcuda.so.1", "usr/lib/wsl/lib/libcuda.so.1");
        AssertFound(NvidiaLibrary.Driver, "usr/local/nvidia/lib64/libcuda.so.1", "usr/lib/wsl/lib/libcuda.so.1");
    }

    [Fact]
    public void A_folder_that_is_named_comes_alone_for_what_it_holds()
    {
        Make("mine/lib64/libnvrtc.so.12", "usr/local/cuda/lib64/libnvrtc.so.12", "usr/local/cuda/lib64/libcudnn.so.9");
        _variables[LibraryFolders.Variable] = At("mine");
        Assert.Equal([At("mine/lib64/libnvrtc.so.12")], LibrarySearch.Candidates(Folders(), NvidiaLibrary.Nvrtc));
        AssertFound(NvidiaLibrary.Cudnn, "usr/local/cuda/lib64/libcudnn.so.9");
        _variables[LibraryFolders.Variable] = At("mine/lib64");
        Assert.Equal([At("mine/lib64/libnvrtc.so.12")], LibrarySearch.Candidates(Folders(), NvidiaLibrary.Nvrtc));
    }

    [Fact]
    public void A_named_folder_may_be_relative_and_one_that_is_missing_is_told()
    {
        Make("mine/libnvrtc.so.12");
        _variables[LibraryFolders.Variable] = Path.GetRelativePath(Environment.CurrentDirectory, At("mine"));
        Assert.Equal([At("mine/libnvrtc.so.12")], LibrarySearch.Candidates(Folders(), NvidiaLibrary.Nvrtc));
        Assert.Null(Folders().Fault);
        _variables[LibraryFolders.Variable] = $"{At("mine")}:{At("gone")}";
        Assert.Equal($"SPOS_CUDA_DIR: there is no folder {At("gone")}", Folders().Fault);
        _variables[LibraryFolders.Variable] = "";
        Assert.Null(Folders().Fault);
    }

    [Fact]
    public void What_is_missing_or_cannot_be_loaded_is_told_with_what_was_tried()
    {
        Make("mine/libcudnn.so.9", "usr/local/cuda/lib64/x");
        _variables[LibraryFolders.Variable] = At("mine");
        var search = new LibrarySearch(Folders());
        Assert.Empty(search.Find(NvidiaLibrary.Cudnn));
        string tried = search.Tried(NvidiaLibrary.Cudnn);
        Assert.Contains($"{At("mine/libcudnn.so.9")} cannot be loaded (", tried, StringComparison.Ordinal);
        Assert.Contains("file too short", tried, StringComparison.Ordinal);
        Assert.Contains($"nor in {At("usr/local/cuda/lib64")}", tried, StringComparison.Ordinal);
        Assert.Contains(LibraryFolders.Variable, tried, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', tried);
    }

    [Fact]
    public void A_library_that_is_there_by_several_names_is_found_once()
    {
        Directory.CreateDirectory(At("mine"));
        File.Copy(Path.Combine(NativeLibraries.Folder, "libspos_jpeg.so"), At("mine/libnvrtc.so.12"));
        File.CreateSymbolicLink(At("mine/libnvrtc.so"), At("mine/libnvrtc.so.12"));
        _variables[LibraryFolders.Variable] = At("mine");
        FoundLibrary found = Assert.Single(new LibrarySearch(Folders()).Find(NvidiaLibrary.Nvrtc));
        Assert.Equal(At("mine/libnvrtc.so.12"), found.Path);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private LibraryFolders Folders() => new(_root, _variables.GetValueOrDefault);

    // The names come first, which the loader looks for, then the files.
    private void AssertFound(NvidiaLibrary library, params string[] files) =>
        Assert.Equal([.. library.Names, .. files.Select(At)], LibrarySearch.Candidates(Folders(), library));

    private void Make(params string[] files)
    {
        foreach (string file in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(At(file))!);
            File.WriteAllText(At(file), "");
        }
    }

    private string At(string path) => Path.Combine(_root, path);
}
