using Spos.Engine.Ops;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Ops;

public sealed class LeadingPartTests
{
    // Of a pointwise weight both sides, of a depthwise one the channels, of a batch norm's.
    public static TheoryData<int, int, int, int, int> Cases() => new()
    {
        { 1, 7, 13, 9, 19 }, { 1, 1, 1, 5, 3 }, { 1, 40, 65, 40, 130 }, { 3, 1, 6, 1, 11 }, { 7, 1, 33, 1, 33 }, { 5, 1, 1, 1, 2 },
    };

    [Theory]
    [CasesOnEachDevice(nameof(Cases))]
    public void A_part_is_taken_and_added(string device, int kernel, int inputs, int outputs, int allInputs, int allOutputs)
    {
        using var fixture = new OpFixture(device);
        Shape few = new(kernel, kernel, inputs, outputs), all = new(kernel, kernel, allInputs, allOutputs);
        float[] values = fixture.Values(all.Count), others = fixture.Values(few.Count);
        Tensor whole = fixture.Tensor(all, values), part = fixture.Tensor(few, others);
        LeadingPart.Add(fixture.Session, part, whole);
        float[] sums = [.. values];
        for (int row = 0; row < few.Rows; row++)
        {
            for (int c = 0; c < outputs; c++) sums[(row * allOutputs) + c] += others[(row * outputs) + c];
        }
        Assert.Equal(sums, fixture.Download(whole));
        LeadingPart.Take(fixture.Session, part, whole);
        Assert.Equal(
            Enumerable.Range(0, few.Rows).SelectMany(row => sums.Skip(row * allOutputs).Take(outputs)), fixture.Download(part));
    }

    [Theory]
    [InlineData(1, 3, 4, 1, 2, 4)]
    [InlineData(1, 3, 4, 1, 3, 3)]
    [InlineData(3, 2, 4, 3, 3, 4)]
    [InlineData(3, 1, 4, 5, 1, 4)]
    public void What_is_no_part_is_refused(int kernel, int inputs, int outputs, int otherKernel, int allInputs, int allOutputs)
    {
        using var fixture = new OpFixture("host");
        Shape few = new(kernel, kernel, inputs, outputs), all = new(otherKernel, otherKernel, allInputs, allOutputs);
        Tensor part = fixture.Tensor(few, fixture.Values(few.Count)), whole = fixture.Tensor(all, fixture.Values(all.Count));
        Assert.Throws<ArgumentException>(() => LeadingPart.Take(fixture.Session, part, whole));
        Assert.Throws<ArgumentException>(() => LeadingPart.Add(fixture.Session, part, whole));
    }
}
