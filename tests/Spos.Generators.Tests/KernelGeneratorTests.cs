using Microsoft.CodeAnalysis;

namespace Spos.Generators.Tests;

public sealed class KernelGeneratorTests
{
    private const string Product = """
        // A product. SPOS_KERNEL of a comment is none.
        #include "device/gemm.h"

        SPOS_WORK(shape(rows, in, out), flops(2 * rows * in * out))
        SPOS_KERNEL product(SPOS_OUT(rows, out) float* y, SPOS_IN(rows, in) const float* __restrict__ x,
                            SPOS_IN(in, out, or_null) const float* w, int rows, int in, int out, SPOS_FLAG int odd,
                            int64_t per, float c) {
            run(y, x, w);
        }
        SPOS_EXPORT(product)

        """;

    private const string Family = """
        #define FAMILY(K, S)                                                     \
            SPOS_KERNEL filter_forward_k##K##_s##S(SPOS_OUT(K, n) float* y, int n) { \
                run<K, S>(y, n);                                                 \
            }                                                                    \
            SPOS_EXPORT(filter_forward_k##K##_s##S)

        FAMILY(3, 1)
        FAMILY(5, 2)

        """;

    private const string Typed = """
        #define TYPED(K, T)                                                                      \
            SPOS_WORK(shape(n))                                                                  \
            SPOS_KERNEL filter_typed_k##K##_##T(SPOS_IN(n, or_null) const T* a, SPOS_IN_OUT(K, n) T* y, \
                                                SPOS_IN(n) const float* w, SPOS_IN() const T* x, int n) { \
                run<K>(y, a, w, x, n);                                                           \
            }                                                                                    \
            SPOS_EXPORT(filter_typed_k##K##_##T)

        TYPED(3, f32)
        TYPED(3, bf16)
        TYPED(5, bf16)

        """;

    [Fact]
    public void A_kernel_has_a_launcher_with_its_own_parameters()
    {
        string text = GeneratorRun.On("product.cu", Product).Text("LaunchGrid.product.g.cs");
        Assert.Contains(
            """
                public unsafe void Product(
                    DeviceSpan<float> y,
                    ReadOnlyDeviceSpan<float> x,
                    ReadOnlyDeviceSpan<float>? w,
                    int rows,
                    int @in,
                    int @out,
                    bool odd,
                    long per,
                    float c)
                {
                    KernelExtent.Require("product", "y", y.Length, (long)rows * (long)@out);
                    KernelExtent.Require("product", "x", x.Length, (long)rows * (long)@in);
                    KernelExtent.Require("product", "w", w?.Length, (long)@in * (long)@out);
                    var device_ = Stream.Device;
                    KernelExtent.RequireOn(device_, "product", "y", y.Device);
                    KernelExtent.RequireOn(device_, "product", "x", x.Device);
                    KernelExtent.RequireOn(device_, "product", "w", w?.Device ?? device_);
                    ulong argument_0 = y.Address;
                    ulong argument_1 = x.Address;
                    ulong argument_2 = w?.Address ?? 0;
                    int argument_6 = odd ? 1 : 0;
                    void** arguments_ = stackalloc void*[]
                    {
                        &argument_0,
                        &argument_1,
                        &argument_2,
                        &rows,
                        &@in,
                        &@out,
                        &argument_6,
                        &per,
                        &c,
                    };
                    Issue(KernelIndex.Product, arguments_);
                }
            """,
            text, StringComparison.Ordinal);
        Assert.Contains("""/// <param name="w">Is read: in * out values, may be null.</param>""", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_work_is_counted_from_its_arguments() => Assert.Contains(
        """
                long rows = *(int*)arguments[3];
                long @in = *(int*)arguments[4];
                long @out = *(int*)arguments[5];
                long bytes_ = 0;
                bytes_ += 4 * (rows * @out);
                bytes_ += 4 * (rows * @in);
                if (*(ulong*)arguments[2] != 0) bytes_ += 4 * (@in * @out);
                return new KernelWork(KernelWork.ShapeOf(rows, @in, @out), bytes_, 2 * rows * @in * @out);
        """,
        GeneratorRun.On("product.cu", Product).Text("KernelCatalogue.product.g.cs"), StringComparison.Ordinal);

    [Fact]
    public void The_catalogue_lists_all_kernels_file_by_file()
    {
        GeneratorRun run = GeneratorRun.On("product.cu", Product);
        run.Put("filter.cu", Family);
        string text = run.Text("KernelCatalogue.g.cs");
        Assert.Contains(
            """
                    new("filter", "filter_forward_k3_s1", [new("y", KernelParameterKind.Pointer), new("n", KernelParameterKind.Int32)]),
                    new("filter", "filter_forward_k5_s2", [new("y", KernelParameterKind.Pointer), new("n", KernelParameterKind.Int32)]),
                    new("product", "product", [new("y", KernelParameterKind.Pointer), 
            """,
            text, StringComparison.Ordinal);
        Assert.Contains("            (3, 1) => 0,\n            (5, 2) => 1,\n", text, StringComparison.Ordinal);
        Assert.Contains("public const int Product = 2;", text, StringComparison.Ordinal);
        Assert.Contains("1 => WorkOfFilterForward(gridX, gridY, arguments, 5, 2),", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_macro_makes_is_one_launcher_that_takes_its_parameters()
    {
        GeneratorRun run = GeneratorRun.On("filter.cu", Family);
        string text = run.Text("LaunchGrid.filter.g.cs");
        Assert.Contains(
            "void FilterForward(\n        int k,\n        int s,\n        DeviceSpan<float> y,\n        int n)", text,
            StringComparison.Ordinal);
        Assert.Contains("y.Length, (long)k * (long)n);", text, StringComparison.Ordinal);
        Assert.Contains("Issue(KernelIndex.FilterForward(k, s), arguments_);", text, StringComparison.Ordinal);
        // It says nothing of its work.
        Assert.Contains("return KernelWork.OfGrid(gridX, gridY);", run.Text("KernelCatalogue.filter.g.cs"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_launcher_takes_the_type_of_elements_from_what_may_not_be_null()
    {
        string text = GeneratorRun.On("typed.cu", Typed).Text("LaunchGrid.typed.g.cs");
        Assert.Contains(
            """
                public unsafe void FilterTyped(
                    int k,
                    ElementSpan? a,
                    ElementSpan y,
                    ReadOnlyDeviceSpan<float> w,
                    ElementSpan x,
                    int n)
                {
                    ElementType type_ = y.Type;
                    KernelExtent.RequireType("filter_typed", "y", type_, "a", a?.Type ?? type_);
                    KernelExtent.RequireType("filter_typed", "y", type_, "x", x.Type);
                    KernelExtent.Require("filter_typed", "a", a?.Length, (long)n);
                    KernelExtent.Require("filter_typed", "y", y.Length, (long)k * (long)n);
                    KernelExtent.Require("filter_typed", "w", w.Length, (long)n);
                    var device_ = Stream.Device;
                    KernelExtent.RequireOn(device_, "filter_typed", "a", a?.Device ?? device_);
            """,
            text, StringComparison.Ordinal);
        Assert.Contains("Issue(KernelIndex.FilterTyped(k, type_), arguments_);", text, StringComparison.Ordinal);
        Assert.Contains("""/// <param name="y">Is read and written: K * n values, of type T.</param>""", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_type_of_elements_is_a_kernel_of_the_catalogue_with_values_of_its_size()
    {
        GeneratorRun run = GeneratorRun.On("typed.cu", Typed);
        string text = run.Text("KernelCatalogue.g.cs");
        Assert.Contains("new(\"typed\", \"filter_typed_k5_bf16\", [new(\"a\", KernelParam", text, StringComparison.Ordinal);
        Assert.Contains(
            """
                public static int FilterTyped(int k, ElementType t) =>
                    (k, t) switch
                    {
                        (3, ElementType.Float32) => 0,
                        (3, ElementType.BFloat16) => 1,
                        (5, ElementType.BFloat16) => 2,
                        _ => throw new ArgumentOutOfRangeException(null, $"There is no filter_typed for K {k}, T {t}."),
                    };
            """,
            text, StringComparison.Ordinal);
        Assert.Contains("0 => WorkOfFilterTyped(gridX, gridY, arguments, 3, 4),", text, StringComparison.Ordinal);
        Assert.Contains("2 => WorkOfFilterTyped(gridX, gridY, arguments, 5, 2),", text, StringComparison.Ordinal);
        Assert.Contains(
            """
                private static unsafe KernelWork WorkOfFilterTyped(long gridX, long gridY, void** arguments, long k, long elementBytes_)
                {
                    long n = *(int*)arguments[4];
                    long bytes_ = 0;
                    if (*(ulong*)arguments[0] != 0) bytes_ += elementBytes_ * (n);
                    bytes_ += 2 * elementBytes_ * (k * n);
                    bytes_ += 4 * (n);
            """,
            run.Text("KernelCatalogue.typed.g.cs"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SPOS_OUT(n + 1) float* y", "y.Length, (long)n + 1)", "4 * (n + 1)")]
    [InlineData("SPOS_OUT(2 * (n - m) / 3) float* y", "y.Length, 2 * ((long)n - m) / 3)", "4 * (2 * (n - m) / 3)")]
    [InlineData("SPOS_OUT(n - (m - 1)) float* y", "(long)n - (m - 1))", "n - (m - 1)")]
    [InlineData("SPOS_OUT(n > 0 ? n : m, 2) float* y", "((long)n > 0 ? (long)n : m) * 2)", "4 * ((n > 0 ? n : m) * 2)")]
    [InlineData("SPOS_OUT(f ? n : m) float* y", "(f ? 1L : 0L) != 0 ? (long)n : m)", "4 * (f != 0 ? n : m)")]
    [InlineData("SPOS_OUT(ceil_div(product(n, 2), 3), uncounted) float* y", "KernelExtent.CeilDiv((long)n * 2, 3))", null)]
    [InlineData("SPOS_OUT(n, m, counted(m)) float* y", "(long)n * m)", "4 * (m)")]
    [InlineData("SPOS_OUT(strided(7, 2, n, m)) float* y", "KernelExtent.Strided(7, 2, (long)n, m))", "4 * (n * m)")]
    [InlineData("SPOS_IN_OUT(max(n, gridDim.x)) uint64_t* y", "Math.Max((long)n, (long)X))", "16 * (Math.Max(n, gridX))")]
    [InlineData("SPOS_IN(n) const uint8_t* y", "(long)n)", "1 * (n)")]
    [InlineData("SPOS_OUT(n) Bf16* y", "y.Length, (long)n)", "2 * (n)")]
    [InlineData("SPOS_IN() const Record* y", null, null)]
    public void Sizes(string parameter, string? needed, string? counted)
    {
        GeneratorRun run = GeneratorRun.On(
            "a.cu", $"SPOS_WORK(shape(n))\nSPOS_KERNEL a({parameter}, int n, int64_t m, SPOS_FLAG int f) {{}}\nSPOS_EXPORT(a)\n");
        Assert.Empty(run.Result.Diagnostics);
        string launcher = run.Text("LaunchGrid.a.g.cs"), work = run.Text("KernelCatalogue.a.g.cs");
        Assert.Contains(needed ?? "Span<byte> y", launcher, StringComparison.Ordinal);
        Assert.Equal(needed != null, launcher.Contains("KernelExtent.Require(", StringComparison.Ordinal));
        Assert.Contains("KernelExtent.RequireOn(device_, \"a\", \"y\", y.Device", launcher, StringComparison.Ordinal);
        Assert.Contains(counted ?? "bytes_ = 0;\n        return", work, StringComparison.Ordinal);
    }

    [Fact]
    public void Bf16_is_the_engines_type()
    {
        GeneratorRun run = GeneratorRun.On(
            "a.cu", "SPOS_KERNEL a(SPOS_OUT(n) Bf16* y, SPOS_IN(n, or_null) const Bf16* __restrict__ x, int n) {}\nSPOS_EXPORT(a)\n");
        Assert.Empty(run.Result.Diagnostics);
        string launcher = run.Text("LaunchGrid.a.g.cs");
        Assert.Contains("DeviceSpan<Bf16> y,\n        ReadOnlyDeviceSpan<Bf16>? x,\n", launcher, StringComparison.Ordinal);
        Assert.Contains("""/// <param name="x">Is read: n values, may be null.</param>""", launcher, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SPOS_OUT(n) float* y, int", 2, "a parameter's name is expected, and not ')'.")]
    [InlineData("float* y", 2, "y is a pointer: SPOS_IN(…), SPOS_OUT(…) or SPOS_IN_OUT(…) says what of it is read or written.")]
    [InlineData("SPOS_IN(n) float* y", 2, "y is only read, so it is const.")]
    [InlineData("SPOS_OUT(n) const float* y", 2, "y is const, so it is not written.")]
    [InlineData("SPOS_OUT(n) int y", 2, "y is no pointer.")]
    [InlineData("SPOS_OUT(m) float* y", 2, "'m' is no size: those here are n, gridDim.x and gridDim.y.")]
    [InlineData("SPOS_OUT(f) float* y, float f", 2, "'f' is no size")]
    [InlineData("SPOS_OUT(\n n n) float* y", 3, "',' or ')' is expected, and not 'n'.")]
    [InlineData("SPOS_OUT(n > 2) float* y", 2, "'?' is expected, and not ')'.")]
    [InlineData("SPOS_OUT(rounded(n)) float* y", 2, "There is no function 'rounded'")]
    [InlineData("SPOS_OUT(ceil_div(n)) float* y", 2, "ceil_div does not take 1 sizes.")]
    [InlineData("SPOS_OUT(gridDim.z) float* y", 2, "A grid has x and y.")]
    [InlineData("SPOS_OUT(1.5) float* y", 2, "A size is expected, and not '1.5'.")]
    [InlineData("SPOS_OUT(n) Record* y", 2, "Elements of Record are not counted: the parentheses stay empty.")]
    [InlineData("double y", 2, "Kernels take int, int64_t and float by value, not double.")]
    [InlineData("Bf16 y", 2, "Kernels take int, int64_t and float by value, not Bf16.")]
    [InlineData("SPOS_FLAG float y", 2, "y is no int, so it is no flag.")]
    public void A_wrong_parameter_is_an_error_with_its_line(string parameter, int line, string message) =>
        Refused($"\nSPOS_KERNEL a(int n, {parameter}) {{}}\nSPOS_EXPORT(a)\n", line, message);

    [Theory]
    [InlineData("SPOS_WORK(shape(n), flops(m))\nSPOS_KERNEL a(int n) {}\nSPOS_EXPORT(a)\n", 1, "'m' is no size")]
    [InlineData("SPOS_WORK(sizes(n))\nSPOS_KERNEL a(int n) {}\nSPOS_EXPORT(a)\n", 1, "SPOS_WORK says shape(…), flops(…), prod")]
    [InlineData("SPOS_WORK(products(n))\nSPOS_KERNEL a(int n) {}\nSPOS_EXPORT(a)\n", 2, "a has no type of elements")]
    [InlineData("SPOS_WORK(shape())\nSPOS_KERNEL a(int n) {}\nSPOS_EXPORT(a)\n", 1, "a size is expected, and not ')'.")]
    [InlineData("\nSPOS_WORK(shape(1))\nint n;\n", 2, "SPOS_WORK belongs before SPOS_KERNEL.")]
    [InlineData("SPOS_WORK(shape(1))\nSPOS_WORK(shape(2))\nSPOS_KERNEL a() {}\nSPOS_EXPORT(a)\n", 1, "SPOS_WORK belongs before SPOS_KER")]
    [InlineData("\nSPOS_KERNEL a(int n) {}\n", 2, "a lacks its SPOS_EXPORT.")]
    [InlineData("SPOS_KERNEL a(int n) {}\nSPOS_EXPORT(a)\nSPOS_EXPORT(b)\n", 3, "There is no SPOS_KERNEL b.")]
    [InlineData("SPOS_KERNEL a(int n) {}\nSPOS_EXPORT(a)\nSPOS_KERNEL a(int n) {}\nSPOS_EXPORT(a)\n", 3, "a is declared twice.")]
    [InlineData("SPOS_KERNEL a(int n", 1, "',' or ')' is expected, and not the end.")]
    [InlineData("#define A(K) SPOS_KERNEL a_k##K(int n) {} SPOS_EXPORT(a_k##K)\n\nA(x)\n", 3, "A takes whole numbers for K.")]
    [InlineData("#define A(K) SPOS_KERNEL a_k##K(int n) {} SPOS_EXPORT(a_k##K)\n\nA(f32)\n", 3, "A takes whole numbers for K.")]
    [InlineData("#define A(K) SPOS_KERNEL a_k##K(int n) {} SPOS_EXPORT(a_k##K)\n\nA(3 1)\n", 3, "A takes whole numbers for K.")]
    [InlineData("#define A(K) \\\n SPOS_KERNEL a_k##K(SPOS_OUT(L) float* x) {} \\\n SPOS_EXPORT(a_k##K)\nA(1)\n", 2, "'L' is no size")]
    public void A_wrong_declaration_is_an_error_with_its_line(string text, int line, string message) => Refused(text, line, message);

    [Theory]
    [InlineData("SPOS_OUT(n) T* y, int n", "A(3, float)", 3, "A takes whole numbers for K and f32 or bf16 for T.")]
    [InlineData("SPOS_OUT(n) T* y, int n", "A(f32, 3)", 3, "A takes whole numbers for K and f32 or bf16 for T.")]
    [InlineData("SPOS_OUT(n) T* y, int n", "A(f32)", 3, "A takes whole numbers for K and f32 or bf16 for T.")]
    [InlineData("SPOS_OUT(n) K* y, int n", "A(f32, T)", 3, "A takes whole numbers for T and f32 or bf16 for K.")]
    [InlineData("SPOS_OUT(n) T* y, SPOS_IN(n) const K* x, int n", "A(3, f32)", 1, "A macro has one type of elements, not T and K.")]
    [InlineData("SPOS_OUT(n, or_null) T* y, int n", "A(3, f32)", 1, "All that a_k##K##_##T takes of T may be null: nothing then says whi")]
    [InlineData("SPOS_OUT(n, T) T* y, int n", "A(3, f32)", 1, "'T' is no size: those here are n, K, gridDim.x and gridDim.y.")]
    [InlineData("SPOS_OUT(n) T* y, T n", "A(3, f32)", 1, "Kernels take int, int64_t and float by value, not T.")]
    [InlineData("SPOS_OUT(n) const T* y, int n", "A(3, f32)", 1, "y is const, so it is not written.")]
    [InlineData("SPOS_OUT() float* y, int n", "A(3, f32)", 3, "A takes whole numbers for K, T.")]
    public void A_wrong_type_of_elements_is_an_error_with_its_line(string parameters, string use, int line, string message)
    {
        string text = $"#define A(K, T) SPOS_KERNEL a_k##K##_##T({parameters}) {{}} SPOS_EXPORT(a_k##K##_##T)\n\n{use}\n";
        Refused(text, line, message);
        // One that is refused has no uses to refuse.
        Assert.Single(GeneratorRun.On("a.cu", text).Result.Diagnostics);
    }

    [Fact]
    public void Each_kernel_of_a_macro_takes_its_type_of_elements() => Refused(
        "#define A(T) SPOS_KERNEL a_##T(SPOS_OUT() T* y) {} SPOS_EXPORT(a_##T) \\\n SPOS_KERNEL b_##T() {} SPOS_EXPORT(b_##T)\nA(f32)\n", 2,
        "b_##T takes no pointer to T, which would say which of the macro's kernels it is.");

    [Fact]
    public void A_wrong_declaration_leaves_the_others()
    {
        GeneratorRun run = GeneratorRun.On("product.cu", "SPOS_KERNEL a(float* y) {}\nSPOS_EXPORT(a)\n" + Product);
        Assert.Single(run.Result.Diagnostics);
        Assert.Contains("void Product(", run.Text("LaunchGrid.product.g.cs"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_change_of_a_kernels_code_makes_nothing_anew()
    {
        GeneratorRun run = GeneratorRun.On("product.cu", Product);
        run.Put("filter.cu", Family);
        run.Put("product.cu", Product.Replace("run(y, x, w);", "// Faster.\n    run_faster(y, x, w);", StringComparison.Ordinal));
        Assert.All(run.Reasons, reason => Assert.Equal(IncrementalStepRunReason.Cached, reason));
    }

    [Fact]
    public void A_change_of_work_makes_that_files_code_anew_and_not_the_catalogue()
    {
        GeneratorRun run = GeneratorRun.On("product.cu", Product);
        run.Put("filter.cu", Family);
        run.Put("product.cu", Product.Replace("flops(2 *", "flops(4 *", StringComparison.Ordinal));
        Assert.Contains("4 * rows * @in * @out", run.Text("KernelCatalogue.product.g.cs"), StringComparison.Ordinal);
        Assert.Equal(["Cached", "Cached", "Modified"], run.Reasons.Select(reason => $"{reason}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_new_kernel_makes_its_files_code_and_the_catalogue_anew()
    {
        GeneratorRun run = GeneratorRun.On("product.cu", Product);
        run.Put("filter.cu", Family);
        run.Put("product.cu", Product + "SPOS_KERNEL another(int n) {}\nSPOS_EXPORT(another)\n");
        Assert.Equal(["Cached", "Modified", "Modified"], run.Reasons.Select(reason => $"{reason}").Order(StringComparer.Ordinal));
    }

    private static void Refused(string text, int line, string message)
    {
        Diagnostic diagnostic = GeneratorRun.On("a.cu", text).Result.Diagnostics[0];
        Assert.Equal(DiagnosticSeverity.Error, diagnostic.Severity);
        FileLinePositionSpan place = diagnostic.Location.GetLineSpan();
        Assert.StartsWith(message, diagnostic.GetMessage(), StringComparison.Ordinal);
        Assert.Equal(("/native/kernels/a.cu", line), (place.Path, place.StartLinePosition.Line + 1));
    }
}
