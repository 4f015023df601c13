#include "ledger.h"

#include "checked_device.h"
#include "findings.h"

namespace spos::checking {
namespace {

std::string buffer(const Allocation& allocation) {
    return "buffer " + std::to_string(allocation.number) + " of " + std::to_string(allocation.bytes) + " bytes";
}

void tell(size_t count, const char* what, const std::string& more = "") {
    if (count != 0) found(CUDA_SUCCESS, "leak: " + std::to_string(count) + what + " not given back" + more);
}

}  // namespace

Ledger& Ledger::instance() { return CheckedDevice::current().ledger; }

void Ledger::add(CUdeviceptr pointer, size_t bytes) {
    // What lay there was freed and forgotten.
    auto next = allocations_.lower_bound(pointer);
    while (next != allocations_.end() && next->first < pointer + bytes) next = allocations_.erase(next);
    allocations_[pointer] = {++count_, bytes, false};
}

std::map<CUdeviceptr, Allocation>::const_iterator Ledger::at_or_before(CUdeviceptr pointer) const {
    const auto after = allocations_.upper_bound(pointer);
    return after == allocations_.begin() ? allocations_.end() : std::prev(after);
}

bool Ledger::holds(CUdeviceptr pointer) const {
    const auto at = at_or_before(pointer);
    return at != allocations_.end() && !at->second.freed && pointer - at->first < at->second.bytes;
}

std::string Ledger::free(CUdeviceptr pointer) {
    const auto found = allocations_.find(pointer);
    if (found == allocations_.end()) {
        const std::string owner = elsewhere([&](const Ledger& other) { return other.holds(pointer); });
        return owner.empty() ? "no buffer begins there" : "a buffer" + owner;
    }
    if (found->second.freed) return buffer(found->second) + " was freed before";
    found->second.freed = true;
    return {};
}

std::string Ledger::fault_of(CUdeviceptr pointer, size_t bytes) const {
    const auto at = at_or_before(pointer);
    if (pointer == 0) return "a null pointer";
    if (at == allocations_.end() || pointer - at->first > at->second.bytes) {
        const std::string owner = elsewhere([&](const Ledger& other) { return other.holds(pointer); });
        return owner.empty() ? "a pointer into no buffer" : "a pointer into a buffer" + owner;
    }
    if (at->second.freed) return buffer(at->second) + ", which was freed";
    const size_t offset = pointer - at->first;
    if (bytes <= at->second.bytes - offset) return {};
    return std::to_string(bytes) + " bytes at byte " + std::to_string(offset) + " of " + buffer(at->second);
}

std::string Ledger::fault_of_argument(CUdeviceptr value) const {
    const std::string owner = elsewhere([&](const Ledger& other) { return other.holds(value); });
    if (!owner.empty() && !holds(value)) return "a pointer into a buffer" + owner;
    if (allocations_.empty() || value < allocations_.begin()->first) return {};
    const auto& [last, allocation] = *allocations_.rbegin();
    return value > last + allocation.bytes ? std::string() : fault_of(value, 0);
}

void Ledger::tell_of_leaks() const {
    size_t count = 0, bytes = 0;
    std::string numbers;
    for (const auto& [pointer, allocation] : allocations_) {
        if (allocation.freed) continue;
        if (++count <= 5) numbers += (count == 1 ? "" : ", ") + buffer(allocation);
        bytes += allocation.bytes;
    }
    tell(count, " buffers of device memory", ", " + std::to_string(bytes) + " bytes in all: " + numbers);
    tell(pinned.size(), " pieces of page-locked memory");
    tell(streams.size(), " streams");
    tell(events.size(), " events");
    tell(graphs.size(), " graphs");
    tell(executables.size(), " executable graphs");
}

void Ledger::forget_memory() {
    allocations_.clear();
    count_ = 0;
}

}  // namespace spos::checking
