using System.Text.Json.Nodes;
using Spos.Engine.Training;
using Spos.Runs.Phases;
using Spos.Space;
using static Spos.Runs.Tests.TinyRuns;

namespace Spos.Runs.Tests;

/// <summary>What a ranking makes of workers whose scores turn out to be wrong.</summary>
[Collection("searches")]
public sealed class PooledRankTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-rank-").FullName;

    [Fact]
    public void Scores_that_turn_out_to_be_wrong_while_it_trains_are_made_again()
    {
        Run(SupernetTraining.Run, new SupernetSpec
        {
            Setup = Training("supernet"),
            Sizes = Tiny,
            PathsPerStep = 2,
            HeldOut = 0,
            RandomPaths = 1,
        });
        RankResult alone = Run(Ranking.Run, Spec("alone"))!;
        using var pool = new Pool(At("shared/rank.json"));
        RankResult shared = Run(Ranking.Run, Spec("shared") with { Pool = _ => pool })!;
        Assert.True(pool.IsDone);
        // While they are made again, none is written, and what was trained is.
        Assert.Equal([0, 2, 2], pool.Written.Select(one => one["Scores"]!.AsArray().Count));
        Assert.NotNull(pool.Written[0]["Standalone"]);
        Assert.Equal(alone.Scores, shared.Scores);
        foreach (string file in new[] { "rank.json", "result.json" })
        {
            Assert.Equal(File.ReadAllText(At($"alone/{file}")), File.ReadAllText(At($"shared/{file}")));
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(string name) => Path.Combine(_folder, name);

    private TrainingSetup Training(string folder) =>
        new(
            new RunSetup { Data = Data, Folder = At(folder), Options = [] },
            new TrainingOptions { Epochs = 2, BatchSize = 6, LearningRate = 0.05f });

    private RankSpec Spec(string folder) => new()
    {
        Setup = Training(folder),
        Scoring = new ScoringSpec { Checkpoint = At("supernet"), TrainIters = 1, TrainBatchSize = 6, OnVal = true, AnyFlops = true },
        NumArchitectures = 3,
        Recalibrations = 2,
        TrainingOptions = [],
    };

    // Its first score of all is wrong, which is found out once a network is trained.
    private sealed class Pool(string state) : IWorkPool
    {
        private (ulong Seed, string Path)? _wrong;
        private bool _isFoundOut;

        public string State => state;

        public bool IsDone { get; private set; }

        /// <summary>The architectures as they were saved when scores were made again.</summary>
        public List<JsonNode> Written { get; } = [];

        public IGenerationScorer Scorer(ulong seed, IReadOnlyList<IPathScorer> own) => new Liar(this, seed, own[0]);

        public void Train(IPooledTrainings trainings, CancellationToken cancel)
        {
            foreach (int number in Enumerable.Range(0, trainings.All.Count))
            {
                Assert.True(trainings.Train(number, cancel));
                Assert.Null(trainings.Finish(number, null));
                if (_isFoundOut) continue;
                _isFoundOut = true;
                throw new ScoresWithdrawnException(new HashSet<(ulong, string)> { _wrong!.Value });
            }
        }

        public void MarkDone() => IsDone = true;

        public void Dispose()
        {
        }

        private sealed class Liar(Pool pool, ulong seed, IPathScorer own) : IGenerationScorer
        {
            public void Score(IReadOnlyList<Architecture> paths, Action<int, double> done, CancellationToken cancel)
            {
                if (pool._isFoundOut)
                {
                    pool.Written.AddRange(JsonNode.Parse(File.ReadAllText(pool.State))!["Architectures"]!.AsArray().Select(one => one!));
                    Assert.Equal(pool._wrong, (seed, $"{Assert.Single(paths)}"));
                }
                foreach ((int i, Architecture path) in paths.Index())
                {
                    double score = own.Score([path])[0];
                    bool lies = pool._wrong == null;
                    pool._wrong ??= (seed, $"{path}");
                    done(i, lies ? score > 0.5 ? 0 : 1 : score);
                }
            }
        }
    }
}
