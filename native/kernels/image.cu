// From decoded pictures to a batch: crop and resize, flip, colour jitter, normalisation.
//
// Resizing is the antialiased bilinear (triangle) filter of PIL and torchvision: output pixel i looks at the
// source around (i + 0.5) * scale + box with a triangle of half-width max(scale, 1), cut at the clip rectangle and
// normalised to sum 1. Horizontal first, then vertical, in float on levels 0 ... 255.
// Jitter follows torchvision's ColorJitter on floats: brightness, contrast and saturation in the given order, each
// result clipped to 0 ... 255. Then y = scale[c] * level + shift[c].
#include "device/warp.h"

struct ImageTransform {
    int64_t pixels;                                        // byte offset of its RGB picture
    int64_t rows;                                          // float offset of its horizontally resized rows
    int32_t width;                                         // of the picture
    int32_t clip_left, clip_right, clip_top, clip_bottom;  // what may be read: [left, right) x [top, bottom)
    float box_left, box_top, scale_x, scale_y;
    int32_t flip;
    float brightness, contrast, saturation;  // factors; 1 leaves the picture as it is
    int32_t order;  // which goes first, second, third (0 brightness, 1 contrast, 2 saturation), 2 bits each
    // Of image_resize_fixed: the picture's height, the size it is brought to, and where the crop begins there.
    int32_t height, resized_width, resized_height, crop_left, crop_top;
    // What becomes 0 at the end, in the batch's pixels: [left, right) x [top, bottom).
    int32_t erase_left, erase_right, erase_top, erase_bottom;
};

struct FilterTaps {
    float centre, inverse_width, inverse_sum;
    int first, last;
};

__device__ __forceinline__ float triangle(const FilterTaps& taps, int i) {
    const float distance = fabsf((float)i + 0.5f - taps.centre) * taps.inverse_width;
    return max(0.0f, 1.0f - distance);
}

__device__ __forceinline__ FilterTaps filter_taps(int output, float box, float scale, int clip_first, int clip_last) {
    const float width = max(scale, 1.0f);
    FilterTaps taps;
    taps.centre = box + ((float)output + 0.5f) * scale;
    taps.inverse_width = 1.0f / width;
    taps.first = max((int)(taps.centre - width + 0.5f), clip_first);
    taps.last = min((int)(taps.centre + width + 0.5f), clip_last);
    float sum = 0.0f;
    for (int i = taps.first; i < taps.last; ++i) sum += triangle(taps, i);
    taps.inverse_sum = 1.0f / sum;
    return taps;
}

//   rows[y - clip_top][x][3] for the clipped rows. Launch: grid.x = images.
SPOS_KERNEL image_resize_horizontal(float* rows, const uint8_t* pixels, const ImageTransform* transforms, int size) {
    const ImageTransform& t = transforms[blockIdx.x];
    const uint8_t* picture = pixels + t.pixels;
    float* target = rows + t.rows;
    for (int x = (int)threadIdx.x; x < size; x += (int)blockDim.x) {
        const FilterTaps taps = filter_taps(x, t.box_left, t.scale_x, t.clip_left, t.clip_right);
        for (int y = t.clip_top; y < t.clip_bottom; ++y) {
            const uint8_t* row = picture + (int64_t)y * t.width * 3;
            float r = 0.0f, g = 0.0f, b = 0.0f;
            for (int i = taps.first; i < taps.last; ++i) {
                const float weight = triangle(taps, i) * taps.inverse_sum;
                r += weight * (float)row[3 * i];
                g += weight * (float)row[3 * i + 1];
                b += weight * (float)row[3 * i + 2];
            }
            float* pixel = target + ((int64_t)(y - t.clip_top) * size + x) * 3;
            pixel[0] = r;
            pixel[1] = g;
            pixel[2] = b;
        }
    }
}
SPOS_EXPORT(image_resize_horizontal)

//   batch[n][y][x][3], mirrored where `flip` is set. Launch: grid.x = size, grid.y = images.
SPOS_KERNEL image_resize_vertical(float* batch, const float* rows, const ImageTransform* transforms, int size) {
    const ImageTransform& t = transforms[blockIdx.y];
    const int y = (int)blockIdx.x;
    const FilterTaps taps = filter_taps(y, t.box_top, t.scale_y, t.clip_top, t.clip_bottom);
    const float* source = rows + t.rows;
    float* target = batch + ((int64_t)blockIdx.y * size + y) * size * 3;
    for (int x = (int)threadIdx.x; x < size; x += (int)blockDim.x) {
        float r = 0.0f, g = 0.0f, b = 0.0f;
        for (int i = taps.first; i < taps.last; ++i) {
            const float weight = triangle(taps, i) * taps.inverse_sum;
            const float* pixel = source + ((int64_t)(i - t.clip_top) * size + x) * 3;
            r += weight * pixel[0];
            g += weight * pixel[1];
            b += weight * pixel[2];
        }
        float* pixel = target + (t.flip ? size - 1 - x : x) * 3;
        pixel[0] = r;
        pixel[1] = g;
        pixel[2] = b;
    }
}
SPOS_EXPORT(image_resize_vertical)

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

//   batch[n][y][x][3] = the resized picture's middle, whole levels. Launch: grid.x = size, grid.y = images.
SPOS_KERNEL image_resize_fixed(float* batch, const uint8_t* pixels, const ImageTransform* transforms, int size) {
    const ImageTransform& t = transforms[blockIdx.y];
    const uint8_t* picture = pixels + t.pixels;
    const int64_t stride = (int64_t)t.width * 3;
    const int row = t.crop_top + (int)blockIdx.x;
    float* target = batch + ((int64_t)blockIdx.y * size + blockIdx.x) * size * 3;
    // To half the size OpenCV takes the mean of four.
    const bool half = t.width == 2 * t.resized_width && t.height == 2 * t.resized_height;
    const FixedTaps down = fixed_taps(row, t.height, t.resized_height);
    for (int x = (int)threadIdx.x; x < size; x += (int)blockDim.x) {
        const FixedTaps across = fixed_taps(t.crop_left + x, t.width, t.resized_width);
        for (int c = 0; c < 3; ++c) {
            int level = 0;
            if (half) {
                const uint8_t* corner = picture + 2 * row * stride + 6 * (t.crop_left + x) + c;
                level = (corner[0] + corner[3] + corner[stride] + corner[stride + 3] + 2) >> 2;
            } else {
                const uint8_t* upper = picture + down.first * stride + c;
                const uint8_t* lower = picture + down.second * stride + c;
                const int above =
                    upper[3 * across.first] * across.weight_first + upper[3 * across.second] * across.weight_second;
                const int below =
                    lower[3 * across.first] * across.weight_first + lower[3 * across.second] * across.weight_second;
                level =
                    (((down.weight_first * (above >> 4)) >> 16) + ((down.weight_second * (below >> 4)) >> 16) + 2) >> 2;
            }
            target[3 * x + c] = (float)level;
        }
    }
}
SPOS_EXPORT(image_resize_fixed)

__device__ __forceinline__ float grey_level(const float* pixel) {
    return 0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2];
}

__device__ __forceinline__ float clip_level(float level) { return min(max(level, 0.0f), 255.0f); }

// One operation: level = factor * level + (1 - factor) * base, where the base is black for brightness, the picture's
// mean grey for contrast and the pixel's own grey for saturation.
__device__ __forceinline__ void jitter_pixel(float* pixel, int operation, const ImageTransform& t, float mean_grey) {
    const float factor = operation == 0 ? t.brightness : operation == 1 ? t.contrast : t.saturation;
    const float base = operation == 0 ? 0.0f : operation == 1 ? mean_grey : grey_level(pixel);
    for (int c = 0; c < 3; ++c) pixel[c] = clip_level(factor * pixel[c] + (1.0f - factor) * base);
}

// The jitter operations before contrast, in place, and the mean grey level they leave: mean_grey[n].
// Launch: grid.x = images.
SPOS_KERNEL image_jitter_before_contrast(float* batch, float* mean_grey, const ImageTransform* transforms, int size) {
    SPOS_SHARED(double, warp_sums, kMostThreads / kWarpThreads);
    const ImageTransform& t = transforms[blockIdx.x];
    float* picture = batch + (int64_t)blockIdx.x * size * size * 3;
    double sum = 0;
    for (int i = (int)threadIdx.x; i < size * size; i += (int)blockDim.x) {
        float* pixel = picture + 3 * i;
        for (int step = 0; step < 3; ++step) {
            const int operation = (t.order >> (2 * step)) & 3;
            if (operation == 1) break;
            jitter_pixel(pixel, operation, t, 0.0f);
        }
        sum += grey_level(pixel);
    }
    sum = warp_sum(sum);
    if (warp_lane() == 0) warp_sums[warp_index()] = sum;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (int w = 1; w < warps_of_block(); ++w) sum += warp_sums[w];
    mean_grey[blockIdx.x] = (float)(sum / ((double)size * size));
}
SPOS_EXPORT(image_jitter_before_contrast)

// Contrast, the jitter operations after it, and normalisation, in place: scale * level + shift for each colour, in the
// order blue, green, red if `bgr`; then erasing. Launch: grid.x = size (rows), grid.y = images.
SPOS_KERNEL image_jitter_and_normalise(float* batch, const float* mean_grey, const ImageTransform* transforms, int size,
                                       float scale_r, float scale_g, float scale_b, float shift_r, float shift_g,
                                       float shift_b, int bgr) {
    const ImageTransform& t = transforms[blockIdx.y];
    float* row = batch + ((int64_t)blockIdx.y * size + blockIdx.x) * size * 3;
    for (int x = (int)threadIdx.x; x < size; x += (int)blockDim.x) {
        float* pixel = row + 3 * x;
        bool from_contrast = false;
        for (int step = 0; step < 3; ++step) {
            const int operation = (t.order >> (2 * step)) & 3;
            from_contrast = from_contrast || operation == 1;
            if (from_contrast) jitter_pixel(pixel, operation, t, mean_grey[blockIdx.y]);
        }
        const float r = pixel[0] * scale_r + shift_r, b = pixel[2] * scale_b + shift_b;
        const int y = (int)blockIdx.x;
        const bool erased = x >= t.erase_left && x < t.erase_right && y >= t.erase_top && y < t.erase_bottom;
        pixel[0] = erased ? 0.0f : bgr ? b : r;
        pixel[1] = erased ? 0.0f : pixel[1] * scale_g + shift_g;
        pixel[2] = erased ? 0.0f : bgr ? r : b;
    }
}
SPOS_EXPORT(image_jitter_and_normalise)
