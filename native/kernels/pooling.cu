// Global average pooling: y[n][c] = mean over the P pixels of x[n][p][c];  dx[n][p][c] = dy[n][c] / P.
// Layouts: x [N][P][C] (NHWC), y [N][C]. The forward pass takes x of floats or of bf16. Outputs are overwritten.
// Launch: grid.x = N.
#include "device/lanes.h"

// The block's image.
template <class T>
__device__ __forceinline__ void average(float* y, const T* x, int pixels, int channels) {
    const T* image = x + (int64_t)blockIdx.x * pixels * channels;
    for_lanes(channels, [&](int c, auto lane) {
        Lane sum(0.0f);
        for (int p = 0; p < pixels; ++p) sum += lane.load(image + (int64_t)p * channels + c);
        lane.store(y + (int64_t)blockIdx.x * channels + c, sum * Lane(1.0f / (float)pixels));
    });
}

#define SPOS_AVERAGE_FORWARD(T)                                                                              \
    SPOS_WORK(shape(product(gridDim.x, pixels), channels), flops(gridDim.x, pixels, channels))               \
    SPOS_KERNEL global_average_pool_forward_##T(SPOS_OUT(gridDim.x, channels, uncounted) float* y,           \
                                                SPOS_IN(gridDim.x, pixels, channels) const T* x, int pixels, \
                                                int channels) {                                              \
        average(y, x, pixels, channels);                                                                     \
    }                                                                                                        \
    SPOS_EXPORT(global_average_pool_forward_##T)

SPOS_AVERAGE_FORWARD(f32)
SPOS_AVERAGE_FORWARD(bf16)

SPOS_WORK(shape(product(gridDim.x, pixels), channels))
SPOS_KERNEL global_average_pool_backward(SPOS_OUT(gridDim.x, pixels, channels) float* dx,
                                         SPOS_IN(gridDim.x, channels, uncounted) const float* dy, int pixels,
                                         int channels) {
    float* image = dx + (int64_t)blockIdx.x * pixels * channels;
    for_lanes(channels, [&](int c, auto lane) {
        const Lane value = lane.load(dy + (int64_t)blockIdx.x * channels + c) * Lane(1.0f / (float)pixels);
        for (int p = 0; p < pixels; ++p) lane.store(image + (int64_t)p * channels + c, value);
    });
}
SPOS_EXPORT(global_average_pool_backward)
