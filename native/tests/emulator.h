// The emulated GPU as its tests use it: with one schedule, buffers as vectors, launches by name.
#pragma once

#include <string>
#include <vector>

#include "../abi/spos_simt.h"
#include "driver.h"

struct Extent {
    unsigned x = 1, y = 1, z = 1;
    unsigned count() const { return x * y * z; }
};

class Emulator : public Context {
 public:
    explicit Emulator(unsigned long long seed) {
        OK(sposSimtSetSchedule(seed));
        OK(cuModuleLoadData(&module_, "spos-module emulator"));
    }
    ~Emulator() { cuModuleUnload(module_); }

    CUdeviceptr allocate(size_t bytes) {
        CUdeviceptr pointer = 0;
        OK(cuMemAlloc_v2(&pointer, bytes));
        return pointer;
    }

    template <class T>
    CUdeviceptr upload(const std::vector<T>& values) {
        const CUdeviceptr pointer = allocate(values.size() * sizeof(T));
        OK(cuMemcpyHtoDAsync_v2(pointer, values.data(), values.size() * sizeof(T), nullptr));
        OK(cuStreamSynchronize(nullptr));
        return pointer;
    }

    template <class T>
    std::vector<T> download(CUdeviceptr pointer, size_t count) {
        std::vector<T> values(count);
        const CUresult result = cuMemcpyDtoHAsync_v2(values.data(), pointer, count * sizeof(T), nullptr);
        INFO(report());
        OK(result);
        return values;
    }

    template <class... A>
    void launch(const char* kernel, Extent grid, Extent block, unsigned shared_bytes, CUstream stream, A... arguments) {
        CUfunction function = nullptr;
        OK(cuModuleGetFunction(&function, module_, kernel));
        void* parameters[] = {&arguments...};
        OK(cuLaunchKernel(function, grid.x, grid.y, grid.z, block.x, block.y, block.z, shared_bytes, stream, parameters,
                          nullptr));
    }

    CUstream stream() {
        CUstream stream = nullptr;
        OK(cuStreamCreate(&stream, 1));
        return stream;
    }

    std::string report() const {
        const char* text = nullptr;
        sposSimtGetReport(&text);
        return text == nullptr ? "" : text;
    }

 private:
    CUmodule module_ = nullptr;
};

// Each test runs with the order of issue and with some that are shuffled.
constexpr unsigned long long kSeeds[] = {0, 1, 2, 3, 4};
