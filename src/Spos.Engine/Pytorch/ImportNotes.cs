namespace Spos.Engine.Pytorch;

/// <summary>What is worth telling of weights that were taken over.</summary>
/// <param name="NotFinite">Tensors with values that are NaN or infinite, and how many.</param>
/// <param name="Converted">Other types than float32 that tensors had, and how many tensors.</param>
public sealed record ImportNotes(
    IReadOnlyList<(string Name, int Values)> NotFinite, IReadOnlyList<(TorchType Type, int Tensors)> Converted);
