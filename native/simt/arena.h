// The emulated device's memory: a range of addresses that only running kernels and copies may touch, and beside it the
// shadow, which holds for each byte who wrote and who read it last.
//
// Where launches are sampled, large buffers are sparse: addresses that take memory where they are touched only. They
// read as zeros, and count as written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <unordered_map>
#include <vector>

namespace spos::simt {

// Who accessed a byte: an id of access.h, or one of the states below.
struct Cell {
    uint32_t write;
    uint32_t read;
};

enum : uint32_t {
    kUnmapped = 0,   // belongs to no buffer
    kFreed = 1,      // belonged to one
    kUnwritten = 2,  // of a buffer, but holds nothing yet
    kAncient = 64,   // written by work that is over for all; the first real id
};

struct Buffer {
    uint64_t number;  // counts allocations, for reports
    size_t bytes;
    bool freed, sparse;
};

class Arena {
 public:
    // What the device has, and what it seems to have where buffers may be sparse.
    static constexpr size_t kBytes = size_t{8} << 30;
    static constexpr size_t kSparseBytes = size_t{1} << 40;
    // A buffer of so many bytes is sparse where buffers may be.
    static constexpr size_t kLeastSparse = size_t{64} << 10;
    static constexpr size_t kAlignment = 256;
    static constexpr size_t kSharedBytes = size_t{1} << 20;

    Arena();
    // Of the GPU whose turn it is.
    static Arena& instance();

    // False if the system gave no address space for it.
    bool usable() const { return cells_ != nullptr; }
    uintptr_t base() const { return base_; }
    bool holds(uintptr_t address) const { return address - base_ < kSparseBytes; }
    Cell* cell(uintptr_t address) const { return cells_ + (address - base_); }
    // Makes the neighbourhood of an address a written part of its buffer; false unless that is sparse and live.
    bool touch(uintptr_t address);

    void allow_sparse(bool allowed) { sparse_ = allowed; }
    size_t bytes() const { return sparse_ ? kSparseBytes : kBytes; }

    // An address, its bytes poisoned and unwritten; 0 if there is no room.
    uintptr_t allocate(size_t bytes);
    // False if no live buffer begins there.
    bool release(uintptr_t address);
    // The start of the live buffer that holds all of the range, or 0.
    uintptr_t holder(uintptr_t address, size_t bytes) const;
    // The buffer at or before an address, live or freed, or null.
    const Buffer* nearest(uintptr_t address, uintptr_t* start) const;
    size_t used() const { return used_; }
    void release_all();

    // Shared memory of the block that runs lies in the same range; its cells are the executor's to set.
    uintptr_t shared() const { return base_; }
    bool is_shared(uintptr_t address) const { return address - base_ < kSharedBytes; }
    // Makes [address, address + bytes) part of a buffer that holds nothing, or of none.
    void open(uintptr_t address, size_t bytes);
    void close(uintptr_t address, size_t bytes, uint32_t state);

    // Whether this process may touch the memory: true only while work runs.
    void set_accessible(bool accessible);
    // Makes all that was written kAncient and forgets reads: ids start anew.
    void age();

 private:
    uintptr_t place(size_t rounded);
    uintptr_t place_sparse(size_t rounded);
    void forget(uintptr_t address, size_t bytes, bool memory);

    uintptr_t base_ = 0;
    Cell* cells_ = nullptr;
    uintptr_t next_ = 0, lowest_sparse_ = 0;
    size_t live_sparse_ = 0;
    size_t used_ = 0;
    uint64_t allocations_ = 0;
    bool accessible_ = false, sparse_ = false;
    std::map<uintptr_t, Buffer> buffers_;
    // Freed buffers are kept for a while, so that a late access finds them freed; then their room is used again.
    std::deque<uintptr_t> quarantine_;
    size_t quarantined_ = 0;
    std::unordered_map<size_t, std::vector<uintptr_t>> free_;
};

}  // namespace spos::simt
