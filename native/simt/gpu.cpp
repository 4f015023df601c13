#include "gpu.h"

#include <array>

#include "../driver/device.h"

namespace spos::simt {

Gpu* Gpu::current_ = nullptr;

std::recursive_mutex& Gpu::mutex() {
    static auto* const mutex = new std::recursive_mutex;
    return *mutex;
}

Gpu& Gpu::of(int device) {
    static auto* const all = new std::array<Gpu*, kMostDevices>{};
    std::lock_guard lock(mutex());
    Gpu*& gpu = all->at(static_cast<size_t>(device));
    if (gpu == nullptr) gpu = new Gpu;
    return *gpu;
}

void Gpu::begin_turn(int device) { current_ = &of(device); }

Arena& Arena::instance() { return Gpu::current().arena; }
AccessLog& AccessLog::instance() { return Gpu::current().log; }
Executor& Executor::instance() { return Gpu::current().executor; }
Queue& Queue::instance() { return Gpu::current().queue; }

}  // namespace spos::simt
