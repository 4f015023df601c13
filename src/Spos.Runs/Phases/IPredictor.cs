using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>A file with a trained network, and what runs it.</summary>
internal interface IPredictor : IDisposable
{
    string File { get; }

    /// <summary>Null where the file does not say it.</summary>
    Architecture? Path { get; }

    /// <summary>Whether the weights are averaged ones, once they are loaded; null where the file does not say it.</summary>
    bool? IsAveraged { get; }

    int Classes { get; }

    /// <summary>Null where nobody knows them.</summary>
    IReadOnlyList<string>? ClassNames { get; }

    /// <summary>Makes the network ready.</summary>
    /// <exception cref="SposException">It cannot be run there.</exception>
    void Load(Device device);

    /// <summary>Predicts all pictures but those that cannot be decoded.</summary>
    /// <param name="tell">Given the places of some pictures [N], and their logits [N, classes].</param>
    void Predict(ImageFolder pictures, DamageReport damage, Action<int[], float[]> tell, CancellationToken cancel);
}
