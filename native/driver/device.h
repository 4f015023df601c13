// What a driver says of its devices, which are all alike; driver/device.cpp makes the driver API's calls of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

#include "../abi/cuda_driver.h"

// A device's primary context.
struct CUctx_st {
    std::atomic<int> users{0};
    int device = 0;
};

namespace spos {

// The context that is current on this thread, or null. Calls ask for it several times, so it lies where that is cheap.
extern constinit thread_local CUcontext t_context __attribute__((tls_model("initial-exec")));

// The most devices that a driver can be told to have.
constexpr int kMostDevices = 16;

// How many there are, as sposSetDeviceCount says.
int device_count();

// The device whose context is current on this thread; 0 if none is.
inline int current_device() { return t_context == nullptr ? 0 : t_context->device; }
inline bool context_is_current() { return t_context != nullptr && t_context->users > 0; }

}  // namespace spos

namespace spos::device {

int driver_version();
// Called before a device is used, and by cuInit for the first; may be called again.
CUresult start(int device);
std::string name();
// False if the device does not know the attribute.
bool attribute(int device, CUdevice_attribute attribute, int* value);
size_t total_memory(int device);
size_t free_memory(int device);
// Frees all memory of the device and forgets its errors.
void reset(int device);

}  // namespace spos::device
