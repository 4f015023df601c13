// index_test.cpp's target on the CPU: kernels that were compiled with checks of their arithmetic, in memory far from
// all other, so that a wrong address is one that nothing lies at.
#include <dlfcn.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstring>

#include "../abi/cuda_driver.h"
#include "../toolchains/kernel_entry.h"
#include "driver.h"
#include "index_target.h"

namespace {

std::string g_overflow;

class Cpu : public Target {
 public:
    Cpu() {
        void* memory = mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        REQUIRE(memory != MAP_FAILED);
        base_ = reinterpret_cast<uint64_t>(memory);
        next_ = base_ + kGap;
    }
    ~Cpu() override { munmap(reinterpret_cast<void*>(base_), kBytes); }

    bool is_gpu() const override { return false; }

    uint64_t allocate(size_t bytes) override {
        // Kernels may load a vector beyond what they use.
        const size_t rounded = (bytes + kPage - 1) / kPage * kPage;
        REQUIRE(next_ + rounded + kGap < base_ + kBytes);
        const uint64_t address = next_;
        REQUIRE(mprotect(reinterpret_cast<void*>(address), rounded, PROT_READ | PROT_WRITE) == 0);
        next_ += rounded + kGap;
        return address;
    }

    void write(uint64_t address, const void* source, size_t bytes) override {
        std::memcpy(reinterpret_cast<void*>(address), source, bytes);
    }
    void read(void* target, uint64_t address, size_t bytes) override {
        std::memcpy(target, reinterpret_cast<const void*>(address), bytes);
    }

    std::string run(const char* kernel, Grid grid, Grid, const std::vector<void*>& parameters) override {
        g_overflow.clear();
        const uint64_t all = uint64_t{grid.x} * grid.y, blocks = all < kSampledBlocks ? all : kSampledBlocks;
        for (uint64_t i = 0; i < blocks; ++i) {
            const uint64_t block = blocks == all ? i : i * (all - 1) / (blocks - 1);
            find(kernel)->invoke(const_cast<void**>(parameters.data()), grid.x, grid.y,
                                 static_cast<unsigned>(block % grid.x), static_cast<unsigned>(block / grid.x));
        }
        return g_overflow;
    }

    std::vector<int> parameter_sizes(const std::string& kernel) override {
        const SposKernelEntry* entry = find(kernel);
        if (entry == nullptr) return {};
        return std::vector<int>(entry->parameter_sizes, entry->parameter_sizes + entry->parameter_count);
    }

    std::vector<std::string> kernels() override {
        std::vector<std::string> names;
        for (const SposKernelEntry* entry : table()) names.emplace_back(entry->name);
        return names;
    }

 private:
    static constexpr size_t kBytes = size_t{2} << 40, kGap = size_t{32} << 30, kPage = 4096;

    static const std::vector<const SposKernelEntry*>& table() {
        static const std::vector<const SposKernelEntry*> entries = [] {
            void* library = dlopen(SPOS_CHECKED_KERNELS, RTLD_NOW | RTLD_LOCAL);
            INFO((library == nullptr ? dlerror() : ""));
            REQUIRE(library != nullptr);
            using Table = const SposKernelEntry* const* (*)(int*);
            int count = 0;
            const auto found = reinterpret_cast<Table>(dlsym(library, "spos_kernel_table"))(&count);
            return std::vector<const SposKernelEntry*>(found, found + count);
        }();
        return entries;
    }

    static const SposKernelEntry* find(const std::string& kernel) {
        for (const SposKernelEntry* entry : table()) {
            if (kernel == entry->name) return entry;
        }
        return nullptr;
    }

    uint64_t base_ = 0, next_ = 0;
};

}  // namespace

// What the kernels call where their arithmetic overflows (driver/kernel_arithmetic.cpp).
extern "C" SPOS_API void spos_kernel_overflow(const char* what, const char* file, unsigned line) {
    if (!g_overflow.empty()) return;
    g_overflow = std::string("overflow: ") + what + ", at " + file + ":" + std::to_string(line);
    // The access that follows may end the program.
    std::fprintf(stderr, "%s\n", g_overflow.c_str());
}

std::unique_ptr<Target> open_target() { return std::make_unique<Cpu>(); }
