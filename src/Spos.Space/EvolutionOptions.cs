namespace Spos.Space;

/// <summary>How new candidates are found.</summary>
public enum SearchStrategy
{
    /// <summary>Mutations and crossovers of the best so far, and random paths.</summary>
    Evolution,

    /// <summary>Random paths alone: what evolution is to be compared with.</summary>
    Random,

    /// <summary>Mutations and crossovers of a population that is spread over the front of accuracy and costs (NSGA-II).</summary>
    Nsga2,
}

/// <summary>What predicts scores.</summary>
public enum PredictorKind
{
    /// <summary>Ridge regression on what is chosen in each block and on costs (<see cref="RidgePredictor"/>).</summary>
    Ridge,
}

/// <summary>The settings of the search; the defaults are the paper's and NNI's.</summary>
public sealed record EvolutionOptions
{
    /// <summary>The most mutations, or crossovers, that are made for a predictor to choose from: NSGA-II compares each with each.</summary>
    public const int MostPooled = 10_000;

    public SearchStrategy Strategy { get; init; } = SearchStrategy.Evolution;

    /// <summary>Generations.</summary>
    public int MaxEpochs { get; init; } = 20;

    /// <summary>Parents: the best of all generations.</summary>
    public int NumSelect { get; init; } = 10;

    public int NumPopulation { get; init; } = 50;

    /// <summary>Probability that mutation redraws a block's choice.</summary>
    public float MutationProbability { get; init; } = 0.1f;

    public int NumCrossover { get; init; } = 25;

    public int NumMutation { get; init; } = 25;

    /// <summary>Most candidates in all.</summary>
    public int MaxTrials { get; init; } = int.MaxValue;

    /// <summary>What chooses among mutations and crossovers which are scored; null to score them as they are made.</summary>
    public PredictorKind? Predictor { get; init; }

    /// <summary>How many mutations and crossovers are made for each that is scored, where there is a predictor.</summary>
    public int PredictorPool { get; init; } = 10;

    public ulong Seed { get; init; }

    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public void Validate()
    {
        if (MaxEpochs < 1) throw new ArgumentException($"{MaxEpochs} search epochs: at least 1 is needed.");
        if (MaxTrials < 1) throw new ArgumentException($"{MaxTrials} candidates: at least 1 is needed.");
        if (NumPopulation < 2) throw new ArgumentException($"population {NumPopulation}: at least 2 are needed.");
        if (NumSelect < 2 || NumSelect > NumPopulation)
        {
            throw new ArgumentException(
                $"--num-select {NumSelect} with --num-population {NumPopulation}: give --num-select 2 to {NumPopulation}.");
        }
        if (MutationProbability is not (> 0 and <= 1))
        {
            throw new ArgumentException($"mutation probability {MutationProbability} is not in (0, 1].");
        }
        if (Predictor != null && Strategy == SearchStrategy.Random)
        {
            throw new ArgumentException(
                "--predictor with --strategy random: a predictor chooses among mutations and crossovers, and a random search has none.");
        }
        if (PredictorPool < 1) throw new ArgumentException($"a pool of {PredictorPool} for each candidate: at least 1 is needed.");
        if (Predictor != null && (long)PredictorPool * Math.Max(NumCrossover, NumMutation) > MostPooled)
        {
            throw new ArgumentException(
                $"--predictor-pool {PredictorPool} for each of {Math.Max(NumCrossover, NumMutation)} candidates: at most {MostPooled} in "
                + "all are possible.");
        }
        if (NumCrossover < 0 || NumMutation < 0)
        {
            throw new ArgumentException($"{NumCrossover} crossovers and {NumMutation} mutations: there cannot be fewer than none.");
        }
        if (NumCrossover + NumMutation > NumPopulation)
        {
            throw new ArgumentException(
                $"--num-crossover {NumCrossover} and --num-mutation {NumMutation} make more than --num-population {NumPopulation}: give "
                + $"fewer of them, such as {NumPopulation / 2} of each.");
        }
    }
}
