using System.IO.Hashing;
using System.Text.Json;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Tests.Devices;
using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace Spos.Check;

/// <summary>
/// The cases of one class of xunit tests that run on a device, in this process. Run several times, each must bring the same bits back from
/// the device.
/// </summary>
internal sealed class ClassRun(Options options) : LongLivedMarshalByRefObject, IMessageSink
{
    private readonly List<ITestCase> _cases = [];
    private TaskCompletionSource _done = new();
    private readonly XxHash128 _hash = new();
    private readonly Dictionary<string, string> _bits = [];
    private readonly HashSet<string> _passed = [], _failed = [];

    public int Run()
    {
        // xunit finds the assembly's tests by its name, and keeps one framework for discovery and execution.
        var assembly = typeof(OnEachDeviceAttribute).Assembly;
        int times = options.Number("times", 1);
        Device device = Device.Open(options.Device.Split(' ')[0]);
        device.Downloaded = bytes =>
        {
            lock (_hash) _hash.Append(bytes);
        };
        using var framework = new XunitTestFramework(this);
        using ITestFrameworkDiscoverer discoverer = framework.GetDiscoverer(Reflector.Wrap(assembly));
        discoverer.Find(options.Name, includeSourceInformation: false, this, new FrameworkOptions());
        _done.Task.Wait();
        ITestCase[] cases = [.. _cases.Where(OnDevice)];
        foreach (ITestCase test in _cases.Where(c => OfGpu(c) && c.SkipReason != null)) LeaveOut(test.DisplayName, test.SkipReason);
        // Its cases are not even there.
        if (!TestDevice.HasCudnn(options.Device)
            && assembly.GetType(options.Name)!.GetMethods().Any(m => m.IsDefined(typeof(OnHostAndSimtWithCudnnAttribute), false)))
        {
            LeaveOut(options.Name, "cuDNN cannot be loaded.");
        }
        for (int i = 0; i < times && cases.Length > 0; i++)
        {
            // Once with launches one by one, which names the kernel that fails; their order must not change the bits.
            device.IsSynchronous = times > 1 && i == 0;
            _done = new TaskCompletionSource();
            using ITestFrameworkExecutor executor = framework.GetExecutor(assembly.GetName());
            executor.RunTests(cases, this, new FrameworkOptions());
            _done.Task.Wait();
        }
        _passed.ExceptWith(_failed);
        var result = new ClassResult(_passed.Count, _failed.Count, times, [.. device.Kernels.Loaded]);
        Console.WriteLine($"{ClassResult.Mark}{JsonSerializer.Serialize(result)}");
        return _failed.Count == 0 ? 0 : 1;
    }

    public bool OnMessage(IMessageSinkMessage message)
    {
        switch (message)
        {
            case ITestCaseDiscoveryMessage found:
                _cases.Add(found.TestCase);
                break;
            case ITestStarting:
                lock (_hash) _hash.Reset();
                break;
            case ITestPassed passed:
                Compare(passed);
                break;
            case ITestFailed failed:
                Fail(failed.Test.DisplayName, $"{string.Join(' ', failed.Messages)}\n{failed.StackTraces.FirstOrDefault()}");
                break;
            case IErrorMessage error:
                Fail(options.Name, string.Join(' ', error.Messages));
                break;
            case IDiscoveryCompleteMessage or ITestAssemblyFinished:
                _done.TrySetResult();
                break;
        }
        return true;
    }

    private void Compare(ITestPassed passed)
    {
        string name = passed.Test.DisplayName, bits;
        lock (_hash) bits = Convert.ToHexString(_hash.GetCurrentHash());
        if (_bits.TryAdd(name, bits) || _bits[name] == bits) _passed.Add(name);
        else Fail(name, "another run of it gave other bits.");
    }

    private void Fail(string name, string message)
    {
        _failed.Add(name);
        Console.WriteLine($"    {name}: {message}");
    }

    private static void LeaveOut(string name, string why) => Console.WriteLine($"    {name} is left out: {why}");

    private bool OnDevice(ITestCase test) =>
        test.TestMethodArguments is [string device, ..] ? device == options.Device : OfGpu(test) && test.SkipReason == null;

    // One that needs an NVIDIA GPU and names no device.
    private bool OfGpu(ITestCase test) =>
        options.Device == "cuda" && test.TestMethod.Method.GetCustomAttributes(typeof(GpuFactAttribute)).Any();

    /// <summary>One case after the other, and each message at once.</summary>
    private sealed class FrameworkOptions : ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
    {
        private readonly Dictionary<string, object?> _values = new()
        {
            ["xunit.execution.DisableParallelization"] = true,
            ["xunit.execution.SynchronousMessageReporting"] = true,
        };

        public TValue? GetValue<TValue>(string name) => _values.TryGetValue(name, out object? value) ? (TValue?)value : default;

        public void SetValue<TValue>(string name, TValue value) => _values[name] = value;
    }
}
