using Spos.Runs.Phases;
using static Spos.Runs.Tests.TinyRuns;

namespace Spos.Runs.Tests;

/// <summary>What a worker makes of a training's folder that is damaged or something else: the same network, or a clear line.</summary>
public sealed partial class FrontTests
{
    private const string End = "checkpoint-00000006.spos", Earlier = "checkpoint-00000003.spos";

    [Fact]
    public void A_worker_comes_to_the_same_network_whatever_its_folder_holds()
    {
        FrontSpec SpecOf(string folder) => Spec(folder) with { NumNetworks = 2, EmaDecay = 0.9f };
        FrontResult alone = Run(FrontTraining.Run, SpecOf("alone"))!;
        byte[] right = File.ReadAllBytes(At(FirstEnd));
        TrainingRecipe? recipe = null;
        using var pool = new Pool(trainings =>
        {
            PooledTraining first = trainings.All[0];
            int tried = 0;
            // Trains in a new worker's folder, which has the training's folder as it is made here.
            void Try(Action<string> make, string? warning, string left, bool isElsewhere = false)
            {
                using var observer = new RecordingObserver();
                string folder = At($"worker-{tried++}"), own = Path.Combine(folder, first.Key);
                Directory.CreateDirectory(folder);
                make(own);
                using PoolWork work = PoolWork.Open(WorkerIn(folder, SpecOf("worker")), Context(observer))!;
                Assert.All(work.Begun, key => Assert.Equal(first.Key, key));
                string checkpoint = work.Train(recipe!, first.Path, first.Seed, first.Key, CancellationToken.None)!;
                Assert.Equal(Path.Combine(isElsewhere ? $"{own}.1" : own, End), checkpoint);
                Assert.Equal(right, File.ReadAllBytes(checkpoint));
                if (warning != null) Assert.Contains(observer.Said, line => line.Contains(warning, StringComparison.Ordinal));
                else Assert.DoesNotContain(observer.Said, line => line.Contains(" It is ", StringComparison.Ordinal));
                // What is not the worker's is as it was.
                work.RemoveTrained();
                string[] names = [.. Directory.GetFileSystemEntries(folder).Select(path => Path.GetFileName(path)!)];
                Assert.Equal(left.Length == 0 ? [] : [left == "key" ? first.Key : left], names);
            }

            void Folder(string own, params (string Name, byte[] Content)[] files)
            {
                Directory.CreateDirectory(own);
                foreach ((string name, byte[] content) in files) File.WriteAllBytes(Path.Combine(own, name), content);
            }

            byte[] Of(string file) => File.ReadAllBytes(At(file));
            byte[] record = Of("alone/front_000/run.json"), earlier = Of($"alone/front_000/{Earlier}");
            // What a worker leaves that is killed.
            Try(own => Folder(own), null, "");
            Try(own => Folder(own, (".lock", [])), null, "");
            Try(own => Folder(own, ("run.json", record), ("metrics.jsonl", "{\"step\":1,\"lo"u8.ToArray())), null, "");
            Try(own => Folder(own, ("run.json", record), (Earlier, earlier), ($".{End}.1-1.tmp", right[..100])), null, "");
            Try(own => Folder(own, ("run.json", record), (End, right)), null, "");
            // Damage of a disk.
            Try(own => Folder(own, ("run.json", record), (Earlier, earlier), (End, right[..^1])), "It is set aside", "");
            Try(own => Folder(own, ("run.json", record), (End, right[..100])), "It is removed, and the training begun anew.", "");
            Try(own => Folder(own, ("run.json", record), (End, [])), "It is removed, and the training begun anew.", "");
            Try(own => Folder(own, ("run.json", "{"u8.ToArray()), (End, right)), "run.json cannot be read", "key", isElsewhere: true);
            // Something else.
            Try(own => File.WriteAllText(own, "mine"), "is a file. A folder is needed. It is left", "key", isElsewhere: true);
            Try(
                own => Folder(own, ("run.json", Of("search/run.json")), ("search.json", Of("search/search.json"))),
                "holds a search run", "key", isElsewhere: true);
            const string unknown = "no run.json tells which run wrote it";
            Try(own => Folder(own, ("metrics.jsonl", "mine"u8.ToArray())), unknown, "key", isElsewhere: true);
            Try(own => Directory.CreateDirectory(Path.Combine(own, End)), unknown, "key", isElsewhere: true);
            Try(
                own =>
                {
                    Folder(own, ("run.json", record));
                    Directory.CreateDirectory(Path.Combine(own, "metrics.jsonl"));
                },
                "is not a regular file", "key", isElsewhere: true);
            Try(
                own => Folder(own, ("run.json", record), (End, Of(SecondEnd))), "is of another training than its folder is for", "key",
                isElsewhere: true);
            Try(
                own => Folder(own, ("run.json", record), ("checkpoint-00000002.spos", Of("supernet/" + End))),
                "is of another training than its folder is for", "key", isElsewhere: true);
            // Others in the worker's folder are nobody's business.
            Try(own => File.WriteAllText(Path.Combine(Path.GetDirectoryName(own)!, "notes.txt"), "mine"), null, "notes.txt");
            throw new OperationCanceledException();
        });
        Assert.Throws<OperationCanceledException>(() => Run(FrontTraining.Run, SpecOf("shared") with
        {
            Pool = told =>
            {
                recipe = told.Recipe;
                return pool;
            },
        }));
        Assert.Equal(2, alone.Networks.Count);
    }

    private WorkerSpec WorkerIn(string folder, FrontSpec spec) => new()
    {
        Data = Data,
        Scoring = new ScoringSpec { Checkpoint = At("supernet"), TrainIters = 1, TrainBatchSize = 6, OnVal = true },
        Computing = (spec.Setup.Plan, spec.Setup.Precision),
        Options = [],
        Folder = folder,
        Trainer = _ => new TrainerSpec(spec.Setup, spec.EmaDecay, null),
    };
}
