#include "arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace spos::simt {
namespace {

constexpr int kPoison = 0xFF;  // NaN as a float, -1 as an integer
constexpr size_t kQuarantineBytes = size_t{32} << 20;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr uintptr_t kPage = 4096;

// Room for a buffer: its bytes and at least one granule that belongs to nobody.
size_t rounded(size_t bytes) {
    return (bytes + Arena::kAlignment) / Arena::kAlignment * Arena::kAlignment + Arena::kAlignment;
}

}  // namespace

Arena::Arena() {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* memory = mmap(nullptr, kSparseBytes + kHugePage, PROT_NONE, flags, -1, 0);
    if (memory == MAP_FAILED) return;
    // set_accessible takes time for each page: a thousand small ones would cost more than most kernels.
    madvise(memory, kSparseBytes + kHugePage, MADV_HUGEPAGE);
    void* shadow = mmap(nullptr, kSparseBytes * sizeof(Cell), PROT_READ | PROT_WRITE, flags, -1, 0);
    if (shadow == MAP_FAILED) {
        munmap(memory, kSparseBytes + kHugePage);
        return;
    }
    base_ = (reinterpret_cast<uintptr_t>(memory) + kHugePage - 1) / kHugePage * kHugePage;
    cells_ = static_cast<Cell*>(shadow);
    next_ = base_ + kSharedBytes;
    lowest_sparse_ = base_ + kSparseBytes;
}

void Arena::open(uintptr_t address, size_t bytes) {
    const bool was_accessible = accessible_;
    set_accessible(true);
    std::memset(reinterpret_cast<void*>(address), kPoison, bytes);
    set_accessible(was_accessible);
    std::fill_n(cell(address), bytes, Cell{kUnwritten, 0});
}

void Arena::close(uintptr_t address, size_t bytes, uint32_t state) {
    std::fill_n(cell(address), bytes, Cell{state, 0});
}

uintptr_t Arena::place(size_t bytes) {
    auto found = free_.find(bytes);
    if (found != free_.end() && !found->second.empty()) {
        const uintptr_t address = found->second.back();
        found->second.pop_back();
        return address;
    }
    if (bytes > lowest_sparse_ - next_) return 0;
    const uintptr_t address = next_;
    next_ += bytes;
    return address;
}

// From the end of the addresses downwards, anew once none is live.
uintptr_t Arena::place_sparse(size_t bytes) {
    if (live_sparse_ == 0) lowest_sparse_ = base_ + kSparseBytes;
    const size_t pages = (bytes + kPage - 1) / kPage * kPage;
    if (pages > lowest_sparse_ - next_) return 0;
    ++live_sparse_;
    lowest_sparse_ -= pages;
    // A huge page would take its memory wherever one byte is touched.
    madvise(reinterpret_cast<void*>(lowest_sparse_), pages, MADV_NOHUGEPAGE);
    return lowest_sparse_;
}

uintptr_t Arena::allocate(size_t bytes) {
    if (bytes > kSparseBytes) return 0;
    const bool sparse = sparse_ && bytes >= kLeastSparse;
    const uintptr_t address = sparse ? place_sparse(rounded(bytes)) : place(rounded(bytes));
    if (address == 0) return 0;
    buffers_[address] = Buffer{++allocations_, bytes, false, sparse};
    used_ += bytes;
    if (!sparse) open(address, bytes);
    return address;
}

bool Arena::release(uintptr_t address) {
    auto found = buffers_.find(address);
    if (found == buffers_.end() || found->second.freed) return false;
    used_ -= found->second.bytes;
    if (found->second.sparse) {
        forget(address, found->second.bytes, true);
        --live_sparse_;
        buffers_.erase(found);
        return true;
    }
    found->second.freed = true;
    close(address, found->second.bytes, kFreed);
    quarantine_.push_back(address);
    quarantined_ += found->second.bytes;
    while (quarantined_ > kQuarantineBytes) {
        const uintptr_t oldest = quarantine_.front();
        quarantine_.pop_front();
        const size_t bytes = buffers_[oldest].bytes;
        quarantined_ -= bytes;
        close(oldest, bytes, kUnmapped);
        buffers_.erase(oldest);
        free_[rounded(bytes)].push_back(oldest);
    }
    return true;
}

bool Arena::touch(uintptr_t address) {
    constexpr uintptr_t kAround = 64;
    uintptr_t start = 0;
    const Buffer* buffer = nearest(address, &start);
    if (buffer == nullptr || !buffer->sparse || address - start >= buffer->bytes) return false;
    const uintptr_t end = std::min(start + buffer->bytes, (address / kAround + 1) * kAround);
    for (uintptr_t at = std::max(start, address / kAround * kAround); at < end; ++at) {
        if (cell(at)->write == kUnmapped) *cell(at) = {kAncient, 0};
    }
    return true;
}

// Gives back whole pages of the shadow, and of the memory behind it, which then read as zeros; the rest is cleared.
void Arena::forget(uintptr_t address, size_t bytes, bool memory) {
    const uintptr_t first = (address + kPage - 1) / kPage * kPage, last = (address + bytes) / kPage * kPage;
    madvise(cell(first), (last - first) * sizeof(Cell), MADV_DONTNEED);
    close(address, first - address, kUnmapped);
    close(last, address + bytes - last, kUnmapped);
    if (!memory) return;
    const bool was_accessible = accessible_;
    set_accessible(true);
    madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
    std::memset(reinterpret_cast<void*>(address), 0, first - address);
    std::memset(reinterpret_cast<void*>(last), 0, address + bytes - last);
    set_accessible(was_accessible);
}

uintptr_t Arena::holder(uintptr_t address, size_t bytes) const {
    uintptr_t start = 0;
    const Buffer* buffer = nearest(address, &start);
    if (buffer == nullptr || buffer->freed || bytes > buffer->bytes) return 0;
    return address - start <= buffer->bytes - bytes ? start : 0;
}

const Buffer* Arena::nearest(uintptr_t address, uintptr_t* start) const {
    auto after = buffers_.upper_bound(address);
    if (after == buffers_.begin()) return nullptr;
    --after;
    *start = after->first;
    return &after->second;
}

void Arena::release_all() {
    std::vector<uintptr_t> live;
    for (const auto& [address, buffer] : buffers_) {
        if (!buffer.freed) live.push_back(address);
    }
    for (uintptr_t address : live) release(address);
    close(shared(), kSharedBytes, kUnmapped);
}

void Arena::set_accessible(bool accessible) {
    if (accessible == accessible_) return;
    accessible_ = accessible;
    mprotect(reinterpret_cast<void*>(base_), kSparseBytes, accessible ? PROT_READ | PROT_WRITE : PROT_NONE);
}

void Arena::age() {
    for (const auto& [address, buffer] : buffers_) {
        if (buffer.sparse) {
            forget(address, buffer.bytes, false);
            continue;
        }
        Cell* cells = cell(address);
        for (size_t i = 0; i < buffer.bytes; ++i) {
            if (cells[i].write > kAncient) cells[i].write = kAncient;
            cells[i].read = 0;
        }
    }
}

}  // namespace spos::simt
