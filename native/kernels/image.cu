// From decoded pictures to a batch: crop and resize, flip, colour jitter, normalisation, as torchvision does it over
// PIL, bit for bit, in whole levels 0 ... 255.
//
// Resizing is PIL's bilinear filter for 8 bits. Of n source pixels brought to m, scale = n / m, output pixel i looks at
// the source around centre = (i + 0.5) * scale with a triangle of half-width max(scale, 1), cut at the source's ends,
// in doubles, whose weights are normalised to sum 1 and rounded to 22 bits after the point. Columns first, then rows;
// each pass gives (sum of weight * level + 2^21) >> 22.
// Jitter is torchvision's ColorJitter: brightness, contrast and saturation in the given order, each
//   level = trunc(clip(base + factor * (level - base), 0, 255)) in single precision, every operation rounded,
// where the base is black for brightness, the picture's mean grey, rounded, for contrast, and the pixel's own grey for
// saturation; grey = (19595 red + 38470 green + 7471 blue + 2^15) >> 16.
// Then y = (level / range - mean[c]) / deviation[c], every operation rounded to single precision.
//
// Pixels are 4 bytes (red, green, blue, 0). A picture holds the region of it that is wanted.
#include "device/lanes.h"
#include "device/warp.h"

struct ImageTransform {
    int64_t pixels;                    // byte offset of its region's pixels
    int64_t rows;                      // pixel offset of its kept rows
    int32_t left, right, top, bottom;  // the region: [left, right) x [top, bottom) of the picture
    int32_t source_left, source_right, source_top, source_bottom;  // what is resized, likewise
    int32_t slots;  // source rows that a block keeps: a power of two, more than an output row needs
    // How often the picture was halved when it was decoded: the region is of what it is then, and the source of what it
    // was before, so that its ends may lie within a pixel.
    int32_t halvings;
    // The size it is resized to, and where the input begins there.
    int32_t resized_width, resized_height, crop_left, crop_top;
    int32_t flip;
    float brightness, contrast, saturation;  // factors; 1 leaves the picture as it is
    int32_t order;  // which goes first, second, third (0 brightness, 1 contrast, 2 saturation), 2 bits each
    // What becomes 0 at the end, in the batch's pixels: [left, right) x [top, bottom).
    int32_t erase_left, erase_right, erase_top, erase_bottom;
};

// The source pixels of one output column or row: [first, first + count) of the picture.
struct FilterTaps {
    int32_t first, count;
};

// Bits of a weight after the point.
constexpr int kWeightBits = 22;

// What the outputs of an axis are padded to, so that they are whole vectors; those beyond repeat the last one.
__device__ __forceinline__ int padded(int size) { return (size + 15) / 16 * 16; }

// Of columns (grid.y 0), mirrored where `flip` is set, and rows (1): taps[n][axis][padded],
// weights[n][axis][padded][most]. All columns of an image have the same count, a multiple of kPixelGroup where the
// region is so wide: the weights of those beyond the filter are 0. Launch: grid.x = images, grid.y = 2.
SPOS_KERNEL image_filter_taps(SPOS_OUT() FilterTaps* taps,
                              SPOS_OUT(gridDim.x, 2, ceil_div(size, 16) * 16, most) int32_t* weights,
                              SPOS_IN() const ImageTransform* transforms, int size, int most) {
    const ImageTransform& t = transforms[blockIdx.x];
    const bool across = blockIdx.y == 0;
    const int source_first = across ? t.source_left : t.source_top;
    const int source_last = across ? t.source_right : t.source_bottom;
    const int pixel = 1 << t.halvings;
    const int origin = source_first / pixel, length = (source_last + pixel - 1) / pixel - origin;
    const int region_first = (across ? t.left : t.top) - origin, region_last = (across ? t.right : t.bottom) - origin;
    const double scale = (source_last - source_first) / ((double)(across ? t.resized_width : t.resized_height) * pixel);
    const double within = (double)source_first / pixel - origin;
    const double reach = max(scale, 1.0), inverse = 1.0 / reach;
    const int columns = ((int)(2 * reach) + kPixelGroup) / kPixelGroup * kPixelGroup;
    for (int i = (int)threadIdx.x; i < padded(size); i += (int)blockDim.x) {
        const int inside = min(i, size - 1);
        const int output = across ? t.crop_left + (t.flip ? size - 1 - inside : inside) : t.crop_top + inside;
        const double centre = within + __dmul_rn(output + 0.5, scale);
        const int first = max((int)(centre - reach + 0.5), 0), last = min((int)(centre + reach + 0.5), length);
        const auto height = [&](int pixel) {
            const double distance = fabs(__dmul_rn(pixel - centre + 0.5, inverse));
            return pixel < first || pixel >= last || distance >= 1.0 ? 0.0 : 1.0 - distance;
        };
        const int count = across ? min(columns, region_last - region_first) : last - first;
        const int begin = min(first, region_last - count);
        double sum = 0;
        for (int k = 0; k < count; ++k) sum += height(begin + k);
        const int64_t at = ((int64_t)blockIdx.x * 2 + blockIdx.y) * padded(size) + i;
        for (int k = 0; k < count; ++k) {
            weights[at * most + k] = (int32_t)(height(begin + k) / sum * (1 << kWeightBits) + 0.5);
        }
        taps[at] = {origin + begin, count};
    }
}
SPOS_EXPORT(image_filter_taps)

// Source rows that are brought to the output's columns together, since they share weights.
constexpr int kRowsAcross = SPOS_HOST ? 2 : 1;

// `Rows` source rows, `width` apart, brought to `size` pixels, and those they are padded to. `row` is where column 0 of
// the first would be.
template <int Rows>
__device__ __forceinline__ void resize_rows(uint32_t* const (&target)[Rows], const uint32_t* row, int width,
                                            const FilterTaps* taps, const int32_t* weights, int size, int most) {
    const int count = taps[0].count;
    for (int x = (int)threadIdx.x * kPixelGroup; x < size; x += (int)blockDim.x * kPixelGroup) {
        LevelSums sums[Rows][kPixelGroup];
        const uint32_t* source[kPixelGroup];
        SPOS_UNROLL for (int i = 0; i < kPixelGroup; ++i) source[i] = row + taps[x + i].first;
        const int32_t* weight = weights + (int64_t)x * most;
        // The rows below come next.
        SPOS_UNROLL for (int r = 0; r < Rows; ++r) {
            Lane::prefetch((const float*)(source[0] + (int64_t)(Rows + r) * width));
        }
        int k = 0;
        for (; k + kPixelGroup <= count; k += kPixelGroup) {
            SPOS_UNROLL for (int i = 0; i < kPixelGroup; ++i) {
                SPOS_UNROLL for (int r = 0; r < Rows; ++r) {
                    sums[r][i].add(source[i] + (int64_t)r * width + k, weight + i * most + k);
                }
            }
        }
        for (; k < count; ++k) {
            SPOS_UNROLL for (int i = 0; i < kPixelGroup; ++i) {
                SPOS_UNROLL for (int r = 0; r < Rows; ++r) {
                    sums[r][i].add_single(source[i] + (int64_t)r * width + k, weight[i * most + k]);
                }
            }
        }
        SPOS_UNROLL for (int r = 0; r < Rows; ++r) {
            sums_of_groups(sums[r]).store(target[r] + x, kPixelGroup, kWeightBits);
        }
    }
}

// Vectors of a row that a thread of the CPU sums side by side.
constexpr int kVectorsDown = SPOS_HOST ? 4 : 1;

// resized[n][size][size]. Each block brings source rows to `size` columns as its output rows need them, and keeps the
// newest `slots` of them, which lie from rows + t.rows on as [blocks][slots][padded]. A thread of a GPU reads there the
// columns that it wrote itself, so that none waits for another.
// Launch: grid.x = ceil(size / rows_per_block), grid.y = images.
SPOS_KERNEL image_resize(SPOS_OUT(gridDim.y, size, size) uint32_t* resized, SPOS_OUT() uint32_t* rows,
                         SPOS_IN() const uint8_t* pixels, SPOS_IN() const FilterTaps* taps,
                         SPOS_IN(gridDim.y, 2, ceil_div(size, 16) * 16, most) const int32_t* weights,
                         SPOS_IN() const ImageTransform* transforms, int size, int most, int rows_per_block) {
    const ImageTransform& t = transforms[blockIdx.y];
    const int width = t.right - t.left, stride = padded(size);
    const int64_t axes = (int64_t)blockIdx.y * 2 * stride;
    const FilterTaps *across = taps + axes, *down = across + stride;
    const int32_t *weights_across = weights + axes * most, *weights_down = weights_across + (int64_t)stride * most;
    // Where the picture's first pixel would be.
    const uint32_t* picture = (const uint32_t*)(pixels + t.pixels) - (int64_t)t.top * width - t.left;
    uint32_t* kept = rows + t.rows + (int64_t)blockIdx.x * t.slots * stride;
    const auto kept_row = [&](int row) { return kept + (int64_t)(row & (t.slots - 1)) * stride; };
    const int first_row = (int)blockIdx.x * rows_per_block, last_row = min(first_row + rows_per_block, size);
    int made = down[first_row].first;
    for (int y = first_row; y < last_row; ++y) {
        const int first = down[y].first, count = down[y].count;
        while (made < first + count) {
            const uint32_t* source = picture + (int64_t)made * width;
            uint32_t *target = kept_row(made), *next = kept_row(made + 1);
            if (kRowsAcross == 2 && made + 1 < t.bottom) {
                resize_rows<2>({target, next}, source, width, across, weights_across, size, most);
                made += 2;
            } else {
                resize_rows<1>({target}, source, width, across, weights_across, size, most);
                ++made;
            }
        }
        const int32_t* weight = weights_down + (int64_t)y * most;
        uint32_t* target = resized + ((int64_t)blockIdx.y * size + y) * size;
        constexpr int kStep = kVectorsDown * kPixelGroup;
        for (int x = (int)threadIdx.x * kStep; x < size; x += (int)blockDim.x * kStep) {
            LevelSums sums[kVectorsDown];
            for (int k = 0; k < count; ++k) {
                const uint32_t* row = kept_row(first + k) + x;
                SPOS_UNROLL for (int i = 0; i < kVectorsDown; ++i) sums[i].add(row + i * kPixelGroup, weight[k]);
            }
            SPOS_UNROLL for (int i = 0; i < kVectorsDown; ++i) {
                const int done = x + i * kPixelGroup;
                if (done < size) sums[i].store(target + done, size - done, kWeightBits);
            }
        }
    }
}
SPOS_EXPORT(image_resize)

// ---- as OpenCV resizes 8-bit pictures bilinearly (cv::resize, INTER_LINEAR): two taps and weights of 11 bits
struct FixedTaps {
    int first, second;  // samples, within the picture
    int weight_first, weight_second;
};

__device__ __forceinline__ FixedTaps fixed_taps(int i, int source, int target) {
    const double scale = 1.0 / ((double)target / (double)source);
    const float at = (float)(__dmul_rn(i + 0.5, scale) - 0.5);
    const int sample = (int)floorf(at);
    const float part = at - (float)sample;
    FixedTaps taps;
    taps.first = min(max(sample, 0), source - 1);
    taps.second = min(max(sample + 1, 0), source - 1);
    taps.weight_first = (int)rintf((1.0f - part) * 2048.0f);
    taps.weight_second = (int)rintf(part * 2048.0f);
    return taps;
}

// resized[n][size][size]: the resized picture's middle. Launch: grid.x = size (rows), grid.y = images.
SPOS_KERNEL image_resize_fixed(SPOS_OUT(gridDim.y, size, size) uint32_t* resized, SPOS_IN() const uint8_t* pixels,
                               SPOS_IN() const ImageTransform* transforms, int size) {
    const ImageTransform& t = transforms[blockIdx.y];
    const int64_t stride = (int64_t)(t.right - t.left) * 4;
    // Where the picture's first pixel would be.
    const uint8_t* picture = pixels + t.pixels - t.top * stride - (int64_t)t.left * 4;
    const int row = t.crop_top + (int)blockIdx.x;
    const int width = t.source_right, height = t.source_bottom;
    uint32_t* target = resized + ((int64_t)blockIdx.y * size + blockIdx.x) * size;
    // To half the size OpenCV takes the mean of four.
    const bool half = width == 2 * t.resized_width && height == 2 * t.resized_height;
    const FixedTaps down = fixed_taps(row, height, t.resized_height);
    for (int x = (int)threadIdx.x; x < size; x += (int)blockDim.x) {
        const FixedTaps across = fixed_taps(t.crop_left + x, width, t.resized_width);
        uint32_t levels = 0;
        for (int c = 0; c < 3; ++c) {
            int level = 0;
            if (half) {
                const uint8_t* corner = picture + 2 * row * stride + 8 * (t.crop_left + x) + c;
                level = (corner[0] + corner[4] + corner[stride] + corner[stride + 4] + 2) >> 2;
            } else {
                const uint8_t* upper = picture + down.first * stride + c;
                const uint8_t* lower = picture + down.second * stride + c;
                const int above =
                    upper[4 * across.first] * across.weight_first + upper[4 * across.second] * across.weight_second;
                const int below =
                    lower[4 * across.first] * across.weight_first + lower[4 * across.second] * across.weight_second;
                level =
                    (((down.weight_first * (above >> 4)) >> 16) + ((down.weight_second * (below >> 4)) >> 16) + 2) >> 2;
            }
            levels |= (uint32_t)level << (8 * c);
        }
        target[x] = levels;
    }
}
SPOS_EXPORT(image_resize_fixed)

struct Colour {
    Lane red, green, blue;
};

__device__ __forceinline__ Colour colour_of(Pixels p) { return {p.level(0), p.level(1), p.level(2)}; }

// Its sums are below 2^24, so that single precision holds them.
__device__ __forceinline__ Lane grey_level(const Colour& p) {
    const Lane sum = Lane(19595.0f) * p.red + Lane(38470.0f) * p.green + Lane(7471.0f) * p.blue + Lane(32768.0f);
    return truncated(sum * Lane(1.0f / 65536));
}

__device__ __forceinline__ Lane blend(Lane base, Lane level, Lane factor) {
    return truncated(clip(base + rounded_product(factor, level - base), 0.0f, 255.0f));
}

__device__ __forceinline__ void jitter(Colour& p, int operation, const ImageTransform& t, float mean_grey) {
    const Lane factor(operation == 0 ? t.brightness : operation == 1 ? t.contrast : t.saturation);
    const Lane base = operation == 0 ? Lane(0.0f) : operation == 1 ? Lane(mean_grey) : grey_level(p);
    p.red = blend(base, p.red, factor);
    p.green = blend(base, p.green, factor);
    p.blue = blend(base, p.blue, factor);
}

__device__ __forceinline__ bool has_jitter(const ImageTransform& t) {
    return t.brightness != 1.0f || t.contrast != 1.0f || t.saturation != 1.0f;
}

// The jitter operations before contrast, in place, and the mean grey level they leave, rounded: mean_grey[n]. Nothing
// where there is no jitter. Launch: grid.x = images.
SPOS_KERNEL image_jitter_before_contrast(SPOS_IN_OUT(gridDim.x, size, size) uint32_t* pixels,
                                         SPOS_OUT(gridDim.x) float* mean_grey,
                                         SPOS_IN() const ImageTransform* transforms, int size) {
    SPOS_SHARED(double, warp_sums, kMostThreads / kWarpThreads);
    const ImageTransform& t = transforms[blockIdx.x];
    if (!has_jitter(t)) return;
    uint32_t* picture = pixels + (int64_t)blockIdx.x * size * size;
    double sum = 0;
    for (int y = 0; y < size; ++y) {
        uint32_t* row = picture + (int64_t)y * size;
        Lane greys(0.0f);
        for_lanes(size, [&](int x, auto lane) {
            Colour p = colour_of(lane.load_pixels(row + x));
            int step = 0;
            for (; step < 3 && ((t.order >> (2 * step)) & 3) != 1; ++step) {
                jitter(p, (t.order >> (2 * step)) & 3, t, 0.0f);
            }
            if (step > 0) lane.store(row + x, Pixels::of(p.red, p.green, p.blue));
            greys += grey_level(p);
        });
        sum += total(greys);
    }
    sum = warp_sum(sum);
    if (warp_lane() == 0) warp_sums[warp_index()] = sum;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (int w = 1; w < warps_of_block(); ++w) sum += warp_sums[w];
    mean_grey[blockIdx.x] = (float)(int)(sum / ((double)size * size) + 0.5);
}
SPOS_EXPORT(image_jitter_before_contrast)

// Contrast, the jitter operations after it, and normalisation: batch[n][y][x][3], in the order blue, green, red if
// `bgr`; then erasing. Launch: grid.x = size (rows), grid.y = images.
SPOS_KERNEL image_jitter_and_normalise(SPOS_OUT(gridDim.y, size, size, 3) float* batch,
                                       SPOS_IN(gridDim.y, size, size) const uint32_t* pixels,
                                       SPOS_IN(gridDim.y) const float* mean_grey,
                                       SPOS_IN() const ImageTransform* transforms, int size, float range, float mean_r,
                                       float mean_g, float mean_b, float deviation_r, float deviation_g,
                                       float deviation_b, SPOS_FLAG int bgr) {
    const ImageTransform& t = transforms[blockIdx.y];
    const int y = (int)blockIdx.x;
    const uint32_t* source = pixels + ((int64_t)blockIdx.y * size + y) * size;
    float* row = batch + ((int64_t)blockIdx.y * size + y) * size * 3;
    const bool jittered = has_jitter(t);
    const float grey = jittered ? mean_grey[blockIdx.y] : 0.0f;
    for_lanes(size, [&](int x, auto lane) {
        Colour p = colour_of(lane.load_pixels(source + x));
        bool from_contrast = false;
        for (int step = 0; jittered && step < 3; ++step) {
            const int operation = (t.order >> (2 * step)) & 3;
            from_contrast = from_contrast || operation == 1;
            if (from_contrast) jitter(p, operation, t, grey);
        }
        const Lane r = quotient(quotient(p.red, range) - Lane(mean_r), deviation_r),
                   g = quotient(quotient(p.green, range) - Lane(mean_g), deviation_g),
                   b = quotient(quotient(p.blue, range) - Lane(mean_b), deviation_b);
        lane.store_threes(row + 3 * x, bgr ? b : r, g, bgr ? r : b);
    });
    if (y < t.erase_top || y >= t.erase_bottom) return;
    __syncthreads();
    for (int x = t.erase_left + (int)threadIdx.x; x < t.erase_right; x += (int)blockDim.x) {
        SPOS_UNROLL for (int c = 0; c < 3; ++c) row[3 * x + c] = 0.0f;
    }
}
SPOS_EXPORT(image_jitter_and_normalise)
