namespace Spos.Field.Cases;

/// <summary>The programs under samples/, which show how the library is used, do what they say.</summary>
internal static class SampleCases
{
    [Case("the sample trains a network that predicts nearly all of its pictures")]
    public static void A_network_is_trained(Scene scene)
    {
        Outcome outcome = Scene.SampleRun("train-a-network").Ended(0).SaidNothing();
        string share = outcome.Output.Split("predicts ")[^1].Split('%')[0];
        // Three classes; bits differ between instruction sets.
        bool isNumber = double.TryParse(share, out double percent);
        if (!isNumber || percent < 90) throw new CaseFailedException($"The sample predicts {share}%.\n{outcome.Output}");
        outcome.Printed("epoch 6", "of 96 pictures");
    }
}
