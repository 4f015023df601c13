namespace Spos.Engine.Devices;

/// <summary>The blocks of a launch, and the threads of each.</summary>
/// <param name="X">Blocks side by side.</param>
/// <param name="Y">Blocks below each other.</param>
/// <param name="BlockX">Threads side by side in a block.</param>
/// <param name="BlockY">Threads below each other in a block.</param>
internal readonly record struct GridSize(int X, int Y, int BlockX, int BlockY);
