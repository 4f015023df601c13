using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Plans;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Space;

namespace Spos.Engine.Tests.Plans;

/// <summary>A plan leaves the bits that ops leave one after the other.</summary>
public sealed class NetworkPlanTests
{
    private const int Batch = 3;

    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 32,
        Classes = 3,
        StemChannels = 8,
        StageRepeats = [1, 2, 1, 2],
        StageChannels = [16, 24, 32, 40],
        LastChannels = 16,
        Affine = true,
        Dropout = 0.3f,
    };

    private static readonly Architecture[] Paths =
        [.. new[] { "0 3 1 2 0 1", "3 3 3 3 3 3", "1 2 0 0 2 3" }.Select(text => Architecture.Parse(text))];

    // Some of its blocks have hard swish and squeeze-and-excitation. Both paths have the first one, whose gradients are added.
    private static readonly NetworkSpec PlusSpec = Spec with { BlockSet = BlockSet.ShuffleV2Plus };

    private static readonly Architecture[] PlusPaths = [.. new[] { "4 7 5 2 6 0", "4 3 6 7 1 5" }.Select(text => Architecture.Parse(text))];

    public static TheoryData<string, ConvolutionPlan, Precision, bool> Cases
    {
        get
        {
            var cases = new TheoryData<string, ConvolutionPlan, Precision, bool>();
            foreach ((ConvolutionPlan plan, Precision precision) in new[]
            {
                (ConvolutionPlan.Fused, Precision.Fp32),
                (ConvolutionPlan.Fused, Precision.Bf16),
                (ConvolutionPlan.Unfused, Precision.Fp32),
                (ConvolutionPlan.Cudnn, Precision.Fp32),
            })
            {
                foreach (bool single in new[] { false, true })
                {
                    cases.Add("host", plan, precision, single);
                    cases.Add("simt 1", plan, precision, single);
                }
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Its_bits_are_those_of_ops_one_by_one(string name, ConvolutionPlan plan, Precision precision, bool single)
    {
        using TestDevice test = TestDevice.Open(name);
        Architecture[] paths = single ? [Paths[0]] : test.Device.Kind == "simt" ? [.. Paths.Take(2)] : Paths;
        float[] planned = Work(test, plan, precision, Spec, single, paths, planned: true);
        Assert.Equal(Work(test, plan, precision, Spec, single, paths, planned: false), planned);
    }

    [Theory]
    [InlineData("host", ConvolutionPlan.Fused, false)]
    [InlineData("host", ConvolutionPlan.Fused, true)]
    [InlineData("host", ConvolutionPlan.Unfused, false)]
    [InlineData("host", ConvolutionPlan.Cudnn, false)]
    [InlineData("simt 1", ConvolutionPlan.Fused, true)]
    [InlineData("simt 1", ConvolutionPlan.Cudnn, true)]
    public void So_are_they_where_blocks_have_other_ops(string name, ConvolutionPlan plan, bool single)
    {
        using TestDevice test = TestDevice.Open(name);
        Architecture[] paths = single ? [PlusPaths[0]] : PlusPaths;
        float[] planned = Work(test, plan, Precision.Fp32, PlusSpec, single, paths, planned: true);
        Assert.Equal(Work(test, plan, Precision.Fp32, PlusSpec, single, paths, planned: false), planned);
    }

    [Theory]
    [InlineData("host", ConvolutionPlan.Fused, false)]
    [InlineData("host", ConvolutionPlan.Fused, true)]
    [InlineData("host", ConvolutionPlan.Unfused, false)]
    [InlineData("host", ConvolutionPlan.Cudnn, true)]
    [InlineData("simt 1", ConvolutionPlan.Fused, true)]
    public void So_are_they_with_the_last_stage_of_a_published_network(string name, ConvolutionPlan plan, bool single)
    {
        using TestDevice test = TestDevice.Open(name);
        NetworkSpec spec = Spec with { BlockSet = BlockSet.ShuffleV2PlusPublished };
        Architecture[] paths = [.. Paths.Take(single ? 1 : 2)];
        float[] planned = Work(test, plan, Precision.Fp32, spec, single, paths, planned: true);
        Assert.Equal(Work(test, plan, Precision.Fp32, spec, single, paths, planned: false), planned);
    }

    [Theory]
    [InlineData("host", ConvolutionPlan.Fused, Precision.Fp32, Divergence.Kl)]
    [InlineData("host", ConvolutionPlan.Fused, Precision.Bf16, Divergence.Alpha)]
    [InlineData("host", ConvolutionPlan.Unfused, Precision.Fp32, Divergence.Alpha)]
    [InlineData("simt 1", ConvolutionPlan.Fused, Precision.Fp32, Divergence.Alpha)]
    public void Paths_learn_from_another_to_the_bits_of_ops_one_by_one(
        string name, ConvolutionPlan convolutions, Precision precision, Divergence divergence)
    {
        using TestDevice test = TestDevice.Open(name);
        float[] planned = Distil(test, convolutions, precision, divergence, planned: true);
        Assert.Equal(Distil(test, convolutions, precision, divergence, planned: false), planned);
    }

    [Fact]
    public void A_plan_has_the_teacher_that_it_was_made_for()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec, null);
        (Tensor images, DeviceArray<int> labels) = Pictures(session, Batch);
        using (images)
        using (labels)
        using (Tensor logits = session.Rent(new Shape(Batch, 1, 1, Spec.Classes)))
        using (Tensor fewer = session.Rent(new Shape(Batch, 1, 1, Spec.Classes - 1)))
        using (Tensor halves = session.Rent(logits.Shape, ElementType.BFloat16))
        {
            using var alone = new NetworkPlan(session, network, PlanKind.Training, Batch, LossTarget.Labels(0.1f));
            using var taught = new NetworkPlan(session, network, PlanKind.Training, Batch, LossTarget.Teacher(Divergence.Kl));
            int inUse = session.Pool.InUse;
            Assert.Throws<ArgumentException>(() => alone.Run(images, labels, Paths[0], teacher: logits));
            Assert.Throws<ArgumentException>(() => taught.Run(images, labels, Paths[0]));
            Assert.Throws<ArgumentException>(() => taught.Run(images, labels, Paths[0], teacher: fewer));
            Assert.Throws<ArgumentException>(() => taught.Run(images, labels, Paths[0], teacher: halves));
            Assert.Equal(inUse, session.Pool.InUse);
            using Predictions left = alone.Run(images, labels, Paths[0]);
            Assert.Null(left.Logits);
        }
    }

    [Theory]
    [InlineData(1, 1, 0, Precision.Fp32)]
    [InlineData(1, 2, 1, Precision.Fp32)]
    [InlineData(1, 9, 2, Precision.Fp32)]
    [InlineData(2, 1, 0, Precision.Fp32)]
    [InlineData(2, 2, 1, Precision.Fp32)]
    [InlineData(2, 3, 0, Precision.Fp32)]
    [InlineData(2, 7, 4, Precision.Fp32)]
    [InlineData(2, 15, 8, Precision.Fp32)]
    [InlineData(5, 9, 2, Precision.Fp32)]
    [InlineData(5, 4, 1, Precision.Fp32)]
    [InlineData(1, 9, 2, Precision.Bf16)]
    [InlineData(2, 7, 4, Precision.Bf16)]
    [InlineData(5, 9, 2, Precision.Bf16)]
    public void Threads_take_images_through_inference_to_the_same_bits(int threads, int batch, int atOnce, Precision precision)
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device) { Precision = precision };
        int before = test.Device.Threads;
        test.Device.Threads = threads;
        try
        {
            session.Pool.Poison = true;
            Assert.Equal(atOnce, ImageSequence.AtOnce(session, PlanKind.Inference, batch, Spec.ImageSize));
            using var network = new ShuffleNetV2OneShot(session, precision == Precision.Fp32 ? PlusSpec : Spec, null);
            Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
            (Tensor images, DeviceArray<int> labels) = Pictures(session, batch);
            using (images)
            using (labels)
            {
                using var plan = new NetworkPlan(session, network, PlanKind.Inference, batch);
                foreach (Architecture path in precision == Precision.Fp32 ? PlusPaths.Concat(Paths) : Paths)
                {
                    // Statistics of its own.
                    network.Forward(Pass.Recalibration(session), images, path).Dispose();
                    float[] losses = new float[batch];
                    int[] ranks = new int[batch];
                    using (Predictions left = plan.Run(images, labels, path)) left.Download(session.Stream, losses, ranks);
                    Assert.Equal(
                        OpByOp(session, network, PlanKind.Inference, images, labels, path),
                        [.. losses, .. ranks.Select(rank => (float)rank)]);
                }
                // A tenth more, for blocks have workspaces of their own, of which an image by itself needs fewer.
                long most = Math.Max(1, atOnce * threads) * OfOneImage(session, network) * (atOnce == 0 ? batch : 1);
                Assert.InRange(plan.Bytes, 1, most * 11 / 10);
            }
        }
        finally
        {
            test.Device.Threads = before;
        }

        // Where it is not done so, memory is the batch's.
        static long OfOneImage(Session session, ShuffleNetV2OneShot network) =>
            NetworkPlan.BytesOf(session, network, PlanKind.Inference, 1);
    }

    [Fact]
    public void Work_that_is_watched_or_needs_whole_batches_is_done_launch_by_launch()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        int AtOnce(PlanKind kind = PlanKind.Inference) => ImageSequence.AtOnce(session, kind, 8 * test.Device.Threads, 224);
        Assert.Equal(4, AtOnce());
        Assert.Equal(0, AtOnce(PlanKind.Training));
        Assert.Equal(0, AtOnce(PlanKind.Recalibration));
        using (var timer = new KernelTimer(test.Device))
        {
            test.Device.Kernels.Timer = timer;
            Assert.Equal(0, AtOnce());
        }
        Assert.Equal(4, AtOnce());
        ConvolutionPlanner.Of(session).Plan = ConvolutionPlan.Cudnn;
        Assert.Equal(0, AtOnce());
        using TestDevice gpu = TestDevice.Open("simt 0");
        using var other = new Session(gpu.Device);
        Assert.Equal(0, ImageSequence.AtOnce(other, PlanKind.Inference, 64, 224));
    }

    [Fact]
    public void Its_memory_is_what_it_says_and_no_more_than_ops_take_one_by_one()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec, Paths[0]);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
        (Tensor images, DeviceArray<int> labels) = Pictures(session, 16);
        using (images)
        using (labels)
        {
            session.Pool.ResetPeak();
            long before = session.Pool.PeakBytesInUse;
            Train(session, network, images, labels, Paths[0]).Dispose();
            long ops = session.Pool.PeakBytesInUse - before;
            using var plan = new NetworkPlan(session, network, PlanKind.Training, 16);
            session.Pool.ResetPeak();
            plan.Run(images, labels, Paths[0]).Dispose();
            // The pool rounds up.
            Assert.InRange(session.Pool.PeakBytesInUse - before, plan.Bytes, plan.Bytes + plan.Bytes / 8);
            Assert.InRange(plan.Bytes, ops / 2, ops);
        }
    }

    [Fact]
    public void A_batch_of_another_size_and_another_path_are_refused()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec, Paths[0]);
        using var plan = new NetworkPlan(session, network, PlanKind.Inference, Batch);
        (Tensor images, DeviceArray<int> labels) = Pictures(session, Batch + 1);
        using (images)
        using (labels)
        {
            Assert.Throws<ArgumentException>(() => plan.Run(images, labels, Paths[0]));
            using Tensor fewer = images.View(images.Shape with { N = Batch });
            using Tensor halves = session.Rent(fewer.Shape, ElementType.BFloat16);
            Assert.Throws<ArgumentException>(() => plan.Run(halves, labels, Paths[0]));
            Assert.Throws<InvalidOperationException>(() => plan.Run(fewer, labels, Paths[1]));
            Assert.Throws<ArgumentException>(() => plan.Run(fewer, labels, Architecture.Parse("0 1")));
            using var label = new DeviceArray<int>(session.Pool, Batch - 1);
            int inUse = session.Pool.InUse;
            Assert.Throws<ArgumentException>(() => plan.Run(fewer, label, Paths[0]));
            Assert.Throws<InvalidOperationException>(() => plan.Run(fewer, labels, Paths[1]));
            Assert.Equal(inUse, session.Pool.InUse);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void It_does_not_run_when_its_network_or_itself_has_ended(bool networkEnds)
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec, Paths[0]);
        using var plan = new NetworkPlan(session, network, PlanKind.Inference, Batch);
        (Tensor images, DeviceArray<int> labels) = Pictures(session, Batch);
        using (images)
        using (labels)
        {
            plan.Run(images, labels, Paths[0]).Dispose();
            if (networkEnds) network.Dispose();
            else plan.Dispose();
            Assert.Throws<ObjectDisposedException>(() => plan.Run(images, labels, Paths[0]));
        }
    }

    [Fact]
    public void The_plans_that_were_asked_for_last_are_kept()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec, Paths[0]);
        _ = network.Attachment(() => new Session(test.Device));
        NetworkPlans plans = NetworkPlans.Of(network);
        Assert.Same(plans, NetworkPlans.Of(network));
        NetworkPlan For(int batch) => plans.For(session, network, PlanKind.Inference, batch);
        NetworkPlan[] first = [.. Enumerable.Range(1, 8).Select(For)];
        Assert.Same(first[0], For(1));
        For(9);
        Assert.Same(first[0], For(1));
        Assert.Same(first[2], For(3));
        Assert.NotSame(first[1], For(2));
        // That one made room for it.
        Assert.NotSame(first[3], For(4));
    }

    [Fact]
    public void A_plan_is_for_one_precision()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec, Paths[0]);
        NetworkPlan For(Precision precision)
        {
            session.Precision = precision;
            return NetworkPlans.Of(network).For(session, network, PlanKind.Inference, Batch);
        }
        Assert.Equal(Precision.Fp32, session.Precision);
        NetworkPlan first = For(Precision.Fp32);
        Assert.NotSame(first, For(Precision.Bf16));
        Assert.Same(first, For(Precision.Fp32));
    }

    [Theory]
    [InlineData("host")]
    [InlineData("simt 0")]
    public void A_path_is_readied_once_for_all_batches(string device)
    {
        using TestDevice test = TestDevice.Open(device);
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec, null);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
        (Tensor images, DeviceArray<int> labels) = Pictures(session, Batch);
        using (images)
        using (labels)
        {
            using var plan = new NetworkPlan(session, network, PlanKind.Inference, Batch);
            using PathGroup ready = PathGroup.Ready(session, network, Paths[0]);
            float[] Losses(Func<Predictions> run)
            {
                using Predictions left = run();
                return left.Losses.Download(session.Stream);
            }
            float[] before = Losses(() => plan.Run(images, labels, Paths[0]));
            Assert.Equal(before, Losses(() => plan.Run(images, labels, ready)));

            // What is ready stays as it is; a path that is not is readied anew.
            Tensor statistics = network.BatchNormsOf(Paths[0]).First().RunningVariance, weight = network.PointwiseWeights.First();
            statistics.Fill(session.Stream, 4);
            float[] folded = Losses(() => plan.Run(images, labels, Paths[0]));
            Assert.NotEqual(before, folded);
            weight.Fill(session.Stream, 0.25f);
            Assert.NotEqual(folded, Losses(() => plan.Run(images, labels, Paths[0])));
            if (device == "host") Assert.Equal(before, Losses(() => plan.Run(images, labels, ready)));
            Assert.Null(test.Device.Report);
        }
    }

    [Fact]
    public void What_is_readied_is_for_the_inference_of_a_path()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var network = new ShuffleNetV2OneShot(session, Spec, null);
        (Tensor images, DeviceArray<int> labels) = Pictures(session, Batch);
        using (images)
        using (labels)
        {
            using var training = new NetworkPlan(session, network, PlanKind.Training, Batch);
            using var inference = new NetworkPlan(session, network, PlanKind.Inference, Batch);
            using PathGroup ready = PathGroup.Ready(session, network, Paths[0]);
            using var two = new PathGroup(session, network, [Paths[0], Paths[1]]);
            using var unready = new PathGroup(session, network, [Paths[0]]);
            Assert.Throws<ArgumentException>(() => training.Run(images, labels, ready));
            Assert.Throws<ArgumentException>(() => inference.Run(images, labels, two));
            int inUse = session.Pool.InUse;
            long moment = session.Pool.Rentings;
            Assert.Throws<InvalidOperationException>(() => inference.Run(images, labels, unready));
            session.Pool.GiveBackSince(moment);
            Assert.Equal(inUse, session.Pool.InUse);
        }
    }

    [Fact]
    public void A_network_that_has_no_kernels_of_a_precision_does_not_compute_in_it()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device) { Precision = Precision.Bf16 };
        void Refused(Action use, string block)
        {
            string message = Assert.Throws<LimitException>(use).Message;
            Assert.StartsWith($"--precision bf16: block {block}, which has no kernels", message, StringComparison.Ordinal);
            Assert.Null(session.Recording);
        }
        ShuffleNetV2OneShot.Require(Precision.Fp32, PlusSpec);
        ShuffleNetV2OneShot.Require(Precision.Bf16, Spec);
        // A path of the paper's blocks alone.
        ShuffleNetV2OneShot.Require(Precision.Bf16, PlusSpec, Paths[0]);
        const string first = "0 of this network is or can be shufflenet_3x3_se";
        Refused(() => ShuffleNetV2OneShot.Require(Precision.Bf16, PlusSpec), first);
        Refused(
            () => ShuffleNetV2OneShot.Require(Precision.Bf16, PlusSpec, Architecture.Parse("0 3 1 7 0 1")),
            "3 of this network is or can be xception_3x3_se");
        NetworkSpec wide = Spec with { LastChannels = FusedConvolution.MostTerms };
        ShuffleNetV2OneShot.Require(Precision.Bf16, wide);
        LimitException tooWide = Assert.Throws<LimitException>(
            () => ShuffleNetV2OneShot.Require(Precision.Bf16, wide with { LastChannels = wide.LastChannels + 1 }));
        Assert.Contains("and the last convolution of this network has 4097.", tooWide.Message, StringComparison.Ordinal);
        using var network = new ShuffleNetV2OneShot(session, PlusSpec);
        (Tensor images, DeviceArray<int> labels) = Pictures(session, Batch);
        using (images)
        using (labels)
        {
            foreach (PlanKind kind in Enum.GetValues<PlanKind>())
            {
                Refused(() => NetworkPlan.BytesOf(session, network, kind, Batch), first);
            }
            foreach (Pass pass in new[] { Pass.Training(session, new Tape()), Pass.Recalibration(session), Pass.Inference(session) })
            {
                Refused(() => network.Forward(pass, images, Paths[0]), first);
            }
        }
    }

    [Fact]
    public void What_is_handed_over_keeps_its_type()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var recording = new Recording(session);
        recording.Record(() =>
        {
            Tensor made = session.Rent(Shape.Vector(6), ElementType.BFloat16), another = made.Retain();
            Tensor handed = recording.HandOver(made, null);
            Assert.Equal(ElementType.BFloat16, handed.ElementType);
            Assert.Equal(ElementType.BFloat16, recording.TakeOver(handed).ElementType);
            Assert.Equal(12, recording.Buffers[recording.NumberOf(another.Address)].Size);
        });
    }

    [Fact]
    public void What_varies_is_a_parameter_of_the_next_launch()
    {
        using TestDevice test = TestDevice.Open("host");
        using var session = new Session(test.Device);
        using var recording = new Recording(session);
        void Launch(string varies) => recording.Record(() =>
        {
            session.Recording!.Vary(varies);
            Tensor x = session.Rent(Shape.Vector(4));
            GradientTable.AddInPlace(session, x, x);
        });
        Assert.Throws<ArgumentException>(() => Launch("nothing"));
        Assert.Throws<InvalidOperationException>(() => Launch("share"));
        Assert.Null(session.Recording);
    }

    // Trains some steps on several paths, recalibrates and measures: all that is left of it.
    private static float[] Work(
        TestDevice test, ConvolutionPlan convolutions, Precision precision, NetworkSpec spec, bool single, Architecture[] paths,
        bool planned)
    {
        using var session = new Session(test.Device) { Precision = precision };
        session.Pool.Poison = true;
        ConvolutionPlanner.Of(session).Plan = convolutions;
        using var network = new ShuffleNetV2OneShot(session, spec, single ? paths[0] : null);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
        (Tensor images, DeviceArray<int> labels) = Pictures(session, Batch);
        var left = new List<float>();
        float[] losses = new float[Batch];
        int[] ranks = new int[Batch];
        Dropout.UseKey(session, 5, 6);
        using (images)
        using (labels)
        {
            foreach (PlanKind kind in new[] { PlanKind.Training, PlanKind.Recalibration, PlanKind.Inference })
            {
                // Gradients of paths are added, as with several paths a step.
                foreach (Architecture path in paths)
                {
                    session.BatchNormMomentum = kind == PlanKind.Recalibration ? 0.5f : 0.1f;
                    if (!planned)
                    {
                        left.AddRange(OpByOp(session, network, kind, images, labels, path));
                        continue;
                    }
                    using Predictions predictions = NetworkPlans.Of(network)
                        .For(session, network, kind, Batch, LossTarget.Labels(0.1f)).Run(images, labels, path);
                    if (kind == PlanKind.Recalibration) continue;
                    predictions.Download(session.Stream, losses, ranks);
                    left.AddRange(losses);
                    left.AddRange(ranks.Select(rank => (float)rank));
                }
            }
        }
        Assert.Null(test.Device.Report);
        foreach (Architecture path in paths)
        {
            left.AddRange(
                network.GroupsOf(path).SelectMany(group => group.Parameters).SelectMany(p => p.Gradient.Download(session.Stream)));
            left.AddRange(network.BatchNormsOf(path).SelectMany(b => b.RunningVariance.Download(session.Stream).Append(b.BatchesTracked)));
        }
        return [.. left];
    }

    // Trains a path by labels, and others by its guesses: losses, ranks and all gradients.
    private static float[] Distil(
        TestDevice test, ConvolutionPlan convolutions, Precision precision, Divergence divergence, bool planned)
    {
        using var session = new Session(test.Device) { Precision = precision };
        session.Pool.Poison = true;
        ConvolutionPlanner.Of(session).Plan = convolutions;
        using var network = new ShuffleNetV2OneShot(session, Spec, null);
        Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Kaiming);
        (Tensor images, DeviceArray<int> labels) = Pictures(session, Batch);
        var left = new List<float>();
        Dropout.UseKey(session, 5, 6);
        using (images)
        using (labels)
        {
            using Tensor teacher = Learn(Paths[0], null);
            foreach (Architecture path in Paths.Skip(1).Append(Paths[0])) Learn(path, teacher).Dispose();
        }
        Assert.Null(test.Device.Report);
        foreach (Architecture path in Paths)
        {
            left.AddRange(
                network.GroupsOf(path).SelectMany(group => group.Parameters).SelectMany(p => p.Gradient.Download(session.Stream)));
        }
        return [.. left];

        Tensor Learn(Architecture path, Tensor? by)
        {
            if (!planned) return Train(session, network, images, labels, path, left, by, divergence);
            LossTarget target = by == null ? LossTarget.Labels(0.1f, leavesLogits: true) : LossTarget.Teacher(divergence);
            Predictions predictions = NetworkPlans.Of(network)
                .For(session, network, PlanKind.Training, Batch, target).Run(images, labels, path, teacher: by);
            left.AddRange(predictions.Losses.Download(session.Stream));
            (predictions with { Logits = null }).Dispose();
            return predictions.Logits ?? session.Rent(Shape.Vector(1));
        }
    }

    private static List<float> OpByOp(
        Session session, ShuffleNetV2OneShot network, PlanKind kind, Tensor images, DeviceArray<int> labels, Architecture path)
    {
        var left = new List<float>();
        if (kind == PlanKind.Recalibration)
        {
            network.Forward(Pass.Recalibration(session), images, path).Dispose();
            return left;
        }
        using Tensor logits = kind == PlanKind.Training
            ? Train(session, network, images, labels, path, left)
            : network.Forward(Pass.Inference(session), images, path);
        if (kind == PlanKind.Inference)
        {
            (Tensor losses, _) = SoftmaxCrossEntropy.Forward(session, logits, labels, 0, 0);
            using (losses) left.AddRange(losses.Download(session.Stream));
        }
        using DeviceArray<int> ranks = TopK.Ranks(session, logits, labels);
        int[] values = new int[images.Shape.N];
        ranks.Download(session.Stream, values);
        left.AddRange(values.Select(value => (float)value));
        return left;
    }

    private static Tensor Train(
        Session session, ShuffleNetV2OneShot network, Tensor images, DeviceArray<int> labels, Architecture path, List<float>? left = null,
        Tensor? teacher = null, Divergence divergence = default)
    {
        var tape = new Tape();
        Tensor logits = network.Forward(Pass.Training(session, tape, drops: teacher == null), images, path);
        float scale = 1f / images.Shape.N;
        (Tensor losses, Tensor? gradient) = teacher is { } by
            ? SoftmaxDivergence.Forward(session, logits, by, divergence, scale)
            : SoftmaxCrossEntropy.Forward(session, logits, labels, 0.1f, scale);
        using (losses)
        {
            tape.Backward(session, logits, gradient!.Value);
            left?.AddRange(losses.Download(session.Stream));
        }
        return logits;
    }

    private static (Tensor Images, DeviceArray<int> Labels) Pictures(Session session, int count)
    {
        Tensor images = session.Rent(new Shape(count, Spec.ImageSize, Spec.ImageSize, 3));
        var random = new CounterRandom(1, RandomPurpose.Drawing, 0);
        images.Upload(session.Stream, [.. Enumerable.Range(0, (int)images.Shape.Count).Select(_ => random.NextNormal())]);
        var labels = new DeviceArray<int>(session.Pool, count);
        labels.Upload(session.Stream, [.. Enumerable.Range(0, count).Select(i => i % Spec.Classes)]);
        session.Stream.Synchronize();
        return (images, labels);
    }
}
