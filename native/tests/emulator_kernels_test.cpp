// Blocks, warps, barriers and shared memory of the emulated GPU: what must work does, what a GPU would break on is
// found and named.
#include <algorithm>
#include <bit>
#include <cmath>

#include "emulator.h"

TEST_CASE("threads and blocks have three indices") {
    const Extent grid{3, 2, 2}, block{5, 3, 2};
    for (auto seed : kSeeds) {
        Emulator gpu(seed);
        const size_t count = size_t{6} * grid.count() * block.count();
        const CUdeviceptr out = gpu.allocate(count * sizeof(int));
        gpu.launch("indices", grid, block, 0, nullptr, out);
        const auto found = gpu.download<int>(out, count);
        size_t i = 0;
        for (unsigned b = 0; b < grid.count(); ++b) {
            for (unsigned t = 0; t < block.count(); ++t) {
                const unsigned expected[] = {t % block.x, t / block.x % block.y, t / block.x / block.y,
                                             b % grid.x,  b / grid.x % grid.y,   b / grid.x / grid.y};
                for (unsigned value : expected) CHECK(found[i++] == static_cast<int>(value));
            }
        }
    }
}

TEST_CASE("shuffles move values within a warp") {
    constexpr int kThreads = 96;
    for (auto seed : kSeeds) {
        Emulator gpu(seed);
        const CUdeviceptr out = gpu.allocate(4 * kThreads * sizeof(int));
        gpu.launch("shuffles", {}, {kThreads}, 0, nullptr, out);
        const auto found = gpu.download<int>(out, 4 * kThreads);
        for (int t = 0; t < kThreads; ++t) {
            const int lane = t % 32, base = 100 * (t / 32);
            CHECK(found[4 * t] == base + 7 * lane % 32);
            CHECK(found[4 * t + 1] == base + (lane + 3 < 32 ? lane + 3 : lane));
            CHECK(found[4 * t + 2] == base + (lane >= 5 ? lane - 5 : lane));
            CHECK(found[4 * t + 3] == base + (lane ^ 9));
        }
    }
}

TEST_CASE("votes count the lanes of their mask") {
    constexpr int kThreads = 64;
    for (auto seed : kSeeds) {
        Emulator gpu(seed);
        const CUdeviceptr out = gpu.allocate(4 * kThreads * sizeof(int));
        gpu.launch("votes", {}, {kThreads}, 0, nullptr, out);
        const auto found = gpu.download<unsigned>(out, 4 * kThreads);
        for (int t = 0; t < kThreads; ++t) {
            CHECK(found[4 * t] == 0x49249249u);
            CHECK(found[4 * t + 1] == 1);
            CHECK(found[4 * t + 2] == 0);
            CHECK(found[4 * t + 3] == (t % 32 < 16 ? 0x00005555u : 0x55550000u));
        }
    }
}

TEST_CASE("a sum through shuffles and dynamic shared memory") {
    std::vector<float> x(1000);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
    for (auto seed : kSeeds) {
        Emulator gpu(seed);
        const CUdeviceptr out = gpu.allocate(sizeof(float)), in = gpu.upload(x);
        gpu.launch("block_sum", {}, {160}, 5 * sizeof(float), nullptr, out, in, 1000);
        CHECK(gpu.download<float>(out, 1)[0] == 499500.0f);
    }
}

namespace {

// What the emulator's tensor cores take denormals for.
float flushed(float value) { return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0f, value) : value; }

float widened(uint16_t bits) { return flushed(std::bit_cast<float>(static_cast<uint32_t>(bits) << 16)); }

}  // namespace

TEST_CASE("a warp's product of matrices, in order along the sum, the odd term of each pair first") {
    constexpr int kWarps = 3, kRows = 16, kColumns = 8, kTerms = 16;
    std::vector<uint16_t> a(kWarps * kRows * kTerms), b(kWarps * kTerms * kColumns);
    std::vector<float> c(kWarps * kRows * kColumns);
    // Values of many sizes, whose sum depends on the order; and some of the least ones, and denormal ones.
    uint32_t state = 1;
    const auto next = [&] { return state = state * 1664525 + 1013904223; };
    const auto some = [&] { return static_cast<uint16_t>((next() >> 16 & 0x807F) | (118 + next() / 65536 % 16) << 7); };
    for (uint16_t& value : a) value = some();
    for (uint16_t& value : b) value = some();
    for (float& value : c) value = widened(some());
    for (int i = 0; i < kTerms; ++i) {
        a[i] = i % 3 == 0 ? 0x0081 : i % 3 == 1 ? 0x0040 : 0x8085;
        b[i * kColumns] = i % 2 == 0 ? 0x3F80 : 0x3F01;
    }
    c[0] = -1e-38f;
    for (auto seed : kSeeds) {
        Emulator gpu(seed);
        const CUdeviceptr out = gpu.allocate(c.size() * sizeof(float));
        gpu.launch("matrix_products", {}, {32 * kWarps}, 0, nullptr, out, gpu.upload(a), gpu.upload(b), gpu.upload(c));
        const auto found = gpu.download<float>(out, c.size());
        for (int i = 0; i < static_cast<int>(c.size()); ++i) {
            const int warp = i / (kRows * kColumns), row = i / kColumns % kRows, column = i % kColumns;
            float sum = flushed(c[i]);
            for (int k = 0; k < kTerms; ++k) {
                const int term = k % 2 == 0 ? k + 1 : k - 1;
                const float x = widened(a[(warp * kRows + row) * kTerms + term]);
                const float y = widened(b[(warp * kTerms + term) * kColumns + column]);
                sum = flushed(std::fma(x, y, sum));
            }
            CHECK(std::bit_cast<uint32_t>(found[i]) == std::bit_cast<uint32_t>(sum));
        }
    }
}

TEST_CASE("atomic additions of threads and blocks add up") {
    constexpr int kBins = 7;
    std::vector<int> values(500);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int>(i * i % kBins);
    for (auto seed : kSeeds) {
        Emulator gpu(seed);
        const CUdeviceptr counts = gpu.upload(std::vector<int>(kBins, 0)), in = gpu.upload(values);
        gpu.launch("histogram", {3}, {64}, 0, nullptr, counts, in, 500, int{kBins});
        const auto found = gpu.download<int>(counts, kBins);
        for (int b = 0; b < kBins; ++b) CHECK(found[b] == std::count(values.begin(), values.end(), b));
    }
}

TEST_CASE("a barrier of half a warp orders that half") {
    constexpr int kThreads = 128;
    for (auto seed : kSeeds) {
        Emulator gpu(seed);
        const CUdeviceptr out = gpu.allocate(kThreads * sizeof(int));
        gpu.launch("half_warps", {}, {kThreads}, 0, nullptr, out);
        const auto found = gpu.download<int>(out, kThreads);
        for (int t = 0; t < kThreads; ++t) CHECK(found[t] == t / 16 * 16 + 15 - t % 16);
    }
}

TEST_CASE("threads that have ended are not waited for") {
    constexpr int kAlive = 70;
    for (auto seed : kSeeds) {
        Emulator gpu(seed);
        const CUdeviceptr out = gpu.allocate(kAlive * sizeof(int));
        gpu.launch("early_exit", {}, {96}, 0, nullptr, out, int{kAlive});
        const auto found = gpu.download<int>(out, kAlive);
        for (int t = 0; t < kAlive; ++t) CHECK(found[t] == (kAlive - 1 - t) * (kAlive - 1 - t));
    }
}

TEST_CASE("faults are found and named") {
    struct Fault {
        const char* kernel;
        unsigned blocks, threads, shared_bytes;
        CUresult code;
        std::vector<std::string> says;  // one of these
    };
    const Fault faults[] = {
        {"mask_lacks_caller", 1, 32, 0, CUDA_ERROR_LAUNCH_FAILED, {"mask 0x7fffffff lacks the calling lane 31"}},
        {"mask_names_ended_lane", 1, 32, 0, CUDA_ERROR_LAUNCH_FAILED, {"names lane 31, which has ended", "has ended"}},
        {"masks_differ", 1, 32, 0, CUDA_ERROR_LAUNCH_FAILED, {"meet with masks", "lacks the calling lane"}},
        {"reads_absent_lane", 1, 32, 0, CUDA_ERROR_LAUNCH_FAILED, {"reads lane 20, which mask 0x0000ffff lacks"}},
        {"operations_differ", 1, 32, 0, CUDA_ERROR_LAUNCH_FAILED, {"different operations"}},
        {"product_of_half_a_warp", 1, 32, 0, CUDA_ERROR_LAUNCH_FAILED, {"names lane 16, which has ended", "has ended"}},
        {"product_against_shuffle", 1, 32, 0, CUDA_ERROR_LAUNCH_FAILED, {"different operations"}},
        {"product_against_barrier", 1, 32, 0, CUDA_ERROR_LAUNCH_FAILED, {"wait for different things"}},
        {"products_differ", 1, 32, 0, CUDA_ERROR_LAUNCH_FAILED, {"meet at different products, of lines"}},
        {"barriers_differ", 1, 64, 0, CUDA_ERROR_LAUNCH_FAILED, {"wait for different things"}},
        {"barrier_against_shuffle", 1, 32, 0, CUDA_ERROR_LAUNCH_FAILED, {"wait for different things"}},
        {"shared_past_its_end", 1, 32, 0, CUDA_ERROR_ILLEGAL_ADDRESS, {"byte 124 of shared values (124 bytes)"}},
        {"dynamic_past_its_end", 1, 32, 128, CUDA_ERROR_ILLEGAL_ADDRESS, {"of shared dynamic shared memory"}},
        {"dynamic_past_its_end", 1, 32, 0, CUDA_ERROR_LAUNCH_FAILED, {"without dynamic shared memory"}},
        {"shared_never_written", 1, 32, 0, CUDA_ERROR_LAUNCH_FAILED, {"uninitialised"}},
        {"missing_barrier", 1, 64, 0, CUDA_ERROR_LAUNCH_FAILED, {"race", "uninitialised"}},
        {"warp_barrier_for_block", 1, 64, 0, CUDA_ERROR_LAUNCH_FAILED, {"race", "uninitialised"}},
        {"blocks_share_an_output", 2, 32, 0, CUDA_ERROR_LAUNCH_FAILED, {"race"}},
        {"atomic_beside_plain", 1, 32, 0, CUDA_ERROR_LAUNCH_FAILED, {"race", "uninitialised"}},
        {"product_too_large", 1, 1, 0, CUDA_ERROR_LAUNCH_FAILED, {"overflow: 65536 * 32768 does not fit 'int'"}},
        {"before_the_start", 1, 32, 0, CUDA_ERROR_ILLEGAL_ADDRESS, {"out of bounds"}},
        {"misaligned_vector", 1, 1, 0, CUDA_ERROR_MISALIGNED_ADDRESS, {"misaligned: reads 16 bytes at byte 4"}},
    };
    for (const Fault& fault : faults) {
        for (auto seed : kSeeds) {
            CAPTURE(fault.kernel);
            CAPTURE(seed);
            Emulator gpu(seed);
            const CUdeviceptr out = gpu.allocate(64 * sizeof(int));
            gpu.launch(fault.kernel, {fault.blocks}, {fault.threads}, fault.shared_bytes, nullptr, out);
            CHECK(cuCtxSynchronize() == fault.code);
            const std::string report = gpu.report();
            CAPTURE(report);
            CHECK(std::any_of(fault.says.begin(), fault.says.end(),
                              [&](const std::string& text) { return report.find(text) != std::string::npos; }));
            CHECK(report.find(std::string("kernel ") + fault.kernel) == 0);
            // The failure stays until the context is reset.
            CUdeviceptr pointer = 0;
            CHECK(cuMemAlloc_v2(&pointer, 4) == fault.code);
            OK(cuDevicePrimaryCtxReset_v2(0));
            CHECK(gpu.report().empty());
            OK(cuMemAlloc_v2(&pointer, 4));
        }
    }
}
