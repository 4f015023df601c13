// What handles of modules and functions point to.
#pragma once

#include "kernel_library.h"

struct CUmod_st {
    const char* name;
    int device;  // whose context it was loaded in
};

struct CUfunc_st {
    const SposKernelEntry* kernel;
    int device;
};
