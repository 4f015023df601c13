using Spos.Engine.Autograd;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Supernet;

/// <summary>
/// How far training has turned the weights of a path: the angle between the vector of all its weights before and after (arXiv 2004.13431,
/// section 3.2). The vectors go from the stem to the classifier; batch norms have no part in them. The length of the vectors does not
/// matter, and so paths of different numbers of weights can be compared.
/// </summary>
public sealed class PathAngles
{
    private readonly Products _common;

    // By block and alternative.
    private readonly Products[][] _blocks;

    private PathAngles(Products common, Products[][] blocks) => (_common, _blocks) = (common, blocks);

    /// <summary>Of all paths of a supernet.</summary>
    /// <param name="before">With the weights that its training began from.</param>
    /// <exception cref="ArgumentException">The networks have other parameters.</exception>
    public static PathAngles Of(Session session, ShuffleNetV2OneShot before, ShuffleNetV2OneShot after)
    {
        int blocks = after.Spec.Blocks, choices = after.Spec.BlockSet.Designs.Length;
        var products = new Products[blocks][];
        for (int block = 0; block < blocks; block++) products[block] = new Products[choices];
        Products common = default;
        for (int choice = 0; choice < choices; choice++)
        {
            Architecture path = after.Spec.Space.PathOf(Enumerable.Repeat(choice, blocks));
            // Alternatives of fewer channels have parts of the weights of others.
            before.TakeWeights(session, path);
            after.TakeWeights(session, path);
            for (int block = 0; block < blocks; block++)
            {
                Operation old = before.OperationAt(block, choice), now = after.OperationAt(block, choice);
                products[block][choice] = Of(session, old.Parameters.Parameters, now.Parameters.Parameters);
            }
            if (choice > 0) continue;
            common = Of(session, before.FirstGroup.Parameters, after.FirstGroup.Parameters);
            foreach ((ParameterGroup old, ParameterGroup now) in before.TailGroups.Zip(after.TailGroups))
            {
                common += Of(session, old.Parameters, now.Parameters);
            }
        }
        return new PathAngles(common, products);
    }

    /// <summary>The angle of a path, from 0 to π; NaN if weights are not finite.</summary>
    public double Of(Architecture path)
    {
        Products sum = path.Blocks.Select((choice, block) => _blocks[block][choice]).Aggregate(_common, (all, one) => all + one);
        double lengths = Math.Sqrt(sum.Before) * Math.Sqrt(sum.After);
        // A vector of zeros has no direction.
        return lengths == 0 ? Math.PI / 2 : Math.Acos(Math.Clamp(sum.Across / lengths, -1, 1));
    }

    private static Products Of(Session session, IReadOnlyList<Parameter> before, IReadOnlyList<Parameter> after)
    {
        Products sum = default;
        if (before.Count != after.Count) throw new ArgumentException("the networks have other parameters.");
        foreach ((Parameter old, Parameter now) in before.Zip(after))
        {
            if (old.Shape != now.Shape) throw new ArgumentException($"{now.Name} is {now.Shape}, and was {old.Shape} before.");
            // Of batch norms.
            if (!now.Decays) continue;
            float[] olds = old.Value.Download(session.Stream), nows = now.Value.Download(session.Stream);
            for (int i = 0; i < olds.Length; i++)
            {
                sum += new Products((double)olds[i] * nows[i], (double)olds[i] * olds[i], (double)nows[i] * nows[i]);
            }
        }
        return sum;
    }

    // Of vectors before and after: the product of both, and of each with itself.
    private readonly record struct Products(double Across, double Before, double After)
    {
        public static Products operator +(Products one, Products other) =>
            new(one.Across + other.Across, one.Before + other.Before, one.After + other.After);
    }
}
