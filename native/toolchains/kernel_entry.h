// How a library of host kernels tells libspos_host what it holds.
#pragma once

// One kernel: its file, its name, how to run one block of it, and the sizes of its parameters.
struct SposKernelEntry {
    const char* module;
    const char* name;
    void (*invoke)(void** parameters, unsigned grid_x, unsigned grid_y, unsigned block_x, unsigned block_y);
    int parameter_count;
    const int* parameter_sizes;
};
