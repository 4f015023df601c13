namespace Spos.Engine.Devices;

/// <summary>Those who launch kernels on a device, as far as it has to know them.</summary>
internal interface ILaunches
{
    /// <summary>Whether each launch is timed or noted, so that it has to be issued on its own.</summary>
    bool AreWatched { get; }
}
