// Who accesses memory, as 32-bit ids in the shadow: a segment and a lane. A segment is what one warp does between two
// barriers; a copy or a fill has one of its own. Segments count up, so older work has smaller ids.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace spos::simt {

// What an id's low 6 bits say beyond a lane of the warp.
enum : uint32_t { kLanes = 32, kManyLanes = 32, kManyWarps = 33, kManyBlocks = 34, kAtomic = 35, kLaneBits = 6 };

// Ids from here on stand for several readers: Readers.
constexpr uint32_t kReaders = uint32_t{1} << 31;

struct Segment {
    uint64_t block;  // of the launch, counted through the grid
    uint32_t block_epoch, warp, warp_epoch;
};

// Readers of a byte that no event orders: the last one, and the id of the others, which may stand for several again.
struct Readers {
    uint32_t others, last;
};

// Ids of earlier work that is not ordered before the work that runs: it was issued to another stream, without an event.
struct IdRange {
    uint32_t first, last;
    std::string what;
};

class AccessLog {
 public:
    // Of the GPU whose turn it is.
    static AccessLog& instance();

    // Begins a launch, copy or fill. `unordered` is sorted by first.
    void begin(std::vector<IdRange> unordered);
    uint32_t first_id() const { return first_segment_ << kLaneBits; }
    uint32_t last_id() const { return (next_segment_ << kLaneBits) - 1; }
    // How many segments there may still be; when few are left the arena is aged and counting starts anew.
    bool nearly_full() const { return next_segment_ > (uint32_t{1} << 24); }
    void restart();

    uint32_t add_segment(const Segment& segment);
    void set_thread(uint32_t id) { me_ = id; }
    uint32_t many_warps_segment(uint64_t block, uint32_t epoch);

    // One access of a kernel's thread; ends the launch if it is wrong.
    void check(uintptr_t address, unsigned bytes, bool write, bool atomic, const void* pc);
    // A range that a copy or fill touches; what is wrong with it, or an empty text.
    std::string check_range(uintptr_t address, size_t bytes, bool write);

 private:
    bool conflicts(uint32_t earlier) const;
    // The id that stands for what has read a byte so far and this thread.
    uint32_t merge_readers(uint32_t earlier);
    uint32_t merge_segments(uint32_t earlier);
    uint32_t readers_id(uint32_t others, uint32_t last);
    // The one of several readers that conflicts with the thread that runs; an id of one reader is itself.
    uint32_t culprit(uint32_t id) const;
    const Readers& readers(uint32_t id) const { return readers_[id - kReaders]; }
    const IdRange* unordered(uint32_t id) const;
    const Segment& segment(uint32_t id) const { return segments_[(id >> kLaneBits) - first_segment_]; }
    std::string describe(uint32_t id) const;
    [[noreturn]] void fail_race(uintptr_t address, unsigned bytes, const char* verb, uint32_t other,
                                const char* other_verb, const void* pc);

    uint32_t me_ = 0, first_segment_ = 2, next_segment_ = 2;
    uint32_t many_blocks_ = 0, many_warps_ = 0, many_warps_epoch_ = 0;
    uint64_t many_warps_block_ = 0;
    uint32_t settled_ = 0;  // smaller ids belong to earlier work, ordered before this
    std::vector<Segment> segments_;
    std::vector<IdRange> unordered_;
    std::vector<Readers> readers_;  // ids from kReaders on
    std::unordered_map<uint64_t, uint32_t> known_readers_;
};

}  // namespace spos::simt
