using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Ops.Convolutions;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Workers.Serving;

namespace Spos.Cli.OptionGroups;

/// <summary>How workers share the work of a run.</summary>
internal interface IListenOptions
{
    [Option("listen", HelpText =
        "Let workers join at this address and do a part of the work (spos worker). Results do not depend on it (default: nobody joins).")]
    [Listen, Influences(Influence.None)]
    string? Listen { get; set; }

    [Option("secret-file", HelpText =
        "A file with a secret of 16 characters at least, which workers have to know. Connections are then encrypted. Needed where other "
        + "machines can reach --listen (default: none).")]
    [Input(PathKind.File), Influences(Influence.None)]
    string? SecretFile { get; set; }

    [Option("only-workers", Default = false, HelpText =
        "With --listen, leave all scores and trainings to workers, but for scores that they disagree about or cannot check.")]
    [Influences(Influence.None)]
    bool OnlyWorkers { get; set; }

    [Option("audit-every", HelpText =
        "With --listen, check one of so many scores of workers: another one makes it again, and it has to be the same to the bit; 0 for "
        + "none (default: 20). Trainings are not made again.")]
    [InRange(0, 1_000_000), Influences(Influence.None)]
    int? AuditEvery { get; set; }

    [Option("worker-timeout", HelpText =
        "With --listen, seconds after which a worker that gives no sign of life is given up, and its work goes to others; one that is no "
        + "further with its work is after 20 times as long (default: 30).")]
    [InRange(CoordinatorSpec.LeastSilence, 86_400), Influences(Influence.None)]
    int? WorkerTimeout { get; set; }

    /// <summary>Makes the pool that workers join; null where they may not.</summary>
    /// <exception cref="UsageException">Options contradict each other, or others could join without a secret.</exception>
    Func<PoolSpec, IWorkPool>? Pool(ConvolutionPlan plan)
    {
        if (Listen == null)
        {
            string? idle = SecretFile != null ? "--secret-file" : OnlyWorkers ? "--only-workers" : AuditEvery != null ? "--audit-every"
                : WorkerTimeout != null ? "--worker-timeout" : null;
            return idle == null ? null : throw new UsageException($"{idle} needs --listen ADDRESS:PORT, where workers join.");
        }
        if (plan is ConvolutionPlan.Auto or ConvolutionPlan.Cudnn)
        {
            throw new UsageException(
                "--listen needs --plan fused or unfused: by the others, machines that differ compute in their own ways, and results have "
                + "to be the same to the bit.");
        }
        var spec = new CoordinatorSpec
        {
            Listen = ListenAttribute.EndPointOf(Listen),
            Secret = SecretFile == null ? null : Options.SecretFile.Read("--secret-file", SecretFile, "a secret"),
            LeavesToWorkers = OnlyWorkers,
        };
        spec = spec with
        {
            AuditEvery = AuditEvery ?? spec.AuditEvery,
            Silence = WorkerTimeout is { } seconds ? TimeSpan.FromSeconds(seconds) : spec.Silence,
        };
        WorkPool.Require(spec);
        return pool => WorkPool.Open(spec, pool);
    }
}
