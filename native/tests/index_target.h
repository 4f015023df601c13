// Where index_test.cpp runs its kernels: a device whose memory takes room only where it is touched, and which runs a
// few blocks of each launch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct Grid {
    unsigned x = 1, y = 1;
};

class Target {
 public:
    virtual ~Target() = default;

    // Whether a block has threads, as on a GPU, or is one.
    virtual bool is_gpu() const = 0;
    // Zeros.
    virtual uint64_t allocate(size_t bytes) = 0;
    virtual void write(uint64_t address, const void* source, size_t bytes) = 0;
    virtual void read(void* target, uint64_t address, size_t bytes) = 0;
    // The first block, the last, and some between. What was found wrong; empty if nothing was.
    virtual std::string run(const char* kernel, Grid grid, Grid block, const std::vector<void*>& parameters) = 0;
    // The sizes of a kernel's parameters; empty if there is no such kernel.
    virtual std::vector<int> parameter_sizes(const std::string& kernel) = 0;
    virtual std::vector<std::string> kernels() = 0;
};

// A fresh one, with no memory allocated; one at a time.
std::unique_ptr<Target> open_target();

// Five: the block in the middle is the last one of the first half.
constexpr unsigned kSampledBlocks = 5;
