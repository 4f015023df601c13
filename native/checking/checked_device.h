// What this driver knows of each device: its primary context, and what there is on it.
#pragma once

#include <string>

#include "dry.h"
#include "ledger.h"

namespace spos::checking {

struct CheckedDevice {
    int number = 0;
    int users = 0;  // of the primary context
    CUcontext context = nullptr;
    Ledger ledger;
    DryMemory dry_memory;
    std::string told;  // the emulator's report that was told last

    // As many as SPOS_CHECKED_DEVICES says.
    static int count();
    static CheckedDevice& of(int number);
    // That of the calling thread's context; the first if no context is current.
    static CheckedDevice& current();
    // Makes a context current, null for none, as far as this driver needs to know.
    static void make_current(CUcontext context);
};

// What is wrong with a handle or a pointer that the current device does not know: ` of device 1, where device 0 is
// current" if `knows(ledger)` of another's, else an empty text.
template <class Knows>
std::string elsewhere(Knows&& knows) {
    const int here = CheckedDevice::current().number;
    for (int i = 0; i < CheckedDevice::count(); ++i) {
        if (i == here || !knows(CheckedDevice::of(i).ledger)) continue;
        return " of device " + std::to_string(i) + ", where device " + std::to_string(here) + " is current";
    }
    return {};
}

// "a stream that there is not", or of which device it is; an empty text if the current device has it, or it is null.
std::string stranger(CUstream stream);

}  // namespace spos::checking
