// Runs the blocks of a launch, one after another, their threads as fibres in an order that the seed chooses; and
// answers what threads ask for: barriers, warp operations, shared memory, checks of each access.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../abi/cuda_driver.h"
#include "../toolchains/kernel_entry.h"
#include "fibre.h"

namespace spos::simt {

// Something that a GPU would break on.
struct Failure {
    CUresult code = CUDA_SUCCESS;
    std::string text;
};

struct Extent {
    unsigned x, y, z;
    uint64_t count() const { return static_cast<uint64_t>(x) * y * z; }
};

struct Launch {
    const SposKernelEntry* kernel;
    Extent grid, block;
    unsigned shared_bytes;
    std::vector<uint8_t> parameters;  // kParameterBytes for each
};

constexpr size_t kParameterBytes = 16;
constexpr unsigned kMostThreadsPerBlock = 1024;
constexpr unsigned kWarp = 32;
constexpr size_t kMostSharedBytes = size_t{48} << 10;

// Small, fast, and good enough for orders (Marsaglia, "Xorshift RNGs", 2003, with a multiplication).
class Order {
 public:
    explicit Order(uint64_t seed = 0) : state_(seed), shuffled_(seed != 0) {}
    bool shuffled() const { return shuffled_; }
    size_t below(size_t count) {
        if (!shuffled_) return 0;
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return static_cast<size_t>((state_ * 0x2545F4914F6CDD1Dull) >> 33) % count;
    }

 private:
    uint64_t state_;
    bool shuffled_;
};

class Executor {
 public:
    Executor();
    // Of the GPU whose turn it is.
    static Executor& instance();

    // Runs all blocks; the order is advanced. Memory must be accessible.
    Failure run(const Launch& launch, Order& order);

    // How many blocks of a launch run; 0 for all.
    void set_sample(unsigned blocks) { sample_ = blocks; }

    // ---- for the thread that runs -------------------------------------------------------------------------------
    bool running() const { return running_; }
    // Ends the launch: the thread, and all others, are left where they are.
    [[noreturn]] void fail(CUresult code, const std::string& what, const void* pc, int line = 0);
    void barrier(int line);
    uint64_t warp_operation(char kind, uint32_t mask, uint64_t value, int argument, int line);
    void* shared_memory(const void* place, const char* name, size_t bytes, int line);
    void* dynamic_shared_memory();

    // Memory that is not the device's but is the thread's own to use: its stack, parameters, constants.
    bool is_own(uintptr_t address) const;
    // "block (x,y,z) thread (x,y,z)" of a thread of this launch.
    std::string describe(uint64_t block, unsigned thread) const;
    // "byte 12 of buffer 7 (argument 0, 400 bytes)".
    std::string describe_address(uintptr_t address) const;

 private:
    enum class State { kNew, kReady, kAtBarrier, kAtWarpOperation, kDone };
    struct Thread {
        State state;
        FibreContext context;
        uint32_t segment;
        int line;
        char kind;
        uint32_t mask;
        uint64_t value, result;
        int argument;
    };
    struct SharedPiece {
        const void* place;
        const char* name;
        uintptr_t address;
        size_t bytes;
    };

    static void fibre_main();
    void run_block(uint64_t block, Order& order);
    void resume(unsigned thread);
    void yield();
    void release_barrier();
    bool complete_warp_operation(unsigned first, uint32_t mask);
    void new_segments();
    std::string describe_waiting() const;
    std::string where(const void* pc, int line) const;
    Thread& current() { return threads_[current_]; }

    unsigned sample_ = 0;
    FibreStacks stacks_;
    FibreContext scheduler_ = nullptr;
    bool running_ = false, aborted_ = false;
    Failure failure_;
    const Launch* launch_ = nullptr;
    uint64_t block_ = 0;
    uint32_t block_epoch_ = 0;
    unsigned current_ = 0, thread_count_ = 0, done_ = 0;
    std::vector<Thread> threads_;
    std::vector<unsigned> ready_;
    std::vector<uint32_t> warp_epochs_;
    std::vector<SharedPiece> shared_;
    uintptr_t shared_next_ = 0;
    void* pointers_[64] = {};
    std::vector<std::pair<uintptr_t, uintptr_t>> images_;  // of the libraries that hold kernels
};

}  // namespace spos::simt
