using Spos.Cli.Display;
using Spos.Engine.Files;

namespace Spos.Cli.Drawing;

/// <summary>A labelled data set of textured shapes over noise.</summary>
/// <param name="Train">Training pictures of each class.</param>
/// <param name="Val">Validation pictures of each class.</param>
/// <param name="Size">Height and width in pixels.</param>
/// <param name="Difficulty">0 (clean shapes) to 1 (faint ones in heavy noise).</param>
internal sealed record ShapeDataSet(
    int Classes = 10, int Train = 400, int Val = 100, int Size = 64, float Difficulty = 0.5f, ulong Seed = 42)
{
    /// <summary>Draws it beside, and renames it: a data set is whole or not there.</summary>
    /// <exception cref="OperationCanceledException">It was stopped, and nothing is left of it.</exception>
    public void Draw(string folder)
    {
        using var stop = new StopSignal("what was drawn is being removed");
        stop.Listen();
        AtomicFolder.Write(folder, drawing => ProgressDisplay.Run("drawing", (Train + (long)Val) * Classes, "picture", drawn =>
        {
            foreach ((string split, int count, ulong offset) in new[] { ("train", Train, 0ul), ("val", Val, 1ul << 32) })
            {
                for (int label = 0; label < Classes; label++)
                {
                    string classFolder = Path.Combine(drawing, split, ShapeDrawer.Classes[label]);
                    Directory.CreateDirectory(classFolder);
                    for (int i = 0; i < count; i++)
                    {
                        stop.Token.ThrowIfCancellationRequested();
                        byte[] jpeg = ShapeDrawer.Draw(label, Size, Difficulty, Seed, offset + (ulong)(label * count + i));
                        File.WriteAllBytes(Path.Combine(classFolder, $"{i:D5}.jpg"), jpeg);
                        drawn(split);
                    }
                }
            }
        }));
    }
}
