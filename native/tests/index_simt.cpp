// index_test.cpp's target on the emulated GPU, whose kernels are compiled with checks of their arithmetic.
#include "../abi/spos_kernels.h"
#include "../abi/spos_simt.h"
#include "driver.h"
#include "index_target.h"

namespace {

class EmulatedGpu : public Target, Context {
 public:
    EmulatedGpu() { OK(sposSimtSetSample(kSampledBlocks)); }
    ~EmulatedGpu() override {
        cuDevicePrimaryCtxReset_v2(0);
        sposSimtSetSample(0);
    }

    bool is_gpu() const override { return true; }

    uint64_t allocate(size_t bytes) override {
        CUdeviceptr pointer = 0;
        OK(cuMemAlloc_v2(&pointer, bytes));
        // Larger ones are, and a fill would take their memory.
        if (bytes < (size_t{64} << 10)) OK(cuMemsetD8Async(pointer, 0, bytes, nullptr));
        return pointer;
    }

    void write(uint64_t address, const void* source, size_t bytes) override {
        OK(cuMemcpyHtoDAsync_v2(address, source, bytes, nullptr));
        OK(cuStreamSynchronize(nullptr));
    }

    void read(void* target, uint64_t address, size_t bytes) override {
        OK(cuMemcpyDtoHAsync_v2(target, address, bytes, nullptr));
    }

    std::string run(const char* kernel, Grid grid, Grid block, const std::vector<void*>& parameters) override {
        CUmodule module = nullptr;
        CUfunction function = nullptr;
        OK(cuModuleLoadData(&module, ("spos-module " + find(kernel).first).c_str()));
        OK(cuModuleGetFunction(&function, module, kernel));
        OK(cuLaunchKernel(function, grid.x, grid.y, 1, block.x, block.y, 1, 0, nullptr,
                          const_cast<void**>(parameters.data()), nullptr));
        const CUresult result = cuStreamSynchronize(nullptr);
        const char* text = nullptr;
        sposSimtGetReport(&text);
        if (text != nullptr) return text;
        OK(result);
        cuModuleUnload(module);
        return "";
    }

    std::vector<int> parameter_sizes(const std::string& kernel) override { return find(kernel).second; }

    std::vector<std::string> kernels() override {
        std::vector<std::string> names;
        each([&](const char*, const char* name, const int*, int) { names.emplace_back(name); });
        return names;
    }

 private:
    template <class Body>
    static void each(Body&& body) {
        const char *module = nullptr, *name = nullptr;
        const int* sizes = nullptr;
        for (int i = 0, count = 0; sposGetKernel(i, &module, &name, &count, &sizes) == CUDA_SUCCESS && name; ++i) {
            body(module, name, sizes, count);
        }
    }

    static std::pair<std::string, std::vector<int>> find(const std::string& kernel) {
        std::pair<std::string, std::vector<int>> found;
        each([&](const char* module, const char* name, const int* sizes, int count) {
            if (kernel == name) found = {module, std::vector<int>(sizes, sizes + count)};
        });
        return found;
    }
};

}  // namespace

std::unique_ptr<Target> open_target() { return std::make_unique<EmulatedGpu>(); }
