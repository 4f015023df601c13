// The checks of each access, and the entry points that g++'s instrumentation calls before every load and store.
#include "access.h"

#include <algorithm>
#include <cstring>

#include "arena.h"
#include "executor.h"
#include "gpu.h"

namespace spos::simt {

void AccessLog::begin(std::vector<IdRange> unordered) {
    unordered_ = std::move(unordered);
    segments_.clear();
    first_segment_ = next_segment_;
    settled_ = unordered_.empty() ? first_segment_ << kLaneBits : unordered_.front().first;
    many_blocks_ = add_segment({~uint64_t{0}, 0, kManyBlocks, 0});
    many_warps_ = 0;
    me_ = many_blocks_ << kLaneBits;
}

uint32_t AccessLog::add_segment(const Segment& segment) {
    segments_.push_back(segment);
    return next_segment_++;
}

uint32_t AccessLog::many_warps_segment(uint64_t block, uint32_t epoch) {
    if (many_warps_ == 0 || many_warps_block_ != block || many_warps_epoch_ != epoch) {
        many_warps_ = add_segment({block, epoch, kManyWarps, 0});
        many_warps_block_ = block;
        many_warps_epoch_ = epoch;
    }
    return many_warps_;
}

void AccessLog::restart() {
    next_segment_ = 2;
    readers_.clear();
    known_readers_.clear();
}

const IdRange* AccessLog::unordered(uint32_t id) const {
    for (const IdRange& range : unordered_) {
        if (id >= range.first && id <= range.last) return &range;
    }
    return nullptr;
}

// Whether an access by `earlier` and one by the thread that runs may happen in either order.
bool AccessLog::conflicts(uint32_t earlier) const {
    if (earlier < settled_ || earlier == me_) return false;
    if (earlier >= kReaders) return conflicts(readers(earlier).last) || conflicts(readers(earlier).others);
    if ((earlier >> kLaneBits) < first_segment_) return unordered(earlier) != nullptr;
    const Segment& theirs = segment(earlier);
    const Segment& mine = segment(me_);
    if ((earlier >> kLaneBits) == (me_ >> kLaneBits)) return true;  // two lanes of a warp
    if (theirs.block != mine.block) return true;
    if (theirs.block_epoch < mine.block_epoch) return false;
    return !(theirs.warp == mine.warp && theirs.warp_epoch < mine.warp_epoch);
}

uint32_t AccessLog::merge_readers(uint32_t earlier) {
    if (!conflicts(earlier)) return me_;
    if (earlier < kReaders) {
        const IdRange* range = (earlier >> kLaneBits) < first_segment_ ? unordered(earlier) : nullptr;
        return range == nullptr ? merge_segments(earlier) : readers_id(range->first, me_);
    }
    // Those that come before this thread are forgotten: what comes after it comes after them. The last may be of this
    // launch, the others are of earlier ones.
    const Readers several = readers(earlier);
    if (several.last == me_) return earlier;
    const bool of_this_launch = (several.last >> kLaneBits) >= first_segment_;
    const uint32_t last = of_this_launch ? (conflicts(several.last) ? merge_segments(several.last) : me_) : me_;
    uint32_t others = of_this_launch ? several.others : earlier, kept = 0;
    for (; others != 0; others = others >= kReaders ? readers(others).others : 0) {
        const uint32_t one = others >= kReaders ? readers(others).last : others;
        if (const IdRange* range = unordered(one)) kept = kept == 0 ? range->first : readers_id(kept, range->first);
    }
    return kept == 0 ? last : readers_id(kept, last);
}

uint32_t AccessLog::readers_id(uint32_t others, uint32_t last) {
    const uint64_t key = uint64_t{others} << 32 | last;
    const auto [at, added] = known_readers_.try_emplace(key, kReaders + static_cast<uint32_t>(readers_.size()));
    if (added) readers_.push_back({others, last});
    return at->second;
}

uint32_t AccessLog::culprit(uint32_t id) const {
    while (id >= kReaders) id = conflicts(readers(id).last) ? readers(id).last : readers(id).others;
    return id;
}

// One id that stands for two readers of this launch.
uint32_t AccessLog::merge_segments(uint32_t earlier) {
    const Segment& theirs = segment(earlier);
    const Segment& mine = segment(me_);
    if ((earlier >> kLaneBits) == (me_ >> kLaneBits)) return (me_ & ~((1u << kLaneBits) - 1)) | kManyLanes;
    if (theirs.block != mine.block) return many_blocks_ << kLaneBits | kManyBlocks;
    return many_warps_segment(mine.block, mine.block_epoch) << kLaneBits | kManyWarps;
}

std::string AccessLog::describe(uint32_t id) const {
    if ((id >> kLaneBits) < first_segment_) {
        const IdRange* range = unordered(id);
        return range ? range->what + ", which no event or synchronisation orders before this" : "earlier work";
    }
    const Segment& by = segment(id);
    const uint32_t lane = id & ((1u << kLaneBits) - 1);
    if (lane == kManyBlocks || by.block == ~uint64_t{0}) return "several blocks";
    const unsigned thread = by.warp * kWarp + lane;
    if (lane < kLanes) return Executor::instance().describe(by.block, thread);
    return "several threads of " + Executor::instance().describe(by.block, ~0u);
}

void AccessLog::fail_race(uintptr_t address, unsigned bytes, const char* verb, uint32_t other, const char* other_verb,
                          const void* pc) {
    Executor& executor = Executor::instance();
    other = culprit(other);
    executor.fail(CUDA_ERROR_LAUNCH_FAILED,
                  "race: " + std::string(verb) + " " + std::to_string(bytes) + " bytes at " +
                      executor.describe_address(address) + ", " + other_verb + " by " + describe(other) +
                      " with no barrier between",
                  pc);
}

void AccessLog::check(uintptr_t address, unsigned bytes, bool write, bool atomic, const void* pc) {
    Arena& arena = Arena::instance();
    Executor& executor = Executor::instance();
    const char* verb = write ? "writes" : "reads";
    if (!arena.holds(address)) {
        if (executor.is_own(address)) return;
        executor.fail(CUDA_ERROR_ILLEGAL_ADDRESS,
                      std::string(verb) + " " + std::to_string(bytes) + " bytes at " +
                          (address < 4096 ? "a null pointer" : "an address that is not the device's"),
                      pc);
    }
    if ((address & (bytes - 1)) != 0) {
        executor.fail(CUDA_ERROR_MISALIGNED_ADDRESS,
                      "misaligned: " + std::string(verb) + " " + std::to_string(bytes) + " bytes at " +
                          executor.describe_address(address),
                      pc);
    }
    Cell* cell = arena.cell(address);
    for (unsigned i = 0; i < bytes; ++i, ++cell) {
        if (cell->write < kUnwritten && !arena.touch(address + i)) {
            executor.fail(CUDA_ERROR_ILLEGAL_ADDRESS,
                          (cell->write == kFreed ? "use after free: " : "out of bounds: ") + std::string(verb) + " " +
                              std::to_string(bytes) + " bytes at " + executor.describe_address(address + i),
                          pc);
        }
        const bool both_atomic = atomic && (cell->write & ((1u << kLaneBits) - 1)) == kAtomic;
        if (!both_atomic && cell->write >= settled_ && conflicts(cell->write)) {
            fail_race(address + i, bytes, verb, cell->write, "written", pc);
        }
        if (!write || atomic) {
            if (cell->write == kUnwritten) {
                executor.fail(CUDA_ERROR_LAUNCH_FAILED,
                              "uninitialised: " + std::string(verb) + " " + std::to_string(bytes) +
                                  " bytes never written at " + executor.describe_address(address + i),
                              pc);
            }
        }
        if (!write) {
            if (cell->read != me_) cell->read = cell->read < settled_ ? me_ : merge_readers(cell->read);
            continue;
        }
        if (cell->read >= settled_ && conflicts(cell->read)) {
            fail_race(address + i, bytes, verb, cell->read, "read", pc);
        }
        cell->write = atomic ? (me_ & ~((1u << kLaneBits) - 1)) | kAtomic : me_;
        cell->read = 0;
    }
}

std::string AccessLog::check_range(uintptr_t address, size_t bytes, bool write) {
    Arena& arena = Arena::instance();
    Executor& executor = Executor::instance();
    for (size_t i = 0; i < bytes; ++i) {
        Cell* cell = arena.cell(address + i);
        if (cell->write < kUnwritten && !arena.touch(address + i)) {
            return (cell->write == kFreed ? "use after free at " : "out of bounds at ") +
                   executor.describe_address(address + i);
        }
        for (uint32_t other : {cell->write, write ? cell->read : 0}) {
            if (!conflicts(other)) continue;
            other = culprit(other);
            return "race between streams at " + executor.describe_address(address + i) + " with " + describe(other);
        }
        if (!write && cell->write == kUnwritten) {
            return "uninitialised: memory never written at " + executor.describe_address(address + i);
        }
        if (write) {
            *cell = {me_, 0};
        } else {
            cell->read = cell->read < settled_ ? me_ : merge_readers(cell->read);
        }
    }
    return {};
}

}  // namespace spos::simt

// ---- what a kernel's arithmetic calls where it overflows (driver/kernel_arithmetic.cpp) ----------------------------
extern "C" SPOS_API void spos_kernel_overflow(const char* what, const char* file, unsigned line) {
    if (!spos::simt::Gpu::runs_kernel()) return;
    spos::simt::Executor& executor = spos::simt::Executor::instance();
    const char* folder = std::strstr(file, "native/");
    executor.fail(
        CUDA_ERROR_LAUNCH_FAILED,
        std::string("overflow: ") + what + ", at " + (folder != nullptr ? folder : file) + ":" + std::to_string(line),
        nullptr);
}

// ---- what g++ -fsanitize=thread calls ---------------------------------------------------------------------------
namespace {

inline void check(const void* address, unsigned bytes, bool write, const void* pc) {
    if (!spos::simt::Gpu::runs_kernel()) return;
    spos::simt::Gpu::current().log.check(reinterpret_cast<uintptr_t>(address), bytes, write, false, pc);
}

void check_bytes(const void* address, size_t bytes, bool write, const void* pc) {
    for (size_t i = 0; i < bytes; ++i) check(static_cast<const char*>(address) + i, 1, write, pc);
}

}  // namespace

#define SPOS_HOOK extern "C" SPOS_API
#define SPOS_ACCESS(bytes)                                                                                        \
    SPOS_HOOK void __tsan_read##bytes(void* p) { check(p, bytes, false, __builtin_return_address(0)); }           \
    SPOS_HOOK void __tsan_write##bytes(void* p) { check(p, bytes, true, __builtin_return_address(0)); }           \
    SPOS_HOOK void __tsan_unaligned_read##bytes(void* p) { check(p, bytes, false, __builtin_return_address(0)); } \
    SPOS_HOOK void __tsan_unaligned_write##bytes(void* p) { check(p, bytes, true, __builtin_return_address(0)); } \
    SPOS_HOOK void __tsan_volatile_read##bytes(void* p) { check(p, bytes, false, __builtin_return_address(0)); }  \
    SPOS_HOOK void __tsan_volatile_write##bytes(void* p) { check(p, bytes, true, __builtin_return_address(0)); }

SPOS_HOOK void __tsan_init() {}
SPOS_ACCESS(1)
SPOS_ACCESS(2)
SPOS_ACCESS(4)
SPOS_ACCESS(8)
SPOS_ACCESS(16)
SPOS_HOOK void __tsan_read_range(void* p, size_t bytes) { check_bytes(p, bytes, false, __builtin_return_address(0)); }
SPOS_HOOK void __tsan_write_range(void* p, size_t bytes) { check_bytes(p, bytes, true, __builtin_return_address(0)); }
SPOS_HOOK void __tsan_vptr_update(void**, void*) {}
SPOS_HOOK void __tsan_vptr_read(void**) {}

namespace spos_simt {

SPOS_API void check_vector(const void* address, unsigned bytes, bool write) {
    check(address, bytes, write, __builtin_return_address(0));
}

SPOS_API void check_atomic(const void* address, unsigned bytes) {
    spos::simt::AccessLog::instance().check(reinterpret_cast<uintptr_t>(address), bytes, true, true,
                                            __builtin_return_address(0));
}

}  // namespace spos_simt
