// A limit of the memory that a driver gives out of each device, below what the device has: for tests, and for users who
// need the rest of a CPU's memory themselves.
#pragma once

#include <cstddef>

namespace spos {

// The least of `bytes` and the limit that was set.
size_t limited(size_t bytes);

}  // namespace spos
