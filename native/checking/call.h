// How each call is let in: one at a time, with the emulator there, with no exception let out, and with what went wrong
// told.
#pragma once

#include <exception>
#include <mutex>
#include <new>

#include "emulator.h"
#include "findings.h"

namespace spos::checking {

// Guards everything that this driver knows.
std::recursive_mutex& mutex();

// Tells of a failure of the emulator's, unless it has been told or is one that callers must expect.
CUresult told(const Emulator& emulator, const char* call, CUresult result);

// body(emulator) gives the result, having told of what it found itself.
template <class Body>
CUresult checked(const char* call, Body&& body) noexcept {
    const Emulator* emulator = Emulator::instance();
    if (emulator == nullptr) return CUDA_ERROR_NO_DEVICE;
    try {
        std::lock_guard lock(mutex());
        const size_t before = findings().size();
        const CUresult result = body(*emulator);
        return findings().size() == before ? told(*emulator, call, result) : result;
    } catch (const std::bad_alloc&) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    } catch (const std::exception& error) {
        return found(CUDA_ERROR_UNKNOWN, std::string(call) + ": " + error.what());
    }
}

}  // namespace spos::checking
