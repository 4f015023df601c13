// Channel shuffle and concatenation of ShuffleNetV2's stride-1 block (arXiv 1807.11164, figure 3).
//
//   split    even[m * even_stride + c] = x[m][2c], odd[m][c] = x[m][2c+1]: channel shuffle with two groups, then split
//            in half; the even half may become a part of wider rows; of floats or of bf16
//   merge    the inverse, and so the gradient of split
//   concat   y[m] = [a[m], b[m]]
//   cut      the inverse, and so the gradient of concat
//   lead     part[m] = whole[m][0 .. channels-1]: of a matrix the first rows and channels, as weights of fewer channels
//   are lead_add whole[m][c] += part[m][c]: what their gradients add
//
// Matrices are [rows][channels] (NHWC). Outputs are overwritten.
// Launch: slices (device/slices.h) of rows_per_slice rows.
#include "device/slices.h"

template <class T>
__device__ __forceinline__ void split(T* __restrict__ even, T* __restrict__ odd, const T* __restrict__ x, int rows,
                                      int half, int even_stride, int rows_per_slice) {
    const RowRange range = rows_of_thread(rows_per_slice, rows);
    for (int r = range.first; r < range.last; r += range.step) {
        const T* const row = x + 2 * (int64_t)r * half;
        copy_every_second(even + (int64_t)r * even_stride, row, half, first_channel(), channel_step());
        copy_every_second(odd + (int64_t)r * half, row + 1, half, first_channel(), channel_step());
    }
}

#define SPOS_CHANNEL_SPLIT(T)                                                                                         \
    SPOS_WORK(shape(rows, 2 * half))                                                                                  \
    SPOS_KERNEL channel_split_##T(SPOS_OUT(strided(even_stride, 1, rows, half)) T* even, SPOS_OUT(rows, half) T* odd, \
                                  SPOS_IN(rows, 2, half) const T* x, int rows, int half, int even_stride,             \
                                  int rows_per_slice) {                                                               \
        split(even, odd, x, rows, half, even_stride, rows_per_slice);                                                 \
    }                                                                                                                 \
    SPOS_EXPORT(channel_split_##T)

SPOS_CHANNEL_SPLIT(f32)
SPOS_CHANNEL_SPLIT(bf16)

SPOS_WORK(shape(rows, 2 * half))
SPOS_KERNEL channel_merge(SPOS_OUT(rows, 2, half) float* __restrict__ x,
                          SPOS_IN(rows, half) const float* __restrict__ even,
                          SPOS_IN(rows, half) const float* __restrict__ odd, int rows, int half, int rows_per_slice) {
    const RowRange range = rows_of_thread(rows_per_slice, rows);
    for (int r = range.first; r < range.last; r += range.step) {
        const int64_t row = (int64_t)r * half;
        for (int c = first_channel(); c < half; c += channel_step()) {
            x[2 * row + 2 * c] = even[row + c];
            x[2 * row + 2 * c + 1] = odd[row + c];
        }
    }
}
SPOS_EXPORT(channel_merge)

SPOS_WORK(shape(rows, a_channels + b_channels))
SPOS_KERNEL channel_concat(SPOS_OUT(rows, a_channels + b_channels) float* __restrict__ y,
                           SPOS_IN(rows, a_channels) const float* __restrict__ a,
                           SPOS_IN(rows, b_channels) const float* __restrict__ b, int rows, int a_channels,
                           int b_channels, int rows_per_slice) {
    const RowRange range = rows_of_thread(rows_per_slice, rows);
    for (int r = range.first; r < range.last; r += range.step) {
        float* row = y + (int64_t)r * (a_channels + b_channels);
        const float* a_row = a + (int64_t)r * a_channels;
        const float* b_row = b + (int64_t)r * b_channels;
        for (int c = first_channel(); c < a_channels; c += channel_step()) row[c] = a_row[c];
        for (int c = first_channel(); c < b_channels; c += channel_step()) row[a_channels + c] = b_row[c];
    }
}
SPOS_EXPORT(channel_concat)

SPOS_WORK(shape(rows, a_channels + b_channels))
SPOS_KERNEL channel_cut(SPOS_OUT(rows, a_channels) float* __restrict__ a,
                        SPOS_OUT(rows, b_channels) float* __restrict__ b,
                        SPOS_IN(rows, a_channels + b_channels) const float* __restrict__ y, int rows, int a_channels,
                        int b_channels, int rows_per_slice) {
    const RowRange range = rows_of_thread(rows_per_slice, rows);
    for (int r = range.first; r < range.last; r += range.step) {
        const float* row = y + (int64_t)r * (a_channels + b_channels);
        float* a_row = a + (int64_t)r * a_channels;
        float* b_row = b + (int64_t)r * b_channels;
        for (int c = first_channel(); c < a_channels; c += channel_step()) a_row[c] = row[c];
        for (int c = first_channel(); c < b_channels; c += channel_step()) b_row[c] = row[a_channels + c];
    }
}
SPOS_EXPORT(channel_cut)

SPOS_WORK(shape(rows, channels))
SPOS_KERNEL channel_lead(SPOS_OUT(rows, channels) float* __restrict__ part,
                         SPOS_IN(strided(stride, 1, rows, channels)) const float* __restrict__ whole, int rows,
                         int channels, int stride, int rows_per_slice) {
    const RowRange range = rows_of_thread(rows_per_slice, rows);
    for (int r = range.first; r < range.last; r += range.step) {
        const float* row = whole + (int64_t)r * stride;
        float* part_row = part + (int64_t)r * channels;
        for (int c = first_channel(); c < channels; c += channel_step()) part_row[c] = row[c];
    }
}
SPOS_EXPORT(channel_lead)

SPOS_WORK(shape(rows, channels), flops(rows* channels))
SPOS_KERNEL channel_lead_add(SPOS_IN_OUT(strided(stride, 1, rows, channels)) float* __restrict__ whole,
                             SPOS_IN(rows, channels) const float* __restrict__ part, int rows, int channels, int stride,
                             int rows_per_slice) {
    const RowRange range = rows_of_thread(rows_per_slice, rows);
    for (int r = range.first; r < range.last; r += range.step) {
        float* row = whole + (int64_t)r * stride;
        const float* part_row = part + (int64_t)r * channels;
        for (int c = first_channel(); c < channels; c += channel_step()) row[c] += part_row[c];
    }
}
SPOS_EXPORT(channel_lead_add)
