// Streams, events and memory of the emulated GPU: nothing runs before somebody waits, what no event orders may run in
// any order, and a use that a GPU allows only by luck is found.
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "emulator.h"

namespace {

constexpr unsigned kThreads = 32;
constexpr size_t kBytes = kThreads * sizeof(int);

// Issues x -> a on one stream and a -> b on another, and between the two what `order` issues.
template <class Order>
CUresult two_streams(Emulator& gpu, CUdeviceptr b, Order&& order) {
    const CUstream first = gpu.stream(), second = gpu.stream();
    const CUdeviceptr x = gpu.upload(std::vector<int>(kThreads, 40)), a = gpu.upload(std::vector<int>(kThreads, 0));
    gpu.launch("increment", {}, {kThreads}, 0, first, a, x);
    order(first, second);
    gpu.launch("increment", {}, {kThreads}, 0, second, b, a);
    return cuCtxSynchronize();
}

}  // namespace

TEST_CASE("an event orders two streams") {
    for (auto seed : kSeeds) {
        Emulator gpu(seed);
        const CUdeviceptr b = gpu.allocate(kBytes);
        CUevent event = nullptr;
        OK(cuEventCreate(&event, 2));
        OK(two_streams(gpu, b, [&](CUstream first, CUstream second) {
            OK(cuEventRecord(event, first));
            CHECK(cuEventQuery(event) == CUDA_ERROR_NOT_READY);
            OK(cuStreamWaitEvent(second, event, 0));
        }));
        CHECK(cuEventQuery(event) == CUDA_SUCCESS);
        CHECK(gpu.download<int>(b, kThreads) == std::vector<int>(kThreads, 42));
        OK(cuEventDestroy_v2(event));
    }
}

TEST_CASE("waiting for a stream orders what is issued after") {
    for (auto seed : kSeeds) {
        Emulator gpu(seed);
        const CUdeviceptr b = gpu.allocate(kBytes);
        OK(two_streams(gpu, b, [](CUstream first, CUstream) { OK(cuStreamSynchronize(first)); }));
        CHECK(gpu.download<int>(b, kThreads) == std::vector<int>(kThreads, 42));
    }
}

TEST_CASE("two streams without an event are a race, whichever runs first") {
    for (auto seed : kSeeds) {
        Emulator gpu(seed);
        CHECK(two_streams(gpu, gpu.allocate(kBytes), [](CUstream, CUstream) {}) == CUDA_ERROR_LAUNCH_FAILED);
        CHECK(gpu.report().find("increment, which no event or synchronisation orders") != std::string::npos);
    }
}

TEST_CASE("a writer must come after all readers, not after the last alone") {
    // Each reads x; the one that writes it is ordered after two of three.
    for (auto seed : kSeeds) {
        for (bool copies : {false, true}) {
            Emulator gpu(seed);
            const CUdeviceptr x = gpu.upload(std::vector<int>(kThreads, 1));
            CUstream readers[3], writer = gpu.stream();
            for (CUstream& reader : readers) {
                reader = gpu.stream();
                const CUdeviceptr y = gpu.allocate(kBytes);
                if (copies) {
                    OK(cuMemcpyDtoDAsync_v2(y, x, kBytes, reader));
                } else {
                    gpu.launch("increment", {}, {kThreads}, 0, reader, y, x);
                }
            }
            for (int ordered : {0, 1, 2}) {
                CUevent event = nullptr;
                OK(cuEventCreate(&event, 2));
                OK(cuEventRecord(event, readers[ordered]));
                if (ordered != 1) OK(cuStreamWaitEvent(writer, event, 0));
                OK(cuEventDestroy_v2(event));
            }
            OK(cuMemsetD32Async(x, 0, kThreads, writer));
            CHECK(cuCtxSynchronize() != CUDA_SUCCESS);
            CHECK(gpu.report().find("race") != std::string::npos);
        }
    }
}

TEST_CASE("a buffer freed on another stream is a race with its use") {
    for (auto seed : kSeeds) {
        Emulator gpu(seed);
        const CUstream first = gpu.stream(), second = gpu.stream();
        const CUdeviceptr x = gpu.upload(std::vector<int>(kThreads, 1)), y = gpu.allocate(kBytes);
        gpu.launch("increment", {}, {kThreads}, 0, first, y, x);
        OK(cuMemFreeAsync(x, second));
        CHECK(cuCtxSynchronize() != CUDA_SUCCESS);
        const std::string report = gpu.report();
        CAPTURE(report);
        CHECK((report.find("use after free") != std::string::npos || report.find("race") != std::string::npos));
    }
}

TEST_CASE("a use after a free in the same stream is found") {
    Emulator gpu(0);
    const CUdeviceptr x = gpu.upload(std::vector<int>(kThreads, 1)), y = gpu.allocate(kBytes);
    OK(cuMemFreeAsync(x, nullptr));
    gpu.launch("increment", {}, {kThreads}, 0, nullptr, y, x);
    CHECK(cuCtxSynchronize() == CUDA_ERROR_ILLEGAL_ADDRESS);
    CHECK(gpu.report().find("use after free: reads 4 bytes") != std::string::npos);
}

TEST_CASE("page-locked memory must stay as it is until its copy has run") {
    Emulator gpu(0);
    void* memory = nullptr;
    OK(cuMemHostAlloc(&memory, kBytes, 0));
    std::memset(memory, 1, kBytes);
    const CUdeviceptr x = gpu.allocate(kBytes);
    OK(cuMemcpyHtoDAsync_v2(x, memory, kBytes, nullptr));
    std::memset(memory, 2, kBytes);
    CHECK(cuCtxSynchronize() == CUDA_ERROR_LAUNCH_FAILED);
    CHECK(gpu.report().find("changed before the copy had run") != std::string::npos);
    OK(cuDevicePrimaryCtxReset_v2(0));
    OK(cuMemFreeHost(memory));
}

TEST_CASE("page-locked memory is not freed under a copy") {
    Emulator gpu(0);
    void* memory = nullptr;
    OK(cuMemHostAlloc(&memory, kBytes, 0));
    std::memset(memory, 1, kBytes);
    OK(cuMemcpyHtoDAsync_v2(gpu.allocate(kBytes), memory, kBytes, nullptr));
    CHECK(cuMemFreeHost(memory) == CUDA_ERROR_LAUNCH_FAILED);
    CHECK(gpu.report().find("has not run yet") != std::string::npos);
    OK(cuDevicePrimaryCtxReset_v2(0));
    OK(cuMemFreeHost(memory));
}

TEST_CASE("what is copied to page-locked memory is there only after waiting") {
    Emulator gpu(0);
    void* memory = nullptr;
    OK(cuMemHostAlloc(&memory, kBytes, 0));
    const CUdeviceptr x = gpu.upload(std::vector<int>(kThreads, 7));
    OK(cuMemcpyDtoHAsync_v2(memory, x, kBytes, nullptr));
    CHECK(static_cast<int*>(memory)[0] == -1);
    OK(cuStreamSynchronize(nullptr));
    CHECK(static_cast<int*>(memory)[0] == 7);
    OK(cuMemFreeHost(memory));
}

TEST_CASE("memory that nothing has written cannot be copied out") {
    Emulator gpu(0);
    const CUdeviceptr x = gpu.allocate(kBytes);
    int values[kThreads];
    CHECK(cuMemcpyDtoHAsync_v2(values, x, kBytes, nullptr) == CUDA_ERROR_ILLEGAL_ADDRESS);
    CHECK(gpu.report().find("never written") != std::string::npos);
}

TEST_CASE("the host cannot touch device memory") {
    Emulator gpu(0);
    const CUdeviceptr x = gpu.upload(std::vector<int>(kThreads, 7));
    const pid_t child = fork();
    if (child == 0) _exit(*reinterpret_cast<volatile int*>(x) == 7 ? 0 : 1);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGSEGV);
}
