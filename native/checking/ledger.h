// What there is on the device: buffers, streams and events, those that ended too, as far as they can be told apart.
#pragma once

#include <map>
#include <set>
#include <string>

#include "../abi/cuda_graphs.h"

namespace spos::checking {

struct Allocation {
    unsigned long number;  // counts allocations, for findings
    size_t bytes;
    bool freed;
};

struct Event {
    bool timed, recorded;
};

class Ledger {
 public:
    // Of the current context's device.
    static Ledger& instance();

    // ---- device memory ------------------------------------------------------------------------------------------
    void add(CUdeviceptr pointer, size_t bytes);
    // What is wrong with freeing it, or an empty text, and it counts as freed.
    std::string free(CUdeviceptr pointer);
    // Of the buffer that begins there, freed or not.
    size_t bytes_of(CUdeviceptr pointer) const { return allocations_.at(pointer).bytes; }
    // Whether a live buffer holds the pointer.
    bool holds(CUdeviceptr pointer) const;
    // What is wrong with the bytes at a pointer, or an empty text.
    std::string fault_of(CUdeviceptr pointer, size_t bytes) const;
    // What is wrong with an argument of eight bytes if it is a pointer, or an empty text. It may be a number: only what
    // lies among buffers, of this device or of another, is taken for a pointer.
    std::string fault_of_argument(CUdeviceptr value) const;

    // ---- page-locked memory, streams, events, graphs ------------------------------------------------------------
    std::map<const void*, size_t> pinned;
    std::set<CUstream> streams;
    std::map<CUevent, Event> events;
    std::set<CUgraph> graphs;
    std::set<CUgraphExec> executables;

    // Tells of all that was not given back.
    void tell_of_leaks() const;
    // Of what a reset of the context frees.
    void forget_memory();

 private:
    // The buffer at or before a pointer, or the end.
    std::map<CUdeviceptr, Allocation>::const_iterator at_or_before(CUdeviceptr pointer) const;

    std::map<CUdeviceptr, Allocation> allocations_;
    unsigned long count_ = 0;
};

}  // namespace spos::checking
