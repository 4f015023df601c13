// Dry runs: all calls are checked, and nothing is computed or kept. Launches and copies are not carried out, memory is
// addresses without a page behind them, and what is copied to the host is zeros. So the launches of a batch that no CPU
// could work through in good time are seen in a second.
#pragma once

#include <cstddef>

#include "../abi/cuda_driver.h"

namespace spos::checking {

// Whether SPOS_CHECKING_DRY is 1.
bool is_dry();

// Memory of one device in a dry run: as much as an H100 has, in addresses.
class DryMemory {
 public:
    // Of the current context's device.
    static DryMemory& instance();

    CUresult allocate(CUdeviceptr* pointer, size_t bytes);
    // Only of what was allocated and not freed.
    CUresult free(CUdeviceptr pointer, size_t bytes);

    // Of what a reset frees: its addresses are never used again.
    void forget() { used_ = 0; }

    size_t total_bytes() const;
    size_t free_bytes() const { return total_bytes() - used_; }

 private:
    size_t used_ = 0;
};

}  // namespace spos::checking
