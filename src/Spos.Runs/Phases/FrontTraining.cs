using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Observers;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>How networks along a front are trained.</summary>
public sealed record FrontSpec
{
    public required TrainingSetup Setup { get; init; }

    /// <summary>The folder of the search that has left the front, or front.json in it.</summary>
    public required string Search { get; init; }

    /// <summary>Networks of the front to train; at least 2.</summary>
    public int NumNetworks { get; init; } = 6;

    /// <summary>The cost along which networks are chosen evenly; null for the first one that the search made less of.</summary>
    public CostMeasure? Along { get; init; }

    /// <summary>Random networks of the same range of that cost, to compare with.</summary>
    public int Random { get; init; }

    /// <summary>Networks all of whose blocks are alike, to compare with.</summary>
    public int Handmade { get; init; }

    /// <summary>Whether networks begin from the weights that they have in the supernet, and not from random ones.</summary>
    public bool Inherit { get; init; }

    /// <summary>The supernet to inherit from: a checkpoint, or its folder; null for the one that was searched.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>Probability of dropping a feature before the classifier.</summary>
    public float Dropout { get; init; } = 0.1f;

    /// <summary>Of the moving average of the weights; 0 for none.</summary>
    public float EmaDecay { get; init; }

    /// <summary>Pictures of a batch of val; null for what could be trained on, up to 512.</summary>
    public int? TestBatchSize { get; init; }

    /// <summary>Makes a pool of other processes that train, too; null where this one is alone. Results do not depend on it.</summary>
    public Func<PoolSpec, IWorkPool>? Pool { get; init; }

    /// <summary>The options that a network's training depends on. Which others are trained does not matter there.</summary>
    public required IReadOnlyList<RunOption> TrainingOptions { get; init; }
}

/// <summary>A trained network of a front run.</summary>
/// <param name="Costs">One for each of the result's.</param>
/// <param name="IsBest">Whether no other network has a better top-1 on val at no more cost, or as good a one at less.</param>
public sealed record TrainedNetwork(FrontNetwork Network, IReadOnlyList<long> Costs, bool IsBest);

/// <summary>What the training of a front came to.</summary>
/// <param name="Networks">From the cheapest on.</param>
/// <param name="Costs">The costs that are told; the networks were chosen along the first.</param>
/// <param name="Objectives">What the search has made less of.</param>
/// <param name="Exports">The folder of the exported networks.</param>
public sealed record FrontResult(
    string Folder, string FiguresFile, IReadOnlyList<TrainedNetwork> Networks, IReadOnlyList<CostTable> Costs,
    IReadOnlyList<CostMeasure> Objectives, bool IsInherited, MeasuredPictures Pictures, DamageReport Damage, string Exports);

/// <summary>Trains networks along the front that a search found, and some to compare them with.</summary>
public static class FrontTraining
{
    // The name of the option, and of what it came to.
    private const string AlongOption = "along", SearchOption = "search";

    /// <returns>Null if it was stopped before the end; what was done is saved.</returns>
    /// <exception cref="SposException">It cannot be done; the message says why.</exception>
    public static FrontResult? Run(FrontSpec spec, RunContext context)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(spec.NumNetworks, 2);
        ArgumentOutOfRangeException.ThrowIfNegative(spec.Random);
        ArgumentOutOfRangeException.ThrowIfNegative(spec.Handmade);
        // What this process trains and what workers send is told by several threads.
        var observer = new ObserverList(context.Observer);
        context = context with { Observer = observer };
        spec.Setup.Check();
        spec.Setup.Require(RunKind.Front);
        if (spec.Checkpoint != null && !spec.Inherit)
        {
            throw new UsageException("--checkpoint needs --inherit, which takes weights from it.");
        }
        SearchedFront front = SearchedFront.Open(spec.Search, $"--{SearchOption}", observer.Warn);
        TrainingSetup setup = spec.Setup.FedAs(front.Network.Network.Preprocessing);
        NetworkSpec shape = front.Network.Spec(classes: 2) with { Affine = true, Dropout = spec.Dropout };
        CostMeasure along = spec.Along ?? AlongOf(spec.Setup, front);
        using CheckpointReader? supernet = spec.Inherit ? OpenSupernet(spec, front, shape, observer) : null;
        NetworkSizes.CheckArea(setup.Recipe.BatchSize, shape.ImageSize);
        Device device = context.OpenDevice();
        (ImageFolder train, ImageFolder val) = setup.Data.OpenBoth(observer);
        front.RequireClasses(train, setup.Data.AcceptChanged, observer.Warn);
        setup.CheckSchedule(ScratchSpec.DefaultBatchSize, train.Samples.Length, observer.Warn);
        EvaluationData.RequireBatch(train, setup.Recipe.BatchSize, "--batch-size");
        NetworkSpec sizes = shape with { Classes = train.Classes.Length };
        CostTable[] costs =
        [
            .. front.CostsOf(sizes, along, observer.Warn).Select(cost => cost.In(front.Space)).OrderBy(cost => cost.Measure != along),
        ];
        if (costs[0].Measure != along)
        {
            throw new UsageException(
                $"--{AlongOption} {CostName.Of(along)}: the search of {front.Folder} had no --{SearchedLatency.Option}.");
        }
        SearchSpace? trained = supernet == null ? null : SearchedSpace.Of(supernet.Header, supernet.Path);
        FrontNetwork[] chosen = FrontChoice.Of(spec, front, costs[0], setup.Data.Seed, trained, observer);
        Architecture[] paths = [.. chosen.Select(network => network.Path)];
        foreach (Architecture path in paths)
        {
            ShuffleNetV2OneShot.Require(setup.Precision, sizes, path);
            if (supernet != null) InheritedWeights.Require(supernet, path);
        }
        using var folder = new RunFolder(setup.Folder, RunKind.Front, observer);
        var cameTo = new Dictionary<string, string>
        {
            [SearchOption] = front.Digest,
            [AlongOption] = CostName.Of(along),
            [KeptOptions.CheckpointOption] = supernet == null ? "" : Convert.ToHexString(supernet.Header.Sha256),
        };
        // Along another cost nothing depends on the table.
        if (along == CostMeasure.Latency) cameTo[KeptOptions.LatencyTableFact] = front.LatencyChecksum;
        var kept = new KeptOptions(setup.Options, setup.PicturesCameTo(train).Concat(cameTo));
        var state = new FrontState(folder.Folder, kept, DataRecord.Of(train, val), setup.Data.AcceptChanged, observer.Warn);
        FrontNetwork[] networks = ComparedRun.Known(
            setup, folder, state, () => state.Load(sizes.Space), chosen.Select(NameOf), NameOf,
            "another version of the program chose them. Use that", (RunKind.FrontNetwork, "*_*"), observer) ?? chosen;
        Preprocessing preprocessing = setup.Data.PreprocessingOf(null);
        RunRecord.Write(folder, setup.Options, device, NetworkRecord.Of(sizes, preprocessing), train.Classes);
        if (front.CountedByTable)
        {
            observer.Warn("hint: the search counted FLOPs by --flops-table; here they are computed from the shapes.");
        }
        if (front.WasSelectedOnVal)
        {
            observer.Warn("hint: the search compared its candidates on val. There its front looks better than on other pictures.");
        }
        string begun = supernet == null ? "from scratch" : $"from the weights of {supernet.Path}";
        observer.Say(
            $"Training {networks.Length} networks {begun}: {sizes}; {train.Samples.Length} pictures; on {DeviceUse.Describe(device)}.");
        observer.Begin(new RunBegin(folder.Folder, sizes, RunRecord.OptionsOf(setup.Options), front.Space));
        if (!PictureCaches.Make(setup.Data, device, observer, context.Cancel, train, val)) return null;
        var damage = new DamageReport(observer.Warn);
        int testBatch = spec.TestBatchSize ?? ScratchSpec.DefaultTestBatch(setup.Recipe.BatchSize);
        using BatchSource test = new EvaluationData(device, sizes.ImageSize, setup.Data, preprocessing, damage).Test(val, testBatch);
        var training = new ArchitectureTraining
        {
            Kind = RunKind.FrontNetwork,
            Setup = setup with { Folder = folder.Folder },
            Options = spec.TrainingOptions,
            CameTo = [new(KeptOptions.CheckpointOption, cameTo[KeptOptions.CheckpointOption])],
            Sizes = sizes,
            Device = device,
            Train = train,
            Val = val,
            Test = test,
            Damage = damage,
            EmaDecay = spec.EmaDecay,
            Inherited = supernet == null ? null : new InheritedWeights(supernet, train, observer),
        };
        state.Save(networks, observer);
        using (IWorkPool? pool = spec.Pool?.Invoke(PoolOf(setup, front, supernet, training, observer)))
        {
            int[] left = [.. Enumerable.Range(0, networks.Length).Where(i => networks[i].Top1 == null)];
            TrainingJob JobOf(int i) =>
                new(paths[i], setup.Data.Seed, networks[i].Name, $"network {i + 1}/{networks.Length}, {networks[i].Name}");
            void Done(int job, Accuracy accuracy)
            {
                networks[left[job]] = networks[left[job]].Trained(accuracy);
                state.Save(networks, observer);
            }

            if (!SharedTrainings.Run(training, [.. left.Select(JobOf)], pool, Done, context)) return null;
            pool?.MarkDone();
        }
        return Finish(spec, setup, folder, state, networks, costs, front, device, train, test, damage, context);
    }

    // Workers have the supernet that was searched, or that networks inherit from, and know the sizes from that.
    private static PoolSpec PoolOf(
        TrainingSetup setup, SearchedFront front, CheckpointReader? supernet, ArchitectureTraining training, IRunObserver observer)
    {
        string checksum = supernet == null ? front.Supernet.Checksum : Convert.ToHexString(supernet.Header.Sha256);
        var facts = WorkFacts.OfTraining(
            setup.Options, checksum, setup.Data.PreprocessingOf(null), training.Train, training.Val, training.Device);
        return new PoolSpec(facts, training.Recipe, training.Setup.Folder, observer);
    }

    // Earlier versions knew no latency here: their runs go on along the cost that they took.
    private static CostMeasure AlongOf(RunSetup setup, SearchedFront front)
    {
        CostMeasure along = front.Objectives[0];
        CostMeasure before = front.Objectives.FirstOrDefault(measure => measure != CostMeasure.Latency) ?? CostMeasure.Flops;
        if (along == before || setup.Restart) return along;
        return FrontState.OptionOf(setup.Folder, AlongOption) == CostName.Of(before) ? before : along;
    }

    private static string NameOf(FrontNetwork network) => $"{network.Name} {network.Architecture}";

    private static CheckpointReader OpenSupernet(FrontSpec spec, SearchedFront front, NetworkSpec network, IRunObserver observer)
    {
        (string searched, string checksum) = front.Supernet;
        string path = spec.Checkpoint ?? searched;
        if (!Path.Exists(path))
        {
            throw new CheckpointException($"--inherit: the supernet {path} is not there. Name it by --checkpoint.");
        }
        CheckpointReader reader = CheckpointFolder.Open(path, observer.Warn);
        try
        {
            if (reader.Header.Path is { } single)
            {
                throw new CheckpointException(
                    $"{reader.Path} is of another network: a single path, {single}. --inherit needs a supernet's.");
            }
            if (spec.Checkpoint == null && Convert.ToHexString(reader.Header.Sha256) != checksum)
            {
                throw new UsageException(
                    $"--inherit: {reader.Path} is not what was searched: it has changed since. "
                    + "Name a checkpoint of the supernet by --checkpoint.");
            }
            NetworkOrigin.Of(reader).RequireWidths(
                network, front.Network, "--inherit needs the supernet that was searched: name it by --checkpoint.");
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    private static FrontResult Finish(
        FrontSpec spec, TrainingSetup setup, RunFolder folder, FrontState state, FrontNetwork[] networks, CostTable[] costs,
        SearchedFront front, Device device, ImageFolder train, BatchSource test, DamageReport damage, RunContext context)
    {
        string exports = Path.Combine(folder.Folder, RunKind.FrontExports);
        foreach (FrontNetwork network in networks)
        {
            context.Cancel.ThrowIfCancellationRequested();
            Export(network, folder.Folder, exports, setup, device, context.Observer);
        }
        long[][] of = [.. networks.Select(network => costs.Select(cost => cost.Of(network.Path)).ToArray())];
        HashSet<int> best = [.. ParetoFront.Members([.. networks.Select((network, i) => new[] { -network.Top1!.Value, of[i][0] })])];
        var result = new FrontResult(
            folder.Folder, state.FilePath,
            [.. networks.Select((network, i) => new TrainedNetwork(network, of[i], best.Contains(i))).OrderBy(one => one.Costs[0])],
            costs, front.Objectives, spec.Inherit, MeasuredPictures.Of(test), damage, exports);
        folder.WriteResult(new
        {
            networks = result.Networks.Select(one => Written(one, costs)),
            inherited = spec.Inherit,
            averaged = spec.EmaDecay > 0,
            pictures = result.Pictures.Count,
            left_out = result.Pictures.LeftOut,
            classes = train.Classes,
        });
        return result;
    }

    private static object Written(TrainedNetwork one, CostTable[] costs)
    {
        FrontNetwork network = one.Network;
        Architecture path = network.Path;
        return new
        {
            name = network.Name,
            source = $"{network.Source}".ToLowerInvariant(),
            architecture = path.Operations,
            channel_scales = path.HasScales ? path.Scales : (IReadOnlyList<int>?)null,
            costs = costs.Zip(one.Costs).ToDictionary(cost => cost.First.Measure.FieldName, cost => cost.Second),
            score = network.Score,
            top1 = network.Top1,
            top5 = network.Top5,
            loss = network.Loss,
            best = one.IsBest,
        };
    }

    // A trained network in all formats, and its architecture.
    private static void Export(
        FrontNetwork trained, string folder, string exports, TrainingSetup setup, Device device, IRunObserver observer)
    {
        string output = Path.Combine(exports, trained.Name);
        using CheckpointReader reader = CheckpointFolder.Open(Path.Combine(folder, trained.Name), observer.Warn);
        CheckpointHeader header = reader.Header;
        using Session session = DeviceUse.NewSession(device, setup.Plan);
        using var network = new ShuffleNetV2OneShot(session, header.Spec, header.Path);
        TrainedWeights.Load(reader, session, network, WeightKind.Best);
        // A module has its weights, as pth, beside it.
        foreach (ExportFormat format in new[] { ExportFormat.Pytorch, ExportFormat.Safetensors, ExportFormat.Onnx })
        {
            NetworkExport.Write(format, output + NetworkExport.EndingOf(format), session, network, header, top1: trained.Top1);
        }
        ArchitectureFile.Write($"{output}.json", header.Path!, header.Spec.Space);
    }
}
