// JPEG decoding after the entropy decoder: dequantisation, inverse DCT, chroma upsampling, colour conversion.
//
// The arithmetic is that of libjpeg-turbo's defaults, bit for bit: the accurate integer inverse DCT (Loeffler,
// Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications", ICASSP 1989, with 13-bit
// constants), "fancy" triangle upsampling of 2:1 chroma and 16-bit fixed-point YCbCr to RGB (ITU-T T.871).
//
// One launch decodes a whole batch: strips name the image and the rows that a block works on.

// One colour component. `coefficients` counts int16 and is in natural (not zigzag) order, 64 a block, blocks in
// rows of blocks_wide; `samples` counts bytes of the sample buffer.
struct JpegPlane {
    int64_t coefficients;
    int64_t samples;
    int32_t blocks_wide;    // also the sample rows' stride, divided by 8
    int32_t width, height;  // samples that carry picture
    int32_t quantisation;   // index of its table of 64 uint16 in natural order
    int32_t horizontal;     // how many pixels a sample spans
    int32_t vertical;
};

struct JpegImage {
    JpegPlane planes[3];
    int64_t pixels;  // byte offset of its RGB picture
    int32_t width, height;
    int32_t components;  // 1 or 3
    int32_t is_ycc;      // 0: the components are RGB already
};

struct JpegStrip {
    int32_t image, plane, row, reserved;
};

// Eight 1-D transforms at once, one a column of `block`, whose result is shifted right by `shift` with rounding.
__device__ __forceinline__ void inverse_dct_columns(int32_t (&block)[8][8], int shift) {
    const int32_t half = 1 << (shift - 1);
    for (int i = 0; i < 8; ++i) {
        int32_t z1 = (block[2][i] + block[6][i]) * 4433;
        const int32_t even2 = z1 - block[6][i] * 15137;
        const int32_t even3 = z1 + block[2][i] * 6270;
        const int32_t even0 = (block[0][i] + block[4][i]) * 8192;
        const int32_t even1 = (block[0][i] - block[4][i]) * 8192;
        const int32_t a0 = even0 + even3, a3 = even0 - even3, a1 = even1 + even2, a2 = even1 - even2;

        int32_t b0 = block[7][i], b1 = block[5][i], b2 = block[3][i], b3 = block[1][i];
        const int32_t z5 = (b0 + b2 + b1 + b3) * 9633;
        const int32_t z3 = (b0 + b2) * -16069 + z5;
        const int32_t z4 = (b1 + b3) * -3196 + z5;
        z1 = (b0 + b3) * -7373;
        const int32_t z2 = (b1 + b2) * -20995;
        b0 = b0 * 2446 + z1 + z3;
        b1 = b1 * 16819 + z2 + z4;
        b2 = b2 * 25172 + z2 + z3;
        b3 = b3 * 12299 + z1 + z4;

        block[0][i] = (a0 + b3 + half) >> shift;
        block[7][i] = (a0 - b3 + half) >> shift;
        block[1][i] = (a1 + b2 + half) >> shift;
        block[6][i] = (a1 - b2 + half) >> shift;
        block[2][i] = (a2 + b1 + half) >> shift;
        block[5][i] = (a2 - b1 + half) >> shift;
        block[3][i] = (a3 + b0 + half) >> shift;
        block[4][i] = (a3 - b0 + half) >> shift;
    }
}

__device__ __forceinline__ void transpose_block(int32_t (&block)[8][8]) {
    for (int i = 0; i < 8; ++i) {
        for (int j = 0; j < i; ++j) {
            const int32_t t = block[i][j];
            block[i][j] = block[j][i];
            block[j][i] = t;
        }
    }
}

__device__ __forceinline__ uint8_t clamp_sample(int32_t value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// A strip is one row of blocks of one plane. Launch: grid.x = number of strips; one thread a block of samples.
SPOS_KERNEL jpeg_inverse_dct(uint8_t* samples, const int16_t* coefficients, const uint16_t* quantisation,
                             const JpegImage* images, const JpegStrip* strips) {
    const JpegStrip strip = strips[blockIdx.x];
    const JpegPlane& plane = images[strip.image].planes[strip.plane];
    const uint16_t* table = quantisation + plane.quantisation * 64;
    const int stride = plane.blocks_wide * 8;
    for (int b = (int)threadIdx.x; b < plane.blocks_wide; b += (int)blockDim.x) {
        const int16_t* source = coefficients + plane.coefficients + ((int64_t)strip.row * plane.blocks_wide + b) * 64;
        int32_t block[8][8];
        for (int i = 0; i < 64; ++i) block[i / 8][i % 8] = (int32_t)((uint32_t)(int32_t)source[i] * table[i]);
        inverse_dct_columns(block, 11);
        transpose_block(block);
        inverse_dct_columns(block, 18);
        uint8_t* target = samples + plane.samples + (int64_t)strip.row * 8 * stride + b * 8;
        for (int y = 0; y < 8; ++y) {
            for (int x = 0; x < 8; ++x) target[y * stride + x] = clamp_sample(block[x][y] + 128);
        }
    }
}
SPOS_EXPORT(jpeg_inverse_dct)

// How a plane's samples are brought to the size of the picture.
enum class Upsampling { kNone, kTriangleH2, kTriangleV2, kTriangleH2V2, kRepeat };

__device__ __forceinline__ Upsampling upsampling_of(const JpegPlane& plane) {
    if (plane.horizontal == 1 && plane.vertical == 1) return Upsampling::kNone;
    if (plane.horizontal == 2 && plane.vertical == 1 && plane.width > 2) return Upsampling::kTriangleH2;
    if (plane.horizontal == 1 && plane.vertical == 2) return Upsampling::kTriangleV2;
    if (plane.horizontal == 2 && plane.vertical == 2 && plane.width > 2) return Upsampling::kTriangleH2V2;
    return Upsampling::kRepeat;
}

// The rows that pixel row y draws on: the nearest one, and the one on the other side.
struct SampleRows {
    const uint8_t* near;
    const uint8_t* far;
    Upsampling kind;
    int last, horizontal, odd_row;
};

__device__ __forceinline__ SampleRows sample_rows(const uint8_t* samples, const JpegPlane& plane, int y) {
    const uint8_t* first = samples + plane.samples;
    const int stride = plane.blocks_wide * 8;
    const int near = y / plane.vertical;
    const int far = min(max(near + (y % 2 ? 1 : -1), 0), plane.height - 1);
    return {first + (int64_t)near * stride,
            first + (int64_t)far * stride,
            upsampling_of(plane),
            plane.width - 1,
            plane.horizontal,
            y % 2};
}

__device__ __forceinline__ int sample_at(const SampleRows& rows, int x) {
    switch (rows.kind) {
        case Upsampling::kNone:
            return rows.near[x];
        case Upsampling::kTriangleV2:
            return (3 * rows.near[x] + rows.far[x] + (rows.odd_row ? 2 : 1)) >> 2;
        case Upsampling::kRepeat:
            return rows.near[x / rows.horizontal];
        default:
            break;
    }
    const int i = x / 2;
    const int neighbour = min(max(i + (x % 2 ? 1 : -1), 0), rows.last);
    if (rows.kind == Upsampling::kTriangleH2) {
        return (3 * rows.near[i] + rows.near[neighbour] + (x % 2 ? 2 : 1)) >> 2;
    }
    const int here = 3 * rows.near[i] + rows.far[i];
    const int there = 3 * rows.near[neighbour] + rows.far[neighbour];
    return (3 * here + there + (x % 2 ? 7 : 8)) >> 4;
}

// A strip is one row of pixels (its `plane` is unused). Launch: grid.x = number of strips; one thread a pixel.
SPOS_KERNEL jpeg_to_rgb(uint8_t* pixels, const uint8_t* samples, const JpegImage* images, const JpegStrip* strips) {
    const JpegStrip strip = strips[blockIdx.x];
    const JpegImage& image = images[strip.image];
    uint8_t* row = pixels + image.pixels + (int64_t)strip.row * image.width * 3;
    const SampleRows first = sample_rows(samples, image.planes[0], strip.row);
    if (image.components == 1) {
        for (int x = (int)threadIdx.x; x < image.width; x += (int)blockDim.x) {
            row[3 * x] = row[3 * x + 1] = row[3 * x + 2] = first.near[x];
        }
        return;
    }
    const SampleRows second = sample_rows(samples, image.planes[1], strip.row);
    const SampleRows third = sample_rows(samples, image.planes[2], strip.row);
    for (int x = (int)threadIdx.x; x < image.width; x += (int)blockDim.x) {
        const int a = sample_at(first, x), b = sample_at(second, x), c = sample_at(third, x);
        if (!image.is_ycc) {
            row[3 * x] = (uint8_t)a;
            row[3 * x + 1] = (uint8_t)b;
            row[3 * x + 2] = (uint8_t)c;
            continue;
        }
        const int blue = b - 128, red = c - 128;
        row[3 * x] = clamp_sample(a + ((91881 * red + 32768) >> 16));
        row[3 * x + 1] = clamp_sample(a + ((-22554 * blue - 46802 * red + 32768) >> 16));
        row[3 * x + 2] = clamp_sample(a + ((116130 * blue + 32768) >> 16));
    }
}
SPOS_EXPORT(jpeg_to_rgb)
