using System.Reflection;
using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Cli.Verbs;
using Spos.Engine.Native;
using Spos.Engine.Ranks;
using Spos.Runs.Folders;

namespace Spos.Cli;

/// <summary>The command line: finds the verb, runs it, and turns failures into one line and an exit code.</summary>
internal static class Program
{
    /// <summary>The verbs, which their attribute tells, in the order in which help lists them.</summary>
    internal static IReadOnlyList<Type> Verbs { get; } =
    [
        .. from type in typeof(Program).Assembly.GetTypes()
           where type.IsAssignableTo(typeof(IVerb)) && type.IsDefined(typeof(VerbAttribute))
           orderby type.GetCustomAttribute<PlaceAttribute>()?.Place ?? int.MaxValue, DeclaredOption.NameOf(type)
           select type,
    ];

    /// <summary>Does what a command line asks for, and returns the <see cref="ExitCode"/>.</summary>
    /// <exception cref="UsageException">It makes no sense.</exception>
    internal static int Do(params string[] arguments) => RequestReader.Read(arguments, Verbs) switch
    {
        // Workers of a run know nothing of each other.
        Request.Run { Verb: not (ISharedOptions or WorkerVerb) } when Launcher.HasSeveral => throw new UsageException(
            $"mpirun or srun started {Launcher.CountText} processes of this command, "
            + "which works in one: start it without. supernet, scratch and eval can be shared by several (docs/cluster.md)."),
        Request.Run run => run.Verb.Run(),
        Request.Help help => Show(help),
        _ => ShowVersion(),
    };

    public static int Main(string[] arguments)
    {
        // Another program that calls this, such as a test, has a console and signals of its own.
        if (Assembly.GetEntryAssembly() == typeof(Program).Assembly)
        {
            if (arguments is ["board", ..] && !arguments.Any(word => word is "--help" or "-h")) QuietRuntime.Require();
            StandardStream.Install();
            StopSignal.Watch();
            CarriedLibraries.Load();
        }
        Fault.WatchThreads();
        return Run(arguments);
    }

    /// <summary>As <see cref="Main"/>, but leaves the process as it is: its streams and signals.</summary>
    internal static int Run(string[] arguments)
    {
        try
        {
            return Do(arguments);
        }
        catch (Exception error)
        {
            return Explain(error);
        }
    }

    /// <summary>Says on standard error why the program ends, and returns the exit code.</summary>
    internal static int Explain(Exception error)
    {
        while (error is AggregateException { InnerExceptions: [{ } only] }) error = only;
        switch (error)
        {
            case OperationCanceledException:
                Console.WriteLine("Stopped. To go on, run the same command again.");
                return ExitCode.Stopped;
            case UsageException:
                return Fail(error.Message, ExitCode.Usage);
            case OutOfMemoryException:
                return Fail(
                    "there is not enough memory. Smaller batches, pictures or networks, or fewer --workers, take "
                    + "less.", ExitCode.Failure);
            case SposException or IOException or UnauthorizedAccessException or DllNotFoundException:
                return Fail(error.Message, ExitCode.Failure);
            default:
                return Fault.Report(error);
        }
    }

    private static int Show(Request.Help help)
    {
        string page = help.Verb == null ? HelpPage.OfAll(Verbs) : HelpPage.Of(help.Verb);
        if (help.Asked) Console.Out.WriteLine(page);
        else Console.Error.WriteLine(page);
        return help.Asked ? ExitCode.Success : ExitCode.Usage;
    }

    private static int ShowVersion()
    {
        Console.Out.WriteLine($"spos {RunRecord.Version}");
        return ExitCode.Success;
    }

    private static int Fail(string message, int code)
    {
        Notice.Warn(message);
        return code;
    }
}
