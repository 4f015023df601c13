#include "executor.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "../toolchains/simt_runtime.h"
#include "access.h"
#include "arena.h"
#include "mma.h"

namespace spos_simt {

SPOS_API Index3 thread_index, block_index, block_size, grid_size;

}  // namespace spos_simt

namespace spos::simt {
namespace {

constexpr size_t kSharedGap = 128;
// The kind of a warp operation whose value is a lane's Fragments.
constexpr char kMatrixProduct = 'm';

std::string triple(unsigned x, unsigned y, unsigned z) {
    char text[40];
    std::snprintf(text, sizeof text, "(%u,%u,%u)", x, y, z);
    return text;
}

std::string hex(uint32_t value) {
    char text[16];
    std::snprintf(text, sizeof text, "0x%08x", value);
    return text;
}

}  // namespace

Executor::Executor() : stacks_(kMostThreadsPerBlock, fibre_main) {
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* context) {
            if (std::strstr(info->dlpi_name, "simt") == nullptr) return 0;
            for (int i = 0; i < info->dlpi_phnum; ++i) {
                if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
                const uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
                static_cast<Executor*>(context)->images_.emplace_back(start, start + info->dlpi_phdr[i].p_memsz);
            }
            return 0;
        },
        this);
}

bool Executor::is_own(uintptr_t address) const {
    if (stacks_.contains(address)) return true;
    const auto* bytes = reinterpret_cast<const uint8_t*>(address);
    if (bytes >= launch_->parameters.data() && bytes < launch_->parameters.data() + launch_->parameters.size())
        return true;
    const auto at = reinterpret_cast<uintptr_t>(this);
    if (address - at < sizeof *this) return true;
    return std::any_of(images_.begin(), images_.end(),
                       [&](const auto& image) { return address >= image.first && address < image.second; });
}

Failure Executor::run(const Launch& launch, Order& order) {
    launch_ = &launch;
    failure_ = {};
    aborted_ = false;
    thread_count_ = static_cast<unsigned>(launch.block.count());
    threads_.assign(thread_count_, Thread{});
    warp_epochs_.assign((thread_count_ + kWarp - 1) / kWarp, 0);
    for (int i = 0; i < launch.kernel->parameter_count; ++i) {
        pointers_[i] = const_cast<uint8_t*>(launch.parameters.data()) + static_cast<size_t>(i) * kParameterBytes;
    }
    spos_simt::grid_size = {launch.grid.x, launch.grid.y, launch.grid.z};
    spos_simt::block_size = {launch.block.x, launch.block.y, launch.block.z};
    // Blocks in an order that visits each once: start and stride are random, the stride prime to the count.
    const uint64_t all = launch.grid.count(),
                   blocks = sample_ == 0 ? all : std::min<uint64_t>(all, std::max(2u, sample_));
    uint64_t start = 0, stride = 1;
    if (order.shuffled()) {
        start = order.below(blocks);
        do {
            stride = 1 + order.below(blocks);
        } while (std::__gcd(stride, blocks) != 1);
    }
    for (uint64_t i = 0; i < blocks && !aborted_; ++i) {
        const uint64_t chosen = (start + i * stride) % blocks;
        run_block(blocks == all ? chosen : chosen * (all - 1) / (blocks - 1), order);
    }
    running_ = false;
    if (aborted_) stacks_.reset();
    launch_ = nullptr;
    return failure_;
}

void Executor::run_block(uint64_t block, Order& order) {
    block_ = block;
    block_epoch_ = 0;
    done_ = 0;
    spos_simt::block_index = {static_cast<unsigned>(block % launch_->grid.x),
                              static_cast<unsigned>(block / launch_->grid.x % launch_->grid.y),
                              static_cast<unsigned>(block / launch_->grid.x / launch_->grid.y)};
    Arena& arena = Arena::instance();
    shared_.clear();
    shared_next_ = arena.shared() + kSharedGap;
    if (launch_->shared_bytes != 0) shared_memory(this, "dynamic shared memory", launch_->shared_bytes, 0);
    std::fill(warp_epochs_.begin(), warp_epochs_.end(), 0);
    ready_.clear();
    for (unsigned t = 0; t < thread_count_; ++t) {
        threads_[t].state = State::kNew;
        ready_.push_back(thread_count_ - 1 - t);
    }
    new_segments();
    while (done_ < thread_count_ && !aborted_) {
        if (ready_.empty()) {
            release_barrier();
            continue;
        }
        std::swap(ready_[ready_.size() - 1 - order.below(ready_.size())], ready_.back());
        const unsigned next = ready_.back();
        ready_.pop_back();
        resume(next);
    }
    for (const SharedPiece& piece : shared_) arena.close(piece.address, piece.bytes, kUnmapped);
}

// Each warp begins a segment of its own.
void Executor::new_segments() {
    uint32_t segment = 0;
    for (unsigned t = 0; t < thread_count_; ++t) {
        if (t % kWarp == 0) {
            warp_epochs_[t / kWarp] = 0;
            segment = AccessLog::instance().add_segment({block_, block_epoch_, t / kWarp, 0});
        }
        threads_[t].segment = segment;
    }
}

void Executor::resume(unsigned thread) {
    Thread& next = threads_[thread];
    current_ = thread;
    if (next.state == State::kNew) next.context = stacks_.take();
    next.state = State::kReady;
    const Extent size = launch_->block;
    spos_simt::thread_index = {thread % size.x, thread / size.x % size.y, thread / size.x / size.y};
    AccessLog::instance().set_thread(next.segment << kLaneBits | thread % kWarp);
    running_ = true;
    stacks_.enter(&scheduler_, next.context);
    running_ = false;
    if (next.state != State::kDone) return;
    stacks_.give_back(next.context);
    ++done_;
}

void Executor::yield() { FibreStacks::leave(&current().context, scheduler_); }

void Executor::fibre_main() {
    FibreStacks::entered();
    Executor& executor = instance();
    for (;;) {
        const Launch& launch = *executor.launch_;
        const spos_simt::Index3 block = spos_simt::block_index;
        launch.kernel->invoke(executor.pointers_, launch.grid.x, launch.grid.y, block.x, block.y);
        executor.current().state = State::kDone;
        executor.yield();
    }
}

void Executor::fail(CUresult code, const std::string& what, const void* pc, int line) {
    running_ = false;
    failure_ = {code, "kernel " + std::string(launch_->kernel->name) + ", " + describe(block_, current_) + ": " + what +
                          where(pc, line)};
    aborted_ = true;
    yield();
    __builtin_unreachable();
}

void Executor::barrier(int line) {
    current().state = State::kAtBarrier;
    current().line = line;
    yield();
}

// No thread can go on: a barrier that all have reached, or a mistake.
void Executor::release_barrier() {
    int line = 0;
    for (const Thread& thread : threads_) {
        if (thread.state == State::kDone) continue;
        if (line == 0) line = thread.line;
        if (thread.state == State::kAtBarrier && thread.line == line) continue;
        failure_ = {CUDA_ERROR_LAUNCH_FAILED,
                    "kernel " + std::string(launch_->kernel->name) +
                        ": threads of a block wait for different things: " + describe_waiting()};
        aborted_ = true;
        return;
    }
    ++block_epoch_;
    new_segments();
    for (unsigned t = thread_count_; t-- > 0;) {
        if (threads_[t].state != State::kAtBarrier) continue;
        threads_[t].state = State::kReady;
        ready_.push_back(t);
    }
}

std::string Executor::describe_waiting() const {
    std::string text;
    for (State state : {State::kAtBarrier, State::kAtWarpOperation, State::kDone}) {
        const auto found =
            std::find_if(threads_.begin(), threads_.end(), [&](const Thread& t) { return t.state == state; });
        if (found == threads_.end()) continue;
        if (!text.empty()) text += "; ";
        text += describe(block_, static_cast<unsigned>(found - threads_.begin()));
        text += state == State::kDone        ? " has ended"
                : state == State::kAtBarrier ? " is at the barrier of line " + std::to_string(found->line)
                                             : " is at the warp operation of line " + std::to_string(found->line) +
                                                   " with mask " + hex(found->mask);
    }
    return text;
}

uint64_t Executor::warp_operation(char kind, uint32_t mask, uint64_t value, int argument, int line) {
    Thread& self = current();
    const unsigned lane = current_ % kWarp, first = current_ - lane;
    if ((mask >> lane & 1) == 0) {
        fail(CUDA_ERROR_LAUNCH_FAILED, "mask " + hex(mask) + " lacks the calling lane " + std::to_string(lane), nullptr,
             line);
    }
    self.state = State::kAtWarpOperation;
    self.kind = kind;
    self.mask = mask;
    self.value = value;
    self.argument = argument;
    self.line = line;
    if (complete_warp_operation(first, mask)) {
        for (unsigned i = kWarp; i-- > 0;) {
            if ((mask >> i & 1) == 0) continue;
            threads_[first + i].state = State::kReady;
            ready_.push_back(first + i);
        }
    }
    yield();
    return self.result;
}

// True once all lanes of the mask have come; their results are then set.
bool Executor::complete_warp_operation(unsigned first, uint32_t mask) {
    const Thread& self = current();
    for (unsigned i = 0; i < kWarp; ++i) {
        if ((mask >> i & 1) == 0) continue;
        const unsigned t = first + i;
        if (t >= thread_count_ || threads_[t].state == State::kDone) {
            fail(CUDA_ERROR_LAUNCH_FAILED,
                 "mask " + hex(mask) + " names lane " + std::to_string(i) + ", which has ended", nullptr, self.line);
        }
        if (threads_[t].state != State::kAtWarpOperation) return false;
        if (threads_[t].mask == mask && threads_[t].kind != self.kind) {
            fail(CUDA_ERROR_LAUNCH_FAILED, "lanes of a warp meet at different operations", nullptr, self.line);
        }
        // .aligned says that it must be one instruction.
        if (self.kind == kMatrixProduct && threads_[t].line != self.line) {
            fail(CUDA_ERROR_LAUNCH_FAILED,
                 "lanes of a warp meet at different products, of lines " + std::to_string(threads_[t].line) + " and " +
                     std::to_string(self.line),
                 nullptr);
        }
        if (threads_[t].mask != mask) {
            fail(CUDA_ERROR_LAUNCH_FAILED,
                 "lanes of a warp meet with masks " + hex(mask) + " and " + hex(threads_[t].mask), nullptr, self.line);
        }
    }
    if (self.kind == kMatrixProduct) {
        std::array<const Fragments*, kWarp> lanes;
        for (unsigned i = 0; i < kWarp; ++i) lanes[i] = reinterpret_cast<const Fragments*>(threads_[first + i].value);
        multiply(lanes);
        return true;
    }
    uint32_t votes = 0, segment = 0;
    if (self.kind == 's') {
        segment =
            AccessLog::instance().add_segment({block_, block_epoch_, first / kWarp, ++warp_epochs_[first / kWarp]});
    }
    for (unsigned i = 0; i < kWarp; ++i) {
        if (mask >> i & 1 && threads_[first + i].value != 0) votes |= 1u << i;
    }
    for (unsigned i = 0; i < kWarp; ++i) {
        if ((mask >> i & 1) == 0) continue;
        Thread& thread = threads_[first + i];
        const int lane = static_cast<int>(i);
        int source = lane;
        switch (thread.kind) {
            case 's':
                thread.segment = segment;
                continue;
            case 'b':
                thread.result = votes;
                continue;
            case 'i':
                source = thread.argument & 31;
                break;
            case 'd':
                source = lane + thread.argument > 31 ? lane : lane + thread.argument;
                break;
            case 'u':
                source = lane - thread.argument < 0 ? lane : lane - thread.argument;
                break;
            default:
                source = lane ^ (thread.argument & 31);
        }
        if ((mask >> source & 1) == 0) {
            fail(CUDA_ERROR_LAUNCH_FAILED,
                 "lane " + std::to_string(i) + " reads lane " + std::to_string(source) + ", which mask " + hex(mask) +
                     " lacks",
                 nullptr, thread.line);
        }
        thread.result = threads_[first + static_cast<unsigned>(source)].value;
    }
    return true;
}

void* Executor::shared_memory(const void* place, const char* name, size_t bytes, int line) {
    for (const SharedPiece& piece : shared_) {
        if (piece.place == place) return reinterpret_cast<void*>(piece.address);
    }
    size_t total = bytes;
    for (const SharedPiece& piece : shared_) total += piece.bytes;
    if (total > kMostSharedBytes) {
        fail(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
             "more than " + std::to_string(kMostSharedBytes) + " bytes of shared memory", nullptr, line);
    }
    const uintptr_t address = shared_next_;
    shared_next_ += (bytes + kSharedGap - 1) / kSharedGap * kSharedGap + kSharedGap;
    Arena::instance().open(address, bytes);
    shared_.push_back({place, name, address, bytes});
    return reinterpret_cast<void*>(address);
}

void* Executor::dynamic_shared_memory() {
    if (launch_->shared_bytes == 0) fail(CUDA_ERROR_LAUNCH_FAILED, "launched without dynamic shared memory", nullptr);
    return reinterpret_cast<void*>(shared_.front().address);
}

std::string Executor::describe(uint64_t block, unsigned thread) const {
    const Extent grid = launch_->grid, size = launch_->block;
    std::string text =
        "block " + triple(static_cast<unsigned>(block % grid.x), static_cast<unsigned>(block / grid.x % grid.y),
                          static_cast<unsigned>(block / grid.x / grid.y));
    if (thread == ~0u) return text;
    return text + " thread " + triple(thread % size.x, thread / size.x % size.y, thread / size.x / size.y);
}

std::string Executor::describe_address(uintptr_t address) const {
    const Arena& arena = Arena::instance();
    if (arena.is_shared(address)) {
        const SharedPiece* nearest = nullptr;
        for (const SharedPiece& piece : shared_) {
            if (piece.address <= address) nearest = &piece;
        }
        if (nearest == nullptr) return "shared memory";
        return "byte " + std::to_string(address - nearest->address) + " of shared " + nearest->name + " (" +
               std::to_string(nearest->bytes) + " bytes)";
    }
    uintptr_t start = 0;
    const Buffer* buffer = arena.nearest(address, &start);
    if (buffer == nullptr) return "memory before any buffer";
    std::string text = "byte " + std::to_string(address - start) + " of buffer " + std::to_string(buffer->number) +
                       " (" + std::to_string(buffer->bytes) + " bytes";
    for (int i = 0; launch_ != nullptr && i < launch_->kernel->parameter_count; ++i) {
        if (launch_->kernel->parameter_sizes[i] != 8) continue;
        uint64_t argument = 0;
        std::memcpy(&argument, launch_->parameters.data() + static_cast<size_t>(i) * kParameterBytes, sizeof argument);
        if (argument >= start && argument - start <= buffer->bytes) text += ", argument " + std::to_string(i);
    }
    return text + ")";
}

// ", at native/kernels/relu.cu:12", from the library's debug information.
std::string Executor::where(const void* pc, int line) const {
    Dl_info info;
    if (pc == nullptr || dladdr(pc, &info) == 0 || info.dli_fname == nullptr) {
        return line > 0 ? ", at line " + std::to_string(line) + " of its file" : "";
    }
    char command[4096];
    const uintptr_t offset = reinterpret_cast<uintptr_t>(pc) - reinterpret_cast<uintptr_t>(info.dli_fbase) - 1;
    std::snprintf(command, sizeof command, "addr2line -i -e '%s' 0x%zx 2>/dev/null", info.dli_fname,
                  static_cast<size_t>(offset));
    std::string text;
    if (FILE* output = popen(command, "r")) {
        char found[1024];
        while (std::fgets(found, sizeof found, output) != nullptr) {
            std::string place(found, std::strcspn(found, " \n"));
            // Not the loads of a lane itself, but what asked for them.
            if (place.find("/toolchains/") != std::string::npos || place.find("/lanes.h") != std::string::npos)
                continue;
            const size_t folder = place.find("native/");
            text = ", at " + (folder == std::string::npos ? place : place.substr(folder));
            break;
        }
        pclose(output);
    }
    return text;
}

}  // namespace spos::simt

// ---- what kernels call --------------------------------------------------------------------------------------------
namespace spos_simt {

using spos::simt::Executor;

SPOS_API void* shared_memory(const void* place, const char* name, size_t bytes, int line) {
    return Executor::instance().shared_memory(place, name, bytes, line);
}
SPOS_API void* dynamic_shared_memory() { return Executor::instance().dynamic_shared_memory(); }
SPOS_API void barrier(int line) { Executor::instance().barrier(line); }
SPOS_API void warp_barrier(uint32_t mask, int line) { Executor::instance().warp_operation('s', mask, 0, 0, line); }
SPOS_API uint64_t shuffle(char kind, uint32_t mask, uint64_t value, int lane, int line) {
    return Executor::instance().warp_operation(kind, mask, value, lane, line);
}
SPOS_API uint32_t ballot(uint32_t mask, bool predicate, int line) {
    return static_cast<uint32_t>(Executor::instance().warp_operation('b', mask, predicate, 0, line));
}
SPOS_API void multiply_fragments(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], int line) {
    const spos::simt::Fragments mine{d, a, b};
    Executor::instance().warp_operation(spos::simt::kMatrixProduct, 0xFFFFFFFF, reinterpret_cast<uint64_t>(&mine), 0,
                                        line);
}

}  // namespace spos_simt
