// Batch normalisation over the rows of a matrix x [rows][C] (NHWC, rows = N*H*W), optionally followed by ReLU.
//
//   training forward  y = f(scale[c] * x + shift[c]),  scale = gamma / sqrt(var + eps),  shift = beta - mean * scale
//   inference         the same with running statistics (batch_norm_fold, for all layers at once)
//   backward          g  = dy where f was not clipped, else 0
//                     dx = scale * (g - sum(g)/M - xhat * sum(g*xhat)/M),  dgamma = sum(g*xhat),  dbeta = sum(g)
//
// gamma and beta may be null (no affine part: 1 and 0). Statistics are taken in one pass: each slice keeps
// float sums around its first row as a pivot, slices are combined in double and in one order (Chan et al.,
// "Updating formulae and a pairwise algorithm for computing sample variances", 1979). The running variance is
// the unbiased one, as in PyTorch. The row kernels are launched with slices (device/slices.h) of rows_per_slice rows.
#include "device/batch_norm.h"
#include "device/block_sums.h"
#include "device/lanes.h"
#include "device/slices.h"
#include "device/warp.h"

//   partials[b] = [mean of the slice's rows, sum of squared deviations from it]   each [C]
SPOS_WORK(shape(rows, channels), flops(4 * rows * channels))
SPOS_KERNEL batch_norm_statistics(SPOS_OUT(ceil_div(rows, rows_per_slice), 2, channels, uncounted) float* partials,
                                  SPOS_IN(rows, channels) const float* x, int rows, int channels, int rows_per_slice) {
    const int first = slice_index() * rows_per_slice;
    const int count = min(rows_per_slice, rows - first);
    const float* source = x + (int64_t)first * channels;
    float* partial = partials + (int64_t)slice_index() * 2 * channels;
    for_channels_together(channels, [&](int c, auto lane) {
        if constexpr (Lane::width > 1) {
            column_statistics(partial, 0, source + c, channels, count, channels, c, lane);
        } else {
            RunningStatistics statistics;
            SPOS_UNROLL_ON_GPU(8)
            for (int r = (int)threadIdx.y; r < count; r += (int)blockDim.y) {
                statistics.add(lane.load(source + (int64_t)r * channels + c));
            }
            store_block_statistics(partial + c, statistics, count, 1, channels, lane);
        }
    });
}
SPOS_EXPORT(batch_norm_statistics)

// Combines the slices, a warp a channel; updates running = (1 - momentum) * running + momentum * batch. Any grid.
SPOS_WORK(shape(ceil_div(rows, rows_per_slice), channels), flops(8 * ceil_div(rows, rows_per_slice) * channels))
SPOS_KERNEL batch_norm_finalize(SPOS_OUT(channels, uncounted) float* mean,
                                SPOS_OUT(channels, uncounted) float* inverse_deviation,
                                SPOS_OUT(channels, uncounted) float* scale, SPOS_OUT(channels, uncounted) float* shift,
                                SPOS_IN_OUT(channels, uncounted) float* running_mean,
                                SPOS_IN_OUT(channels, uncounted) float* running_variance,
                                SPOS_IN(ceil_div(rows, rows_per_slice), 2, channels) const float* partials,
                                SPOS_IN(channels, uncounted, or_null) const float* gamma,
                                SPOS_IN(channels, uncounted, or_null) const float* beta, int rows, int channels,
                                int rows_per_slice, float momentum, float epsilon) {
    const int slices = (rows + rows_per_slice - 1) / rows_per_slice;
    const int warps = (int)gridDim.x * warps_of_block();
    for (int c = (int)blockIdx.x * warps_of_block() + warp_index(); c < channels; c += warps) {
        double total = 0;
        for (int b = warp_lane(); b < slices; b += kWarpThreads) {
            total += (double)min(rows_per_slice, rows - b * rows_per_slice) * partials[(int64_t)b * 2 * channels + c];
        }
        const double average = warp_sum(total) / rows;
        double squares = 0;
        for (int b = warp_lane(); b < slices; b += kWarpThreads) {
            const float* partial = partials + (int64_t)b * 2 * channels + c;
            const double d = partial[0] - average;
            squares += max(0.0f, partial[channels]) + d * d * min(rows_per_slice, rows - b * rows_per_slice);
        }
        squares = warp_sum(squares);
        if (warp_lane() != 0) continue;
        const double variance = squares / rows;
        const float inverse = (float)(1.0 / sqrt(variance + epsilon));
        const float a = gamma ? gamma[c] * inverse : inverse;
        mean[c] = (float)average;
        inverse_deviation[c] = inverse;
        scale[c] = a;
        shift[c] = (float)((beta ? beta[c] : 0.0) - average * a);
        const double unbiased = squares / max(1, rows - 1);
        running_mean[c] = (float)((1.0 - momentum) * running_mean[c] + momentum * average);
        running_variance[c] = (float)((1.0 - momentum) * running_variance[c] + momentum * unbiased);
    }
}
SPOS_EXPORT(batch_norm_finalize)

// What the running statistics of some layers come to in inference. Table: five numbers a layer, its first channel,
// counted over all layers, and the addresses of its running mean and variance, gamma and beta. `folded` holds [scale,
// shift] of one layer after the other, from twice its first channel on. Launch: grid.x = ceil(channels /
// channels_per_block).
SPOS_WORK(shape(channels), flops(4 * channels), reads(4 * channels))
SPOS_KERNEL batch_norm_fold(SPOS_OUT(2, channels) float* folded, SPOS_IN(layers, 5, uncounted) const uint64_t* table,
                            int layers, int channels, float epsilon, int channels_per_block) {
    constexpr int kNumbers = 5;
    const int begin = (int)blockIdx.x * channels_per_block, end = min(begin + channels_per_block, channels);
    for (int i = begin + (int)threadIdx.x; i < end; i += (int)blockDim.x) {
        // Layers `low` and before begin at or before the channel, layer `high` and after do not.
        int low = 0, high = layers;
        while (high - low > 1) {
            const int middle = (low + high) / 2;
            if ((int)table[middle * kNumbers] <= i) {
                low = middle;
            } else {
                high = middle;
            }
        }
        const uint64_t* layer = table + low * kNumbers;
        const int first = (int)layer[0], c = i - first;
        const int layer_channels = (high < layers ? (int)layer[kNumbers] : channels) - first;
        const float* mean = (const float*)layer[1];
        const float* variance = (const float*)layer[2];
        const float* gamma = (const float*)layer[3];
        const float* beta = (const float*)layer[4];
        const double a = (gamma ? gamma[c] : 1.0) / sqrt((double)variance[c] + epsilon);
        float* const scale = folded + 2 * (int64_t)first;
        scale[c] = (float)a;
        scale[layer_channels + c] = (float)((beta ? beta[c] : 0.0) - mean[c] * a);
    }
}
SPOS_EXPORT(batch_norm_fold)

//   y = scale * x + shift, then ReLU if `rectify`. Where x is floats, y may be x.
template <class X>
__device__ __forceinline__ void apply(float* y, const X* x, const float* scale, const float* shift, int rows,
                                      int channels, int rectify, int rows_per_slice) {
    const RowRange range = rows_of_thread(rows_per_slice, rows);
    for (int r = range.first; r < range.last; r += range.step) {
        const int64_t row = (int64_t)r * channels;
        for_channels(channels, [&](int c, auto lane) {
            const Lane value = multiply_add(lane.load(x + row + c), lane.load(scale + c), lane.load(shift + c));
            lane.store(y + row + c, rectify ? relu(value) : value);
        });
    }
}

#define SPOS_BATCH_NORM_APPLY(T)                                                                              \
    SPOS_WORK(shape(rows, channels), flops(2 * rows * channels))                                              \
    SPOS_KERNEL batch_norm_apply_##T(SPOS_OUT(rows, channels) float* y, SPOS_IN(rows, channels) const T* x,   \
                                     SPOS_IN(channels, uncounted) const float* scale,                         \
                                     SPOS_IN(channels, uncounted) const float* shift, int rows, int channels, \
                                     SPOS_FLAG int rectify, int rows_per_slice) {                             \
        apply(y, x, scale, shift, rows, channels, rectify, rows_per_slice);                                   \
    }                                                                                                         \
    SPOS_EXPORT(batch_norm_apply_##T)

SPOS_BATCH_NORM_APPLY(f32)
SPOS_BATCH_NORM_APPLY(bf16)

//   partials[b] = [sum of g, sum of g * (x - mean)]   each [C], over the slice's rows.
// `statistics` is [mean, 1/deviation, scale, shift].
template <class V>
__device__ __forceinline__ void backward_sums(float* partials, const V* dy, const V* x, const float* statistics,
                                              int rows, int channels, int rectify, int rows_per_slice) {
    const int first = slice_index() * rows_per_slice;
    const int count = min(rows_per_slice, rows - first);
    float* partial = partials + (int64_t)slice_index() * 2 * channels;
    const Statistics s = statistics_at(statistics, channels);
    for_channels_together(channels, [&](int c, auto lane) {
        const int64_t at = (int64_t)first * channels;
        if constexpr (Lane::width > 1) {
            column_gradient_sums(partial, true, dy + at, x + at, count, channels, s, rectify, c, lane);
        } else {
            const Lane mean = lane.load(s.mean + c), scale = lane.load(s.scale + c), shift = lane.load(s.shift + c);
            Lane sums[2] = {Lane(0.0f), Lane(0.0f)};
            SPOS_UNROLL_ON_GPU(4)
            for (int r = (int)threadIdx.y; r < count; r += (int)blockDim.y) {
                const int64_t row = at + (int64_t)r * channels + c;
                const Lane value = lane.load(x + row);
                Lane g = lane.load(dy + row);
                if (rectify) g = where_positive(value * scale + shift, g);
                sums[0] += g;
                sums[1] = multiply_add(g, value - mean, sums[1]);
            }
            store_block_sums<2>(partial + c, sums, channels, lane);
        }
    });
}

#define SPOS_BATCH_NORM_BACKWARD_SUMS(T)                                                                        \
    SPOS_WORK(shape(rows, channels), flops(6 * rows * channels))                                                \
    SPOS_KERNEL batch_norm_backward_sums_##T(                                                                   \
        SPOS_OUT(ceil_div(rows, rows_per_slice), 2, channels, uncounted) float* partials,                       \
        SPOS_IN(rows, channels) const T* dy, SPOS_IN(rows, channels) const T* x,                                \
        SPOS_IN(4, channels, uncounted) const float* statistics, int rows, int channels, SPOS_FLAG int rectify, \
        int rows_per_slice) {                                                                                   \
        backward_sums(partials, dy, x, statistics, rows, channels, rectify, rows_per_slice);                    \
    }                                                                                                           \
    SPOS_EXPORT(batch_norm_backward_sums_##T)

SPOS_BATCH_NORM_BACKWARD_SUMS(f32)
SPOS_BATCH_NORM_BACKWARD_SUMS(bf16)

// Turns the sums into dx = a * g + b * (x - mean) + c, coefficients = [a, b, c] each [C]; dgamma and dbeta
// may be null, and are added to with `accumulate`. A warp a channel, any grid.
SPOS_WORK(shape(slices, channels), flops(2 * slices * channels))
SPOS_KERNEL batch_norm_backward_finalize(SPOS_OUT(3, channels, uncounted) float* coefficients,
                                         SPOS_IN_OUT(channels, uncounted, or_null) float* dgamma,
                                         SPOS_IN_OUT(channels, uncounted, or_null) float* dbeta,
                                         SPOS_IN(slices, 2, channels) const float* partials,
                                         SPOS_IN(channels, uncounted) const float* inverse_deviation,
                                         SPOS_IN(channels, uncounted) const float* scale, int rows, int channels,
                                         int slices, SPOS_FLAG int accumulate) {
    const int warps = (int)gridDim.x * warps_of_block();
    for (int c = (int)blockIdx.x * warps_of_block() + warp_index(); c < channels; c += warps) {
        double sum = 0, products = 0;
        for (int b = warp_lane(); b < slices; b += kWarpThreads) {
            sum += partials[(int64_t)b * 2 * channels + c];
            products += partials[(int64_t)b * 2 * channels + channels + c];
        }
        sum = warp_sum(sum);
        products = warp_sum(products);
        if (warp_lane() != 0) continue;
        const double inverse = inverse_deviation[c];
        coefficients[c] = scale[c];
        coefficients[channels + c] = (float)(-scale[c] * inverse * inverse * products / rows);
        coefficients[2 * channels + c] = (float)(-scale[c] * sum / rows);
        if (dgamma) dgamma[c] = (accumulate ? dgamma[c] : 0.0f) + (float)(inverse * products);
        if (dbeta) dbeta[c] = (accumulate ? dbeta[c] : 0.0f) + (float)sum;
    }
}
SPOS_EXPORT(batch_norm_backward_finalize)

//   dx = a * g + b * (x - mean) + c. dx may be dy.
SPOS_WORK(shape(rows, channels), flops(7 * rows * channels))
SPOS_KERNEL batch_norm_backward_apply(SPOS_OUT(rows, channels) float* dx, SPOS_IN(rows, channels) const float* dy,
                                      SPOS_IN(rows, channels) const float* x,
                                      SPOS_IN(channels, uncounted) const float* mean,
                                      SPOS_IN(channels, uncounted) const float* scale,
                                      SPOS_IN(channels, uncounted) const float* shift,
                                      SPOS_IN(3, channels, uncounted) const float* coefficients, int rows, int channels,
                                      SPOS_FLAG int rectify, int rows_per_slice) {
    const RowRange range = rows_of_thread(rows_per_slice, rows);
    for (int r = range.first; r < range.last; r += range.step) {
        const int64_t row = (int64_t)r * channels;
        for_channels(channels, [&](int c, auto lane) {
            const Lane value = lane.load(x + row + c);
            Lane g = lane.load(dy + row + c);
            if (rectify) g = where_positive(value * lane.load(scale + c) + lane.load(shift + c), g);
            lane.store(dx + row + c, lane.load(coefficients + c) * g +
                                         lane.load(coefficients + channels + c) * (value - lane.load(mean + c)) +
                                         lane.load(coefficients + 2 * channels + c));
        });
    }
}
SPOS_EXPORT(batch_norm_backward_apply)
