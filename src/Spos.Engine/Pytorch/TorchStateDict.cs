using Spos.Engine.Pickles;

namespace Spos.Engine.Pytorch;

/// <summary>The named tensors of a checkpoint.</summary>
public static class TorchStateDict
{
    private const string Parallel = "module.", Choices = ".choices.";

    /// <summary>
    /// Finds the state dict: the saved object itself, or what it holds under "state_dict". Names lose the "module." that
    /// DataParallel puts before them, and the "choices." that NNI puts between a block and its operations.
    /// </summary>
    /// <exception cref="TorchCheckpointException">There is none.</exception>
    public static IReadOnlyDictionary<string, TorchTensor> Of(TorchCheckpoint checkpoint, string path)
    {
        var root = checkpoint.Root as PickleDictionary ?? throw new TorchCheckpointException($"{path} holds no state dict.");
        if (root.TryGet("state_dict", out object? wrapped)) root = wrapped as PickleDictionary ?? throw new TorchCheckpointException($"{path}: its state_dict is no dict.");
        var tensors = new Dictionary<string, TorchTensor>(StringComparer.Ordinal);
        foreach ((object key, object? value) in root)
        {
            if (key is not string name || value is not TorchTensor tensor) throw new TorchCheckpointException($"{path}: entry '{key}' of its state dict is no tensor.");
            if (!tensors.TryAdd(Official(name), tensor)) throw new TorchCheckpointException($"{path} has two tensors for {Official(name)}.");
        }
        return tensors.Count > 0 ? tensors : throw new TorchCheckpointException($"{path}: its state dict is empty.");
    }

    private static string Official(string name) =>
        (name.StartsWith(Parallel, StringComparison.Ordinal) ? name[Parallel.Length..] : name).Replace(Choices, ".", StringComparison.Ordinal);
}
