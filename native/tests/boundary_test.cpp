// Hostile arguments at the boundary of a driver library: null, freed and foreign handles, sizes at the integers'
// limits, launch shapes beyond the limits. Each call gives one of the API's codes, and nothing else happens. Linked to
// each of the drivers in turn, under AddressSanitizer and UndefinedBehaviorSanitizer.
#include <dlfcn.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <random>
#include <set>
#include <thread>

#include "../abi/spos_host.h"
#include "../abi/spos_kernels.h"
#include "driver.h"

namespace {

constexpr CUresult kInvalid = CUDA_ERROR_INVALID_VALUE;

int attribute(CUdevice_attribute which) {
    int value = -1;
    OK(cuDeviceGetAttribute(&value, which, 0));
    return value;
}

CUfunction function(const char* image, const char* name) {
    CUmodule module = nullptr;
    CUfunction function = nullptr;
    OK(cuModuleLoadData(&module, image));
    OK(cuModuleGetFunction(&function, module, name));
    OK(cuModuleUnload(module));
    return function;
}

// relu_forward(y, x, length, rows a block) over no elements.
struct EmptyLaunch {
    CUdeviceptr y = 0, x = 0;
    int64_t length = 0;
    int per_block = 64;
    void* parameters[4] = {&y, &x, &length, &per_block};
    CUfunction relu = function("spos-module relu", "relu_forward");

    CUresult operator()(unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared) {
        const CUresult result = cuLaunchKernel(relu, gx, gy, gz, bx, by, bz, shared, nullptr, parameters, nullptr);
        return result == CUDA_SUCCESS ? cuCtxSynchronize() : result;
    }
};

}  // namespace

// Must come first: the others initialise.
TEST_CASE("before cuInit nothing works") {
    int value = 0;
    CUdevice device = 0;
    CUcontext context = nullptr;
    CUdeviceptr pointer = 0;
    size_t bytes = 0;
    CHECK(cuInit(1) == kInvalid);
    CHECK(cuDeviceGetCount(&value) == CUDA_ERROR_NOT_INITIALIZED);
    CHECK(cuDeviceGet(&device, 0) == CUDA_ERROR_NOT_INITIALIZED);
    CHECK(cuDeviceTotalMem_v2(&bytes, 0) == CUDA_ERROR_NOT_INITIALIZED);
    CHECK(cuDevicePrimaryCtxRetain(&context, 0) == CUDA_ERROR_NOT_INITIALIZED);
    CHECK(cuDevicePrimaryCtxRelease_v2(0) == CUDA_ERROR_NOT_INITIALIZED);
    CHECK(cuDevicePrimaryCtxReset_v2(0) == CUDA_ERROR_NOT_INITIALIZED);
    CHECK(cuCtxSetCurrent(nullptr) == CUDA_ERROR_NOT_INITIALIZED);
    CHECK(cuCtxSynchronize() == CUDA_ERROR_NOT_INITIALIZED);
    CHECK(cuMemAlloc_v2(&pointer, 4) == CUDA_ERROR_NOT_INITIALIZED);
    CHECK(cuStreamSynchronize(nullptr) == CUDA_ERROR_NOT_INITIALIZED);
    CHECK(cuDriverGetVersion(nullptr) == kInvalid);
    OK(cuDriverGetVersion(&value));
}

TEST_CASE("devices") {
    OK(cuInit(0));
    int value = 0;
    char name[4];
    size_t bytes = 0;
    CUcontext context = nullptr;
    for (int device : {-1, 1, INT_MAX, INT_MIN}) {
        CHECK(cuDeviceGet(&value, device) == CUDA_ERROR_INVALID_DEVICE);
        CHECK(cuDeviceGetName(name, sizeof name, device) == CUDA_ERROR_INVALID_DEVICE);
        CHECK(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, device) == CUDA_ERROR_INVALID_DEVICE);
        CHECK(cuDeviceTotalMem_v2(&bytes, device) == CUDA_ERROR_INVALID_DEVICE);
        CHECK(cuDevicePrimaryCtxRetain(&context, device) == CUDA_ERROR_INVALID_DEVICE);
        CHECK(cuDevicePrimaryCtxRelease_v2(device) == CUDA_ERROR_INVALID_DEVICE);
        CHECK(cuDevicePrimaryCtxReset_v2(device) == CUDA_ERROR_INVALID_DEVICE);
    }
    CHECK(cuDeviceGetCount(nullptr) == kInvalid);
    CHECK(cuDeviceGet(nullptr, 0) == kInvalid);
    CHECK(cuDeviceGetName(nullptr, 4, 0) == kInvalid);
    CHECK(cuDeviceGetName(name, 0, 0) == kInvalid);
    CHECK(cuDeviceGetName(name, INT_MIN, 0) == kInvalid);
    OK(cuDeviceGetName(name, sizeof name, 0));
    CHECK(name[3] == '\0');
    CHECK(cuDeviceGetAttribute(nullptr, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 0) == kInvalid);
    for (int unknown : {0, -1, 9999, INT_MAX}) {
        CHECK(cuDeviceGetAttribute(&value, static_cast<CUdevice_attribute>(unknown), 0) == kInvalid);
    }
    CHECK(cuDeviceTotalMem_v2(nullptr, 0) == kInvalid);
    CHECK(cuDevicePrimaryCtxRetain(nullptr, 0) == kInvalid);
    CHECK(cuDevicePrimaryCtxRelease_v2(0) == CUDA_ERROR_INVALID_CONTEXT);
}

TEST_CASE("contexts") {
    {
        const Context context;
        int foreign = 0;
        CHECK(cuCtxSetCurrent(reinterpret_cast<CUcontext>(&foreign)) == CUDA_ERROR_INVALID_CONTEXT);
        CHECK(cuMemGetInfo_v2(nullptr, nullptr) == kInvalid);
        CUresult result = CUDA_SUCCESS;
        std::thread([&] { result = cuCtxSynchronize(); }).join();
        CHECK(result == CUDA_ERROR_INVALID_CONTEXT);
    }
    CUdeviceptr pointer = 0;
    CHECK(cuMemAlloc_v2(&pointer, 4) == CUDA_ERROR_INVALID_CONTEXT);
    CHECK(cuDevicePrimaryCtxRelease_v2(0) == CUDA_ERROR_INVALID_CONTEXT);
}

TEST_CASE("memory") {
    const Context context;
    CUdeviceptr pointer = 0;
    void* memory = nullptr;
    CHECK(cuMemAlloc_v2(nullptr, 4) == kInvalid);
    CHECK(cuMemAlloc_v2(&pointer, 0) == kInvalid);
    CHECK(cuMemHostAlloc(nullptr, 4, 0) == kInvalid);
    CHECK(cuMemHostAlloc(&memory, 0, 0) == kInvalid);
    for (size_t bytes : {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 63, SIZE_MAX / 2, size_t{1} << 62}) {
        CHECK(cuMemAlloc_v2(&pointer, bytes) == CUDA_ERROR_OUT_OF_MEMORY);
        CHECK(cuMemAllocAsync(&pointer, bytes, nullptr) == CUDA_ERROR_OUT_OF_MEMORY);
        CHECK(cuMemHostAlloc(&memory, bytes, 0) == CUDA_ERROR_OUT_OF_MEMORY);
    }
    CHECK(pointer == 0);
    CHECK(memory == nullptr);

    OK(cuMemAlloc_v2(&pointer, 16));
    OK(cuMemHostAlloc(&memory, 16, 0));
    CHECK(cuMemFree_v2(pointer + 1) == kInvalid);
    CHECK(cuMemFree_v2(12345) == kInvalid);
    CHECK(cuMemFree_v2(UINT64_MAX) == kInvalid);
    CHECK(cuMemFree_v2(reinterpret_cast<CUdeviceptr>(memory)) == kInvalid);
    CHECK(cuMemFreeHost(reinterpret_cast<void*>(pointer)) == kInvalid);
    CHECK(cuMemFreeHost(nullptr) == kInvalid);
    OK(cuMemFree_v2(0));
    OK(cuMemFree_v2(pointer));
    CHECK(cuMemFree_v2(pointer) == kInvalid);
    CHECK(cuMemFreeAsync(pointer, nullptr) == kInvalid);
    OK(cuMemFreeHost(memory));
    CHECK(cuMemFreeHost(memory) == kInvalid);
}

TEST_CASE("a memory limit") {
    const Context context;
    size_t free_bytes = 0, total = 0, all = 0;
    OK(cuMemGetInfo_v2(&free_bytes, &all));
    OK(sposSetMemoryLimit(1000));
    OK(cuMemGetInfo_v2(&free_bytes, &total));
    CHECK(total == 1000);
    CHECK(free_bytes == 1000);
    OK(cuDeviceTotalMem_v2(&total, 0));
    CHECK(total == 1000);
    CUdeviceptr first = 0, second = 0;
    void* host = nullptr;
    OK(cuMemAlloc_v2(&first, 600));
    CHECK(cuMemAlloc_v2(&second, 401) == CUDA_ERROR_OUT_OF_MEMORY);
    CHECK(cuMemAllocAsync(&second, SIZE_MAX, nullptr) == CUDA_ERROR_OUT_OF_MEMORY);
    CHECK(second == 0);
    OK(cuMemAlloc_v2(&second, 400));
    OK(cuMemGetInfo_v2(&free_bytes, &total));
    CHECK(free_bytes == 0);
    // It is the device's memory that is limited.
    OK(cuMemHostAlloc(&host, 5000, 0));
    OK(cuMemFreeHost(host));
    // What was given back counts as free, whether or not the freeing has run.
    OK(cuMemFreeAsync(first, nullptr));
    OK(cuMemAllocAsync(&first, 600, nullptr));
    OK(sposSetMemoryLimit(500));
    CHECK(cuMemFree_v2(second) == CUDA_SUCCESS);
    CHECK(cuMemAlloc_v2(&second, 1) == CUDA_ERROR_OUT_OF_MEMORY);
    OK(sposSetMemoryLimit(0));
    OK(cuMemAlloc_v2(&second, 5000));
    OK(cuMemFree_v2(first));
    OK(cuMemFree_v2(second));
    OK(cuMemGetInfo_v2(&free_bytes, &total));
    CHECK(total == all);
}

// Of two devices' contexts, the one that is current decides what a handle or a pointer is worth.
TEST_CASE("two devices") {
    const Context context;
    CHECK(sposSetDeviceCount(0) == kInvalid);
    CHECK(sposSetDeviceCount(17) == kInvalid);
    CHECK(sposSetDeviceCount(INT_MIN) == kInvalid);
    OK(sposSetDeviceCount(2));
    OK(sposSetDeviceCount(1));
    int count = 0;
    CUdevice device = 0;
    CUcontext other = nullptr;
    OK(cuDeviceGetCount(&count));
    CHECK(count == 2);
    OK(cuDeviceGet(&device, 1));
    CHECK(device == 1);
    CHECK(cuDeviceGet(&device, 2) == CUDA_ERROR_INVALID_DEVICE);
    OK(cuDevicePrimaryCtxRetain(&other, device));
    REQUIRE(other != context.get());

    CUstream stream = nullptr;
    CUevent event = nullptr;
    CUmodule module = nullptr;
    CUdeviceptr here = 0, there = 0;
    CUfunction relu = function("spos-module relu", "relu_forward"), relu_there = nullptr;
    OK(cuStreamCreate(&stream, 1));
    OK(cuEventCreate(&event, 0));
    OK(cuEventRecord(event, stream));
    OK(cuModuleLoadData(&module, "spos-module relu"));
    OK(cuMemAlloc_v2(&here, 256));
    EmptyLaunch launch;

    OK(cuCtxSetCurrent(other));
    OK(cuDevicePrimaryCtxReset_v2(1));
    OK(cuMemAlloc_v2(&there, 256));
    CHECK(cuStreamSynchronize(stream) == CUDA_ERROR_INVALID_HANDLE);
    CHECK(cuStreamWaitEvent(nullptr, event, 0) == CUDA_ERROR_INVALID_HANDLE);
    CHECK(cuStreamDestroy_v2(stream) == CUDA_ERROR_INVALID_HANDLE);
    CHECK(cuEventRecord(event, nullptr) == CUDA_ERROR_INVALID_HANDLE);
    CHECK(cuEventSynchronize(event) == CUDA_ERROR_INVALID_HANDLE);
    CHECK(cuEventDestroy_v2(event) == CUDA_ERROR_INVALID_HANDLE);
    CHECK(cuModuleGetFunction(&relu_there, module, "relu_forward") == CUDA_ERROR_INVALID_HANDLE);
    CHECK(cuModuleUnload(module) == CUDA_ERROR_INVALID_HANDLE);
    CHECK(cuLaunchKernel(relu, 1, 1, 1, 1, 1, 1, 0, nullptr, launch.parameters, nullptr) == CUDA_ERROR_INVALID_HANDLE);
    CHECK(cuMemsetD8Async(here, 1, 256, nullptr) == kInvalid);
    CHECK(cuMemcpyDtoDAsync_v2(there, here, 256, nullptr) == kInvalid);
    CHECK(cuMemFree_v2(here) == kInvalid);
    OK(cuMemsetD8Async(there, 1, 256, nullptr));
    OK(cuCtxSynchronize());

    // One device's end is not the other's.
    OK(cuDevicePrimaryCtxReset_v2(0));
    unsigned char byte = 0;
    OK(cuMemcpyDtoHAsync_v2(&byte, there + 255, 1, nullptr));
    CHECK(byte == 1);
    OK(cuDevicePrimaryCtxReset_v2(1));
    CHECK(cuMemFree_v2(there) == kInvalid);

    OK(cuCtxSetCurrent(context.get()));
    OK(cuStreamDestroy_v2(stream));
    OK(cuEventDestroy_v2(event));
    OK(cuModuleUnload(module));
    OK(cuDevicePrimaryCtxRelease_v2(1));
    CHECK(cuCtxSetCurrent(other) == CUDA_ERROR_INVALID_CONTEXT);
}

TEST_CASE("copies and fills") {
    const Context context;
    unsigned char bytes[64] = {};
    CUdeviceptr buffer = 0, freed = 0;
    OK(cuMemAlloc_v2(&buffer, sizeof bytes));
    OK(cuMemAlloc_v2(&freed, sizeof bytes));
    OK(cuMemsetD8Async(buffer, 0, sizeof bytes, nullptr));
    OK(cuCtxSynchronize());
    OK(cuMemFree_v2(freed));
    struct Range {
        CUdeviceptr start;
        size_t count;
    };
    const Range wrong[] = {{0, 4},
                           {1, 4},
                           {freed, 4},
                           {buffer, sizeof bytes + 1},
                           {buffer + sizeof bytes, 1},
                           {buffer + 4, SIZE_MAX},
                           {buffer + 4, SIZE_MAX - 3},
                           {buffer, SIZE_MAX / 4 + 17},
                           {UINT64_MAX, 4},
                           {UINT64_MAX - 3, SIZE_MAX},
                           {reinterpret_cast<CUdeviceptr>(bytes), 4}};
    for (const Range& range : wrong) {
        CAPTURE(range.start);
        CAPTURE(range.count);
        CHECK(cuMemcpyHtoDAsync_v2(range.start, bytes, range.count, nullptr) == kInvalid);
        CHECK(cuMemcpyDtoHAsync_v2(bytes, range.start, range.count, nullptr) == kInvalid);
        CHECK(cuMemcpyDtoDAsync_v2(range.start, buffer, range.count, nullptr) == kInvalid);
        CHECK(cuMemcpyDtoDAsync_v2(buffer, range.start, range.count, nullptr) == kInvalid);
        CHECK(cuMemsetD8Async(range.start, 1, range.count, nullptr) == kInvalid);
        CHECK(cuMemsetD32Async(range.start, 1, range.count, nullptr) == kInvalid);
    }
    CHECK(cuMemsetD32Async(buffer + 2, 1, 1, nullptr) == kInvalid);
    CHECK(cuMemsetD32Async(buffer, 1, SIZE_MAX / 4 + 2, nullptr) == kInvalid);
    CHECK(cuMemcpyHtoDAsync_v2(buffer, nullptr, 4, nullptr) == kInvalid);
    CHECK(cuMemcpyDtoHAsync_v2(nullptr, buffer, 4, nullptr) == kInvalid);
    const CUstream foreign = reinterpret_cast<CUstream>(bytes);
    CHECK(cuMemcpyHtoDAsync_v2(buffer, bytes, 4, foreign) == CUDA_ERROR_INVALID_HANDLE);
    CHECK(cuMemsetD8Async(buffer, 1, 4, foreign) == CUDA_ERROR_INVALID_HANDLE);
    // Nothing of it was done.
    OK(cuMemcpyDtoHAsync_v2(bytes, buffer, sizeof bytes, nullptr));
    OK(cuCtxSynchronize());
    for (unsigned char byte : bytes) CHECK(byte == 0);
    OK(cuMemFree_v2(buffer));
}

TEST_CASE("streams and events") {
    const Context context;
    CUstream stream = nullptr;
    CUevent event = nullptr, unrecorded = nullptr;
    float milliseconds = 0;
    CHECK(cuStreamCreate(nullptr, 0) == kInvalid);
    CHECK(cuEventCreate(nullptr, 0) == kInvalid);
    OK(cuStreamCreate(&stream, 0));
    OK(cuEventCreate(&event, 0));
    OK(cuEventCreate(&unrecorded, 0));
    OK(cuEventRecord(event, stream));
    OK(cuEventSynchronize(event));
    CHECK(cuEventElapsedTime(nullptr, event, event) == kInvalid);
    CHECK(cuEventElapsedTime(&milliseconds, event, unrecorded) == CUDA_ERROR_INVALID_HANDLE);
    OK(cuStreamDestroy_v2(stream));
    OK(cuEventDestroy_v2(event));
    // Freed ones, ones of another kind, and what never was a handle.
    const auto as_stream = [](void* handle) { return static_cast<CUstream>(handle); };
    for (CUstream wrong : {stream, as_stream(static_cast<void*>(unrecorded)), as_stream(&milliseconds)}) {
        CHECK(cuStreamDestroy_v2(wrong) == CUDA_ERROR_INVALID_HANDLE);
        CHECK(cuStreamSynchronize(wrong) == CUDA_ERROR_INVALID_HANDLE);
        CHECK(cuStreamQuery(wrong) == CUDA_ERROR_INVALID_HANDLE);
        CHECK(cuStreamWaitEvent(wrong, unrecorded, 0) == CUDA_ERROR_INVALID_HANDLE);
        CHECK(cuEventRecord(unrecorded, wrong) == CUDA_ERROR_INVALID_HANDLE);
    }
    const auto as_event = [](void* handle) { return static_cast<CUevent>(handle); };
    for (CUevent wrong : {event, CUevent{nullptr}, as_event(&milliseconds)}) {
        CHECK(cuEventDestroy_v2(wrong) == CUDA_ERROR_INVALID_HANDLE);
        CHECK(cuEventRecord(wrong, nullptr) == CUDA_ERROR_INVALID_HANDLE);
        CHECK(cuEventQuery(wrong) == CUDA_ERROR_INVALID_HANDLE);
        CHECK(cuEventSynchronize(wrong) == CUDA_ERROR_INVALID_HANDLE);
        CHECK(cuEventElapsedTime(&milliseconds, wrong, wrong) == CUDA_ERROR_INVALID_HANDLE);
        CHECK(cuStreamWaitEvent(nullptr, wrong, 0) == CUDA_ERROR_INVALID_HANDLE);
    }
    CHECK(cuStreamDestroy_v2(nullptr) == CUDA_ERROR_INVALID_HANDLE);
    OK(cuEventDestroy_v2(unrecorded));
}

TEST_CASE("modules and functions") {
    const Context context;
    CUmodule module = nullptr;
    CUfunction function = nullptr;
    CHECK(cuModuleLoadData(nullptr, "spos-module relu") == kInvalid);
    CHECK(cuModuleLoadData(&module, nullptr) == kInvalid);
    CHECK(cuModuleLoadData(&module, "") == CUDA_ERROR_INVALID_IMAGE);
    CHECK(cuModuleLoadData(&module, "spos-modul") == CUDA_ERROR_INVALID_IMAGE);
    CHECK(cuModuleLoadData(&module, "spos-module ") == CUDA_ERROR_NOT_FOUND);
    CHECK(cuModuleLoadData(&module, "spos-module ../relu") == CUDA_ERROR_NOT_FOUND);
    OK(cuModuleLoadData(&module, "spos-module relu"));
    CHECK(cuModuleGetFunction(nullptr, module, "relu_forward") == kInvalid);
    CHECK(cuModuleGetFunction(&function, module, nullptr) == kInvalid);
    CHECK(cuModuleGetFunction(&function, module, "") == CUDA_ERROR_NOT_FOUND);
    CHECK(cuModuleGetFunction(&function, module, "channel_split_f32") == CUDA_ERROR_NOT_FOUND);
    CHECK(cuModuleGetFunction(&function, nullptr, "relu_forward") == CUDA_ERROR_INVALID_HANDLE);
    OK(cuModuleUnload(module));
    CHECK(cuModuleUnload(module) == CUDA_ERROR_INVALID_HANDLE);
    CHECK(cuModuleUnload(nullptr) == CUDA_ERROR_INVALID_HANDLE);
    CHECK(cuModuleGetFunction(&function, module, "relu_forward") == CUDA_ERROR_INVALID_HANDLE);

    const char* text = nullptr;
    int count = 0;
    const int* sizes = nullptr;
    CHECK(sposGetKernel(-1, &text, &text, &count, &sizes) == kInvalid);
    CHECK(sposGetKernel(0, nullptr, &text, &count, &sizes) == kInvalid);
    OK(sposGetKernel(INT_MAX, &text, &text, &count, &sizes));
    CHECK(text == nullptr);
    CHECK(cuGetErrorName(CUDA_SUCCESS, nullptr) == kInvalid);
    CHECK(cuGetErrorString(static_cast<CUresult>(-5), &text) == kInvalid);
}

TEST_CASE("launches") {
    const Context context;
    EmptyLaunch launch;
    const unsigned threads = static_cast<unsigned>(attribute(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK));
    const unsigned shared = static_cast<unsigned>(attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK));
    OK(launch(1, 1, 1, 1, 1, 1, 0));
    OK(launch(1, 1, 1, threads, 1, 1, shared));
    constexpr unsigned kMost = UINT_MAX;
    for (unsigned wrong : {0u, kMost, 0x80000000u}) {
        CHECK(launch(wrong, 1, 1, 1, 1, 1, 0) == kInvalid);
        CHECK(launch(1, wrong, 1, 1, 1, 1, 0) == kInvalid);
        CHECK(launch(1, 1, wrong, 1, 1, 1, 0) == kInvalid);
        CHECK(launch(1, 1, 1, wrong, 1, 1, 0) == kInvalid);
        CHECK(launch(1, 1, 1, 1, wrong, 1, 0) == kInvalid);
        CHECK(launch(1, 1, 1, 1, 1, wrong, 0) == kInvalid);
    }
    CHECK(launch(1, 65536, 1, 1, 1, 1, 0) == kInvalid);
    CHECK(launch(1, 1, 65536, 1, 1, 1, 0) == kInvalid);
    CHECK(launch(1, 1, 1, threads + 1, 1, 1, 0) == kInvalid);
    CHECK(launch(1, 1, 1, threads, 2, 1, 0) == kInvalid);
    CHECK(launch(1, 1, 1, 65536, 65536, 1, 0) == kInvalid);
    CHECK(launch(1, 1, 1, 1, 1, 1, shared + 1) == kInvalid);
    CHECK(launch(1, 1, 1, 1, 1, 1, kMost) == kInvalid);

    int foreign = 0;
    void* nulls[4] = {};
    void* extra[1] = {};
    const auto call = [&](CUfunction f, CUstream stream, void** parameters, void** more) {
        return cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, stream, parameters, more);
    };
    CHECK(call(nullptr, nullptr, launch.parameters, nullptr) == CUDA_ERROR_INVALID_HANDLE);
    CHECK(call(reinterpret_cast<CUfunction>(&foreign), nullptr, launch.parameters, nullptr) ==
          CUDA_ERROR_INVALID_HANDLE);
    CHECK(call(launch.relu, reinterpret_cast<CUstream>(&foreign), launch.parameters, nullptr) ==
          CUDA_ERROR_INVALID_HANDLE);
    CHECK(call(launch.relu, nullptr, nullptr, nullptr) == kInvalid);
    CHECK(call(launch.relu, nullptr, nulls, nullptr) == kInvalid);
    CHECK(call(launch.relu, nullptr, launch.parameters, extra) == CUDA_ERROR_NOT_SUPPORTED);
}

TEST_CASE("sequences, image by image") {
    auto* const run = reinterpret_cast<decltype(&sposHostRunByImage)>(dlsym(RTLD_DEFAULT, "sposHostRunByImage"));
    if (run == nullptr) return;
    Context context;
    constexpr unsigned kImages = 5, kLength = 64, kBytes = kLength * sizeof(float);
    float values[kImages * kLength], results[kImages * kLength];
    for (unsigned i = 0; i < kImages * kLength; ++i) values[i] = static_cast<float>(i) - 100.5f;
    CUdeviceptr x = 0, y = 0, between = 0;
    for (CUdeviceptr* const memory : {&x, &y}) OK(cuMemAlloc_v2(memory, sizeof values));
    OK(cuMemAlloc_v2(&between, 2 * kBytes));  // of two threads
    OK(cuMemcpyHtoDAsync_v2(x, values, sizeof values, nullptr));
    const CUfunction relu = function("spos-module relu", "relu_forward");
    const SposLaunch launches[] = {{relu, 1, 1, 0}, {relu, 2, 1, 4}};
    const unsigned long long numbers[] = {between, x, kLength, kLength, y, between, kLength, kLength / 2};
    const SposAddress addresses[] = {{0, 0, kBytes}, {1, kBytes, 0}, {4, kBytes, 0}, {5, 0, kBytes}};
    const SposSequence sequence{launches, numbers, addresses, 2, 8, 4};
    OK(run(&sequence, kImages, 1, 2, nullptr));
    OK(cuMemcpyDtoHAsync_v2(results, y, sizeof results, nullptr));
    OK(cuStreamSynchronize(nullptr));
    for (unsigned i = 0; i < kImages * kLength; ++i) CHECK(results[i] == std::max(values[i], 0.0f));

    const auto refused_for = [&](unsigned images, unsigned at_once, unsigned threads) {
        return run(&sequence, images, at_once, threads, nullptr) == kInvalid;
    };
    CHECK(refused_for(0, 1, 2));
    CHECK(refused_for(UINT_MAX, 1, 2));
    CHECK(refused_for(kImages, 0, 2));
    CHECK(refused_for(kImages, kImages + 1, 2));
    CHECK(refused_for(kImages, 1, 0));
    const auto refused = [&](const SposSequence& other) { return run(&other, kImages, 1, 2, nullptr) == kInvalid; };
    CHECK(run(nullptr, kImages, 1, 2, nullptr) == kInvalid);
    CHECK(refused({launches, numbers, addresses, 2, 7, 4}));  // arguments beyond the numbers
    CHECK(refused({launches, numbers, addresses, 2, 5, 4}));  // and an address
    const SposLaunch far{relu, 1, 1, UINT_MAX}, empty{relu, 0, 1, 0};
    CHECK(refused({&far, numbers, addresses, 1, 8, 4}));
    CHECK(refused({&empty, numbers, addresses, 1, 8, 4}));
    const SposLaunch foreign{reinterpret_cast<CUfunction>(&x), 1, 1, 0};
    const SposSequence of_foreign{&foreign, numbers, addresses, 1, 8, 4};
    CHECK(run(&of_foreign, kImages, 1, 2, nullptr) == CUDA_ERROR_INVALID_HANDLE);
    CHECK(run(&sequence, kImages, 1, 2, reinterpret_cast<CUstream>(&x)) == CUDA_ERROR_INVALID_HANDLE);
    CHECK(refused({nullptr, numbers, addresses, 2, 8, 4}));
    OK(run(&sequence, 0x7FFFFFFF, 0x7FFFFFFF, 1, nullptr));
    const SposSequence nothing{nullptr, nullptr, nullptr, 0, 0, 0};
    OK(run(&nothing, kImages, 1, 2, nullptr));
}

TEST_CASE("any mixture of arguments gives a code of the API") {
    const std::set<int> codes = {0, 1, 2, 200, 201, 400, 500, 600, 801};
    for (unsigned seed = 1; seed <= 8; ++seed) {
        CAPTURE(seed);
        const Context context;
        EmptyLaunch launch;
        std::mt19937_64 random(seed);
        unsigned char host[256] = {};
        std::vector<CUdeviceptr> pointers = {0, 1, UINT64_MAX, reinterpret_cast<CUdeviceptr>(host)};
        std::vector<CUstream> streams = {nullptr, reinterpret_cast<CUstream>(host)};
        std::vector<CUevent> events = {nullptr, reinterpret_cast<CUevent>(host)};
        const std::vector<size_t> sizes = {0, 1, 4, 64, 255, 256, 4096, SIZE_MAX / 4, SIZE_MAX / 2, SIZE_MAX};
        const std::vector<unsigned> shapes = {0, 1, 1, 1, 2, 32, 1024, 1025, 65535, 65536, UINT_MAX};
        const auto pick = [&](const auto& from) { return from[random() % from.size()]; };
        const auto bounded = [&] { return std::min<size_t>(pick(sizes), sizeof host); };
        const auto clear = [&] {
            for (CUstream old : streams) cuStreamDestroy_v2(old);
            for (CUevent old : events) cuEventDestroy_v2(old);
            for (CUdeviceptr old : pointers) cuMemFree_v2(old);
            streams.resize(2);
            events.resize(2);
            pointers.resize(4);
        };
        for (int step = 0; step < 10000; ++step) {
            CUdeviceptr pointer = 0;
            CUstream stream = nullptr;
            CUevent event = nullptr;
            float milliseconds = 0;
            CUresult result = CUDA_SUCCESS;
            switch (random() % 16) {
                case 0:
                    result = cuMemAlloc_v2(&pointer, pick(sizes));
                    if (result == CUDA_SUCCESS) pointers.push_back(pointer);
                    break;
                case 1:
                    result = cuMemFree_v2(pick(pointers));
                    break;
                case 2:
                    result = cuMemFreeAsync(pick(pointers), pick(streams));
                    break;
                case 3:
                    result = cuStreamCreate(&stream, 0);
                    streams.push_back(stream);
                    break;
                case 4:
                    result = cuStreamDestroy_v2(pick(streams));
                    break;
                case 5:
                    result = cuEventCreate(&event, 0);
                    events.push_back(event);
                    break;
                case 6:
                    result = cuEventDestroy_v2(pick(events));
                    break;
                case 7:
                    result = cuEventRecord(pick(events), pick(streams));
                    break;
                case 8:
                    result = cuStreamWaitEvent(pick(streams), pick(events), 0);
                    break;
                case 9:
                    result = cuEventElapsedTime(&milliseconds, pick(events), pick(events));
                    break;
                case 10:
                    result = cuMemsetD8Async(pick(pointers) + random() % 3, 7, pick(sizes), pick(streams));
                    break;
                case 11:
                    result = cuMemsetD32Async(pick(pointers) + random() % 3, 7, pick(sizes), pick(streams));
                    break;
                case 12:
                    // The host's memory is the caller's to know: only what lies within it is asked for.
                    result = cuMemcpyHtoDAsync_v2(pick(pointers) + random() % 3, host, bounded(), pick(streams));
                    break;
                case 13:
                    result =
                        cuMemcpyDtoDAsync_v2(pick(pointers), pick(pointers) + random() % 3, pick(sizes), pick(streams));
                    break;
                case 14:
                    result = cuStreamSynchronize(pick(streams));
                    break;
                default:
                    // Not many blocks: each would run.
                    result = launch(std::min(pick(shapes), 4u), std::min(pick(shapes), 2u), std::min(pick(shapes), 2u),
                                    pick(shapes), pick(shapes), pick(shapes), pick(shapes));
            }
            if (codes.count(result) == 0) FAIL_CHECK("code " << result << " at step " << step);
            // The emulated device is right to stop at a race or an uninitialised read among these.
            if (cuCtxSynchronize() != CUDA_SUCCESS) OK(cuDevicePrimaryCtxReset_v2(0));
            if (pointers.size() + streams.size() + events.size() > 50) clear();
        }
        clear();
    }
}
