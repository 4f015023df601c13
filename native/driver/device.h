// What a driver says of its one device; driver/device.cpp makes the driver API's calls of it.
#pragma once

#include <cstddef>
#include <string>

#include "../abi/cuda_driver.h"

namespace spos::device {

int driver_version();
// Called by cuInit; may be called again.
CUresult start();
std::string name();
// False if the device does not know the attribute.
bool attribute(CUdevice_attribute attribute, int* value);
size_t total_memory();
size_t free_memory();
// Frees all memory and forgets errors.
void reset();

}  // namespace spos::device
