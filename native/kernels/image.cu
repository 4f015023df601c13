// From decoded pictures to a batch: crop and resize, flip, colour jitter, normalisation.
//
// Resizing is the antialiased bilinear (triangle) filter of PIL and torchvision: output pixel i looks at the
// source around (i + 0.5) * scale + box with a triangle of half-width max(scale, 1), cut at the clip rectangle and
// normalised to sum 1. Vertical first, then horizontal, in float on levels 0 ... 255.
// Jitter follows torchvision's ColorJitter on floats: brightness, contrast and saturation in the given order, each
// result clipped to 0 ... 255. Then y = scale[c] * level + shift[c].
//
// Pictures are 4 bytes a pixel (red, green, blue, 0) and hold the region of theirs that is wanted. Resized levels are
// planes, levels[n][colour][y][x], so that neighbouring threads or lanes work on neighbouring pixels.
#include "device/lanes.h"
#include "device/warp.h"

struct ImageTransform {
    int64_t pixels;                    // byte offset of its region's pixels
    int64_t rows;                      // float offset of its vertically resized rows, 4 values a pixel
    int32_t left, right, top, bottom;  // the region: [left, right) x [top, bottom) of the picture
    int32_t clip_left, clip_right, clip_top, clip_bottom;  // what may be read, likewise
    float box_left, box_top, scale_x, scale_y;
    int32_t flip;
    float brightness, contrast, saturation;  // factors; 1 leaves the picture as it is
    int32_t order;  // which goes first, second, third (0 brightness, 1 contrast, 2 saturation), 2 bits each
    // Of image_resize_fixed: the picture's size, the size it is brought to, and where the crop begins there.
    int32_t width, height, resized_width, resized_height, crop_left, crop_top;
    // What becomes 0 at the end, in the batch's pixels: [left, right) x [top, bottom).
    int32_t erase_left, erase_right, erase_top, erase_bottom;
};

// The source pixels of one output column or row, [first, first + count). All columns of an image have the same count,
// and so have all rows: the weights of those that lie beyond the filter are 0.
struct FilterTaps {
    int32_t first, count;
};

// Of columns (grid.y 0) and rows (1): taps[n][axis][size], weights[n][axis][size][most]. Launch: grid.x = images,
// grid.y = 2.
SPOS_KERNEL image_filter_taps(FilterTaps* taps, float* weights, const ImageTransform* transforms, int size, int most) {
    const ImageTransform& t = transforms[blockIdx.x];
    const bool across = blockIdx.y == 0;
    const float box = across ? t.box_left : t.box_top, scale = across ? t.scale_x : t.scale_y;
    const int clip_first = across ? t.clip_left : t.clip_top, clip_last = across ? t.clip_right : t.clip_bottom;
    const int region_first = across ? t.left : t.top, region_last = across ? t.right : t.bottom;
    const float width = max(scale, 1.0f), inverse_width = 1.0f / width;
    const int count = min((int)(2.0f * width) + 2, region_last - region_first);
    for (int i = (int)threadIdx.x; i < size; i += (int)blockDim.x) {
        const float centre = box + ((float)i + 0.5f) * scale;
        const int first = max((int)(centre - width + 0.5f), clip_first);
        const int last = min((int)(centre + width + 0.5f), clip_last);
        const int begin = min(first, region_last - count);
        const int64_t at = ((int64_t)blockIdx.x * 2 + blockIdx.y) * size + i;
        float* weight = weights + at * most;
        float sum = 0.0f;
        for (int k = 0; k < count; ++k) {
            const int pixel = begin + k;
            const float height = 1.0f - fabsf((float)pixel + 0.5f - centre) * inverse_width;
            weight[k] = pixel >= first && pixel < last ? max(0.0f, height) : 0.0f;
            sum += weight[k];
        }
        for (int k = 0; k < count; ++k) weight[k] *= 1.0f / sum;
        taps[at] = {begin, count};
    }
}
SPOS_EXPORT(image_filter_taps)

// Output rows that a block makes one after the other.
constexpr int kResizedRows = 8;

// Mirrored where `flip` is set. Launch: grid.x = ceil(size / kResizedRows), grid.y = images.
SPOS_KERNEL image_resize(float* levels, float* rows, const uint8_t* pixels, const FilterTaps* taps,
                         const float* weights, const ImageTransform* transforms, int size, int most) {
    const ImageTransform& t = transforms[blockIdx.y];
    const int width = t.right - t.left;
    const int64_t columns = (int64_t)blockIdx.y * 2 * size;
    float* row = rows + t.rows + (int64_t)blockIdx.x * width * 4;
    const int first_row = (int)blockIdx.x * kResizedRows, last_row = min(first_row + kResizedRows, size);
    for (int y = first_row; y < last_row; ++y) {
        const FilterTaps down = taps[columns + size + y];
        const float* share_down = weights + (columns + size + y) * most;
        const uint8_t* picture = pixels + t.pixels + (int64_t)(down.first - t.top) * width * 4;
        for_lanes(width * 4, [&](int i, auto lane) {
            Lane sum(0.0f);
            for (int k = 0; k < down.count; ++k) {
                sum = multiply_add(lane.load(picture + (int64_t)k * width * 4 + i), Lane(share_down[k]), sum);
            }
            lane.store(row + i, sum);
        });
        __syncthreads();
        float* target = levels + ((int64_t)blockIdx.y * 3 * size + y) * size;
        for (int x = (int)threadIdx.x; x < size; x += (int)blockDim.x) {
            const FilterTaps across = taps[columns + x];
            const float* share = weights + (columns + x) * most;
            const float* source = row + (int64_t)(across.first - t.left) * 4;
            Four sum;
            for (int k = 0; k < across.count; ++k) sum = multiply_add(Four::load(source + 4 * k), share[k], sum);
            const int to = t.flip ? size - 1 - x : x;
            SPOS_UNROLL for (int c = 0; c < 3; ++c) target[(int64_t)c * size * size + to] = sum.v[c];
        }
        __syncthreads();
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
    const float at = (float)((i + 0.5) * scale - 0.5);
    const int sample = (int)floorf(at);
    const float part = at - (float)sample;
    FixedTaps taps;
    taps.first = min(max(sample, 0), source - 1);
    taps.second = min(max(sample + 1, 0), source - 1);
    taps.weight_first = (int)rintf((1.0f - part) * 2048.0f);
    taps.weight_second = (int)rintf(part * 2048.0f);
    return taps;
}

// The resized picture's middle, whole levels. Launch: grid.x = size (rows), grid.y = images.
SPOS_KERNEL image_resize_fixed(float* levels, const uint8_t* pixels, const ImageTransform* transforms, int size) {
    const ImageTransform& t = transforms[blockIdx.y];
    const int64_t stride = (int64_t)(t.right - t.left) * 4;
    // Where the picture's first pixel would be.
    const uint8_t* picture = pixels + t.pixels - t.top * stride - (int64_t)t.left * 4;
    const int row = t.crop_top + (int)blockIdx.x;
    float* target = levels + ((int64_t)blockIdx.y * 3 * size + blockIdx.x) * size;
    // To half the size OpenCV takes the mean of four.
    const bool half = t.width == 2 * t.resized_width && t.height == 2 * t.resized_height;
    const FixedTaps down = fixed_taps(row, t.height, t.resized_height);
    for (int x = (int)threadIdx.x; x < size; x += (int)blockDim.x) {
        const FixedTaps across = fixed_taps(t.crop_left + x, t.width, t.resized_width);
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
            target[(int64_t)c * size * size + x] = (float)level;
        }
    }
}
SPOS_EXPORT(image_resize_fixed)

struct Colour {
    Lane red, green, blue;
};

__device__ __forceinline__ Lane grey_level(const Colour& p) {
    return Lane(0.299f) * p.red + Lane(0.587f) * p.green + Lane(0.114f) * p.blue;
}

// One operation: level = factor * level + (1 - factor) * base, where the base is black for brightness, the picture's
// mean grey for contrast and the pixel's own grey for saturation.
__device__ __forceinline__ void jitter(Colour& p, int operation, const ImageTransform& t, float mean_grey) {
    const float amount = operation == 0 ? t.brightness : operation == 1 ? t.contrast : t.saturation;
    const Lane factor(amount), rest(1.0f - amount);
    const Lane base = rest * (operation == 0 ? Lane(0.0f) : operation == 1 ? Lane(mean_grey) : grey_level(p));
    p.red = clip(factor * p.red + base, 0.0f, 255.0f);
    p.green = clip(factor * p.green + base, 0.0f, 255.0f);
    p.blue = clip(factor * p.blue + base, 0.0f, 255.0f);
}

// The jitter operations before contrast, in place, and the mean grey level they leave: mean_grey[n].
// Launch: grid.x = images.
SPOS_KERNEL image_jitter_before_contrast(float* levels, float* mean_grey, const ImageTransform* transforms, int size) {
    SPOS_SHARED(double, warp_sums, kMostThreads / kWarpThreads);
    const ImageTransform& t = transforms[blockIdx.x];
    const int plane = size * size;
    float* picture = levels + (int64_t)blockIdx.x * 3 * plane;
    double sum = 0;
    for (int y = 0; y < size; ++y) {
        float* row = picture + (int64_t)y * size;
        Lane greys(0.0f);
        for_lanes(size, [&](int x, auto lane) {
            Colour p{lane.load(row + x), lane.load(row + plane + x), lane.load(row + 2 * plane + x)};
            int step = 0;
            for (; step < 3 && ((t.order >> (2 * step)) & 3) != 1; ++step) {
                jitter(p, (t.order >> (2 * step)) & 3, t, 0.0f);
            }
            if (step > 0) {
                lane.store(row + x, p.red);
                lane.store(row + plane + x, p.green);
                lane.store(row + 2 * plane + x, p.blue);
            }
            greys += grey_level(p);
        });
        sum += total(greys);
    }
    sum = warp_sum(sum);
    if (warp_lane() == 0) warp_sums[warp_index()] = sum;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (int w = 1; w < warps_of_block(); ++w) sum += warp_sums[w];
    mean_grey[blockIdx.x] = (float)(sum / ((double)size * size));
}
SPOS_EXPORT(image_jitter_before_contrast)

// Contrast, the jitter operations after it, and normalisation: batch[n][y][x][3] = scale * level + shift for each
// colour, in the order blue, green, red if `bgr`; then erasing. Launch: grid.x = size (rows), grid.y = images.
SPOS_KERNEL image_jitter_and_normalise(float* batch, const float* levels, const float* mean_grey,
                                       const ImageTransform* transforms, int size, float scale_r, float scale_g,
                                       float scale_b, float shift_r, float shift_g, float shift_b, int bgr) {
    const ImageTransform& t = transforms[blockIdx.y];
    const int y = (int)blockIdx.x, plane = size * size;
    const float* source = levels + (int64_t)blockIdx.y * 3 * plane + (int64_t)y * size;
    float* row = batch + ((int64_t)blockIdx.y * size + y) * size * 3;
    const float grey = mean_grey[blockIdx.y];
    for_lanes(size, [&](int x, auto lane) {
        Colour p{lane.load(source + x), lane.load(source + plane + x), lane.load(source + 2 * plane + x)};
        bool from_contrast = false;
        for (int step = 0; step < 3; ++step) {
            const int operation = (t.order >> (2 * step)) & 3;
            from_contrast = from_contrast || operation == 1;
            if (from_contrast) jitter(p, operation, t, grey);
        }
        const Lane r = p.red * Lane(scale_r) + Lane(shift_r), g = p.green * Lane(scale_g) + Lane(shift_g),
                   b = p.blue * Lane(scale_b) + Lane(shift_b);
        lane.store_threes(row + 3 * x, bgr ? b : r, g, bgr ? r : b);
    });
    if (y < t.erase_top || y >= t.erase_bottom) return;
    __syncthreads();
    for (int x = t.erase_left + (int)threadIdx.x; x < t.erase_right; x += (int)blockDim.x) {
        SPOS_UNROLL for (int c = 0; c < 3; ++c) row[3 * x + c] = 0.0f;
    }
}
SPOS_EXPORT(image_jitter_and_normalise)
