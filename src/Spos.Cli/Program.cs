using CommandLine;
using CommandLine.Text;
using Spos.Cli.Nni;
using Spos.Cli.Verbs;
using Spos.Engine;

namespace Spos.Cli;

/// <summary>The command line: finds the verb, runs it, and turns failures into one line and an exit code.</summary>
internal static class Program
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>It could not be done.</summary>
    public const int Failure = 1;

    /// <summary>The options make no sense.</summary>
    public const int Usage = 2;

    /// <summary>Stopped by Ctrl-C, as shells have it.</summary>
    public const int Stopped = 130;

    /// <summary>The verbs, in the order in which help lists them.</summary>
    internal static IReadOnlyList<Type> Verbs { get; } =
    [
        typeof(QuickstartVerb), typeof(SupernetVerb), typeof(SearchVerb), typeof(ScratchVerb), typeof(EvalVerb), typeof(RankVerb), typeof(ImportVerb), typeof(ExportVerb),
        typeof(SampleVerb), typeof(SearchSpaceVerb), typeof(DatasetVerb), typeof(BenchVerb), typeof(InfoVerb),
    ];

    public static int Main(string[] arguments)
    {
        using var parser = new Parser(settings =>
        {
            settings.HelpWriter = null;
            settings.CaseInsensitiveEnumValues = true;
            settings.AutoVersion = true;
        });
        try
        {
            arguments = SearchConfig.Expand(arguments);
        }
        catch (UsageException error)
        {
            return Fail(error.Message, Usage);
        }
        ParserResult<object> result = parser.ParseArguments(arguments, [.. Verbs]);
        return result.MapResult(verb => Run((IVerb)verb), errors => Explain(result, [.. errors], arguments));
    }

    private static int Run(IVerb verb)
    {
        try
        {
            return verb.Run();
        }
        catch (UsageException error)
        {
            return Fail(error.Message, Usage);
        }
        catch (Exception error) when (error is SposException or IOException or UnauthorizedAccessException or DllNotFoundException or PlatformNotSupportedException or ArithmeticException)
        {
            return Fail(error.Message, Failure);
        }
    }

    private static int Explain(ParserResult<object> result, Error[] errors, string[] arguments)
    {
        if (errors.Any(e => e is HelpRequestedError or HelpVerbRequestedError or VersionRequestedError))
        {
            bool version = errors.Any(e => e is VersionRequestedError);
            Console.Out.WriteLine(version ? HelpText.AutoBuild(result).Heading : Help(result));
            return Success;
        }
        if (errors.Any(e => e is NoVerbSelectedError))
        {
            Console.Error.WriteLine(Help(result));
            return Usage;
        }
        string verb = arguments.Length > 0 && !arguments[0].StartsWith('-') ? $" {arguments[0]}" : "";
        string see = errors[0] is BadVerbSelectedError ? "spos --help" : $"spos{verb} --help";
        return Fail($"{Sentence(errors[0])} See {see}.", Usage);
    }

    private static HelpText Help(ParserResult<object> result) => HelpText.AutoBuild(
        result,
        help =>
        {
            help.Heading = "Spos: Single Path One-Shot neural architecture search";
            help.Copyright = "";
            help.AddEnumValuesToHelpText = true;
            help.AdditionalNewLineAfterOption = false;
            help.MaximumDisplayWidth = 110;
            return help;
        },
        // Only what differs from the defaults.
        example => new Example(example.HelpText, [new UnParserSettings { SkipDefault = true }], example.Sample),
        verbsIndex: true);

    private static string Sentence(Error error) => error switch
    {
        UnknownOptionError unknown => $"Unknown option '{(unknown.Token.Length == 1 ? "-" : "--")}{unknown.Token}'.",
        MissingRequiredOptionError missing => $"Option {missing.NameInfo.NameText} is required.",
        MissingValueOptionError missing => $"Option --{missing.NameInfo.LongName} takes a value.",
        BadFormatConversionError bad => $"The value of --{bad.NameInfo.LongName} cannot be read.",
        BadVerbSelectedError bad => $"Unknown command '{bad.Token}'.",
        RepeatedOptionError repeated => $"Option --{repeated.NameInfo.LongName} is given twice.",
        SequenceOutOfRangeError sequence => $"Option --{sequence.NameInfo.LongName} has the wrong number of values.",
        NamedError named => $"Option --{named.NameInfo.LongName}: {error.Tag}.",
        TokenError token => $"'{token.Token}': {error.Tag}.",
        _ => $"{error.Tag}.",
    };

    private static int Fail(string message, int code)
    {
        Console.Error.WriteLine($"spos: {message}");
        return code;
    }
}
