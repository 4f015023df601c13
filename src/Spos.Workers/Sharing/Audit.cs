using System.Security.Cryptography;
using Spos.Space;

namespace Spos.Workers.Sharing;

/// <summary>
/// Which scores are made a second time, what that comes to, and which scores nobody has checked. For one thread at a time.
/// </summary>
/// <param name="every">One of so many scores of workers is checked; 0 for none.</param>
internal sealed class Audit(int every)
{
    // Scores of workers that nobody has checked.
    private readonly Dictionary<(ulong Seed, string Path), Member> _unconfirmed = [];

    // Those of them that are wrong, and that the run has not been told of.
    private HashSet<(ulong Seed, string Path)> _withdrawn = [];

    /// <summary>A path has its first score, or its trained network.</summary>
    public void Accept(Generation now, int path, Answer answer, Member member)
    {
        now.Works[path].First = (answer, member);
        now.News.Enqueue((path, answer));
        now.Open--;
        if (now.Trainings != null) return;
        if (member.IsOwn)
        {
            _unconfirmed.Remove(ScoreOf(now, path));
            return;
        }
        _unconfirmed[ScoreOf(now, path)] = member;
        // Nobody can tell which score will be checked.
        if (every == 0 || RandomNumberGenerator.GetInt32(every) != 0) return;
        now.Unchecked.Add(path);
        now.Open++;
    }

    /// <summary>A path has another score. Where two workers differ, the coordinator is to decide.</summary>
    /// <returns>Who has given a wrong one, and what it was.</returns>
    public IReadOnlyList<(Member By, Answer Said)> Compare(Generation now, int path, Answer answer, Member member)
    {
        Generation.PathProgress work = now.Works[path];
        (Answer first, Member by) = work.First!.Value;
        bool isSame = first.IsSame(answer);
        if (!isSame && !member.IsOwn)
        {
            work.Second = (answer, member);
            now.Disputed.Add(path);
            return [];
        }
        now.Open--;
        var wrong = new List<(Member, Answer)>();
        if (isSame) _unconfirmed.Remove(ScoreOf(now, path));
        else wrong.Add((by, first));
        if (work.Second is { } second && !second.Answer.IsSame(answer)) wrong.Add((second.By, second.Answer));
        return wrong;
    }

    /// <summary>Withdraws the scores of a worker that nobody has checked.</summary>
    /// <returns>How many they are.</returns>
    public int Withdraw(string worker)
    {
        (ulong, string)[] wrong = [.. _unconfirmed.Where(one => one.Value.Name == worker).Select(one => one.Key)];
        foreach ((ulong, string) one in wrong) _unconfirmed.Remove(one);
        _withdrawn.UnionWith(wrong);
        return wrong.Length;
    }

    /// <summary>The scores that were withdrawn, by the seed and the path; each is told once.</summary>
    public HashSet<(ulong Seed, string Path)> TakeWithdrawn()
    {
        (HashSet<(ulong, string)> withdrawn, _withdrawn) = (_withdrawn, []);
        return withdrawn;
    }

    private static (ulong, string) ScoreOf(Generation now, int path) => (now.Seed, now.Paths[path].ToString());
}
