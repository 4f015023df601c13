// JPEG decoding after the entropy decoder: dequantisation, inverse DCT, chroma upsampling, colour conversion.
//
// The arithmetic is that of libjpeg-turbo's defaults, bit for bit: the accurate integer inverse DCT (Loeffler,
// Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications", ICASSP 1989, with 13-bit
// constants), "fancy" triangle upsampling of 2:1 chroma and 16-bit fixed-point YCbCr to RGB (ITU-T T.871).
//
// A block may become fewer samples than 8x8: 4x4, 2x2 or one. These are the means of 2x2, 4x4 or 8x8 of the block's,
// which the same algorithm finds without those (libjpeg-turbo's jidctred.c), again bit for bit.
//
// One launch decodes a whole batch: strips name the image, the row and the columns that a block works on, and only what
// a crop needs is worked on.

// One colour component. `coefficients` counts int16 and is in natural (not zigzag) order, 64 a block, blocks in
// rows of blocks_wide; `samples` counts bytes of the sample buffer.
struct JpegPlane {
    int64_t coefficients;
    int64_t samples;
    int32_t blocks_wide;
    int32_t block_side;     // rows and columns of samples that a block becomes: 8, 4, 2 or 1
    int32_t width, height;  // samples that carry picture
    int32_t quantisation;   // index of its table of 64 uint16 in natural order
    int32_t horizontal;     // how many pixels a sample spans
    int32_t vertical;
    int32_t repeated;  // 1: samples are repeated, and not smoothed, where they span several pixels

    __device__ __forceinline__ int stride() const { return blocks_wide * block_side; }
};

struct JpegImage {
    JpegPlane planes[3];
    int64_t pixels;  // byte offset of its result: 4 bytes a pixel (red, green, blue, 0), the region's rows and columns
    int32_t components;                // 1 or 3
    int32_t is_ycc;                    // 0: the components are RGB already
    int32_t left, right, top, bottom;  // the region that is wanted: [left, right) x [top, bottom)
};

// Row `row` of a plane's blocks, or of the picture's pixels; of its blocks those in [first, last).
struct JpegStrip {
    int32_t image, plane, row, first, last;
};

// Eight 1-D transforms at once, one a column, whose result is shifted right by `shift` with rounding.
__device__ __forceinline__ void inverse_dct_columns(DctRow (&row)[8], int shift) {
    const int32_t half = 1 << (shift - 1);
    DctRow z1 = (row[2] + row[6]) * 4433;
    const DctRow even2 = z1 - row[6] * 15137;
    const DctRow even3 = z1 + row[2] * 6270;
    const DctRow even0 = (row[0] + row[4]) * 8192 + half;
    const DctRow even1 = (row[0] - row[4]) * 8192 + half;
    const DctRow a0 = even0 + even3, a3 = even0 - even3, a1 = even1 + even2, a2 = even1 - even2;

    DctRow b0 = row[7], b1 = row[5], b2 = row[3], b3 = row[1];
    const DctRow z5 = (b0 + b2 + b1 + b3) * 9633;
    const DctRow z3 = (b0 + b2) * -16069 + z5;
    const DctRow z4 = (b1 + b3) * -3196 + z5;
    z1 = (b0 + b3) * -7373;
    const DctRow z2 = (b1 + b2) * -20995;
    b0 = b0 * 2446 + z1 + z3;
    b1 = b1 * 16819 + z2 + z4;
    b2 = b2 * 25172 + z2 + z3;
    b3 = b3 * 12299 + z1 + z4;

    row[0] = (a0 + b3) >> shift;
    row[7] = (a0 - b3) >> shift;
    row[1] = (a1 + b2) >> shift;
    row[6] = (a1 - b2) >> shift;
    row[2] = (a2 + b1) >> shift;
    row[5] = (a2 - b1) >> shift;
    row[3] = (a3 + b0) >> shift;
    row[4] = (a3 - b0) >> shift;
}

// The same to four samples. Row 4 does not matter.
__device__ __forceinline__ void inverse_dct_columns_to_4(DctRow (&row)[8], int shift) {
    const int32_t half = 1 << shift;
    const DctRow even = row[0] * 16384 + half, odd = row[2] * 15137 - row[6] * 6270;
    const DctRow a0 = even + odd, a1 = even - odd;
    const DctRow b0 = row[1] * 20995 + row[3] * 7373 - row[5] * 4926 - row[7] * 4176;
    const DctRow b1 = row[1] * 8697 - row[3] * 17799 + row[5] * 11893 - row[7] * 1730;
    row[0] = (a0 + b0) >> (shift + 1);
    row[3] = (a0 - b0) >> (shift + 1);
    row[1] = (a1 + b1) >> (shift + 1);
    row[2] = (a1 - b1) >> (shift + 1);
}

// The same to two samples. Of even rows only the first one matters.
__device__ __forceinline__ void inverse_dct_columns_to_2(DctRow (&row)[8], int shift) {
    const DctRow even = row[0] * 32768 + (1 << (shift + 1));
    const DctRow odd = row[1] * 29692 - row[3] * 10426 + row[5] * 6967 - row[7] * 5906;
    row[0] = (even + odd) >> (shift + 2);
    row[1] = (even - odd) >> (shift + 2);
}

template <int Side>
__device__ __forceinline__ void inverse_dct_columns_to(DctRow (&row)[8], int shift) {
    if constexpr (Side == 8) inverse_dct_columns(row, shift);
    if constexpr (Side == 4) inverse_dct_columns_to_4(row, shift);
    if constexpr (Side == 2) inverse_dct_columns_to_2(row, shift);
}

// Rows of kDctBlocks neighbouring blocks to Side x Side samples each.
template <int Side>
__device__ __forceinline__ void inverse_dct_blocks(DctRow (&row)[8]) {
    if constexpr (Side == 1) {
        row[0] = (row[0] + 4) >> 3;
    } else {
        inverse_dct_columns_to<Side>(row, 11);
        transpose_blocks(row);
        inverse_dct_columns_to<Side>(row, 18);
        transpose_blocks(row);
    }
}

__device__ __forceinline__ uint8_t clamp_sample(int32_t value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// Blocks [first, last) of a row of a plane's blocks.
template <int Side>
__device__ __forceinline__ void inverse_dct_strip(uint8_t* samples, const int16_t* coefficients, const uint16_t* table,
                                                  const JpegPlane& plane, const JpegStrip& strip) {
    const int stride = plane.blocks_wide * Side;
    for (int b = strip.first + (int)threadIdx.x * kDctBlocks; b < strip.last; b += (int)blockDim.x * kDctBlocks) {
        const int count = min(kDctBlocks, strip.last - b);
        const int16_t* source = coefficients + plane.coefficients + ((int64_t)strip.row * plane.blocks_wide + b) * 64;
        DctRow row[8];
        SPOS_UNROLL for (int i = 0; i < 8; ++i) row[i] = DctRow::dequantised(source + i * 8, table + i * 8, count);
        inverse_dct_blocks<Side>(row);
        uint8_t* target = samples + plane.samples + (int64_t)strip.row * Side * stride + b * Side;
        SPOS_UNROLL for (int y = 0; y < Side; ++y) row[y].template store_samples<Side>(target + y * stride, count);
    }
}

// Launch: grid.x = number of strips; one thread kDctBlocks neighbouring blocks of samples.
SPOS_KERNEL jpeg_inverse_dct(SPOS_OUT() uint8_t* samples, SPOS_IN() const int16_t* coefficients,
                             SPOS_IN() const uint16_t* quantisation, SPOS_IN() const JpegImage* images,
                             SPOS_IN() const JpegStrip* strips) {
    const JpegStrip strip = strips[blockIdx.x];
    const JpegPlane& plane = images[strip.image].planes[strip.plane];
    const uint16_t* table = quantisation + plane.quantisation * 64;
    switch (plane.block_side) {
        case 8:
            return inverse_dct_strip<8>(samples, coefficients, table, plane, strip);
        case 4:
            return inverse_dct_strip<4>(samples, coefficients, table, plane, strip);
        case 2:
            return inverse_dct_strip<2>(samples, coefficients, table, plane, strip);
        default:
            return inverse_dct_strip<1>(samples, coefficients, table, plane, strip);
    }
}
SPOS_EXPORT(jpeg_inverse_dct)

// How a plane's samples are brought to the size of the picture.
enum class Upsampling { kNone, kTriangleH2, kTriangleV2, kTriangleH2V2, kRepeat };

__device__ __forceinline__ Upsampling upsampling_of(const JpegPlane& plane) {
    if (plane.horizontal == 1 && plane.vertical == 1) return Upsampling::kNone;
    if (plane.repeated) return Upsampling::kRepeat;
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
    const int stride = plane.stride();
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

// A pixel as its four bytes, red first.
__device__ __forceinline__ uint32_t packed(int red, int green, int blue) {
    return (uint32_t)clamp_sample(red) | (uint32_t)clamp_sample(green) << 8 | (uint32_t)clamp_sample(blue) << 16;
}

__device__ __forceinline__ uint32_t ycc_to_rgb(int luma, int cb, int cr) {
    const int blue = cb - 128, red = cr - 128;
    return packed(luma + ((91881 * red + 32768) >> 16), luma + ((-22554 * blue - 46802 * red + 32768) >> 16),
                  luma + ((116130 * blue + 32768) >> 16));
}

// Any pixel of any picture.
__device__ __forceinline__ uint32_t pixel_at(const JpegImage& image, const SampleRows (&planes)[3], int x) {
    const int first = sample_at(planes[0], x);
    if (image.components == 1) return packed(first, first, first);
    const int second = sample_at(planes[1], x), third = sample_at(planes[2], x);
    return image.is_ycc ? ycc_to_rgb(first, second, third) : packed(first, second, third);
}

// The two pixels that sample i of 2:1 chroma spans, where it has neighbours on both sides.
template <Upsampling kind>
__device__ __forceinline__ void chroma_pair(const uint8_t* near, const uint8_t* far, int i, int& left, int& right) {
    if (kind == Upsampling::kTriangleH2) {
        left = (3 * near[i] + near[i - 1] + 1) >> 2;
        right = (3 * near[i] + near[i + 1] + 2) >> 2;
    } else {
        const int here = 3 * near[i] + far[i];
        left = (3 * here + 3 * near[i - 1] + far[i - 1] + 8) >> 4;
        right = (3 * here + 3 * near[i + 1] + far[i + 1] + 7) >> 4;
    }
}

// Pixels 2 * first ... 2 * last - 1 of a row whose chroma is 2:1; `row` begins at the picture's first column.
template <Upsampling kind>
__device__ __forceinline__ void convert_pairs(uint32_t* __restrict__ row, const SampleRows (&planes)[3], int first,
                                              int last) {
    const uint8_t *luma = planes[0].near, *blue = planes[1].near, *blue_far = planes[1].far, *red = planes[2].near,
                  *red_far = planes[2].far;
    for (int i = first + (int)threadIdx.x; i < last; i += (int)blockDim.x) {
        int cb[2], cr[2];
        chroma_pair<kind>(blue, blue_far, i, cb[0], cb[1]);
        chroma_pair<kind>(red, red_far, i, cr[0], cr[1]);
        row[2 * i] = ycc_to_rgb(luma[2 * i], cb[0], cr[0]);
        row[2 * i + 1] = ycc_to_rgb(luma[2 * i + 1], cb[1], cr[1]);
    }
}

__device__ __forceinline__ void convert_full(uint32_t* __restrict__ row, const SampleRows (&planes)[3], int first,
                                             int last) {
    const uint8_t *luma = planes[0].near, *blue = planes[1].near, *red = planes[2].near;
    for (int x = first + (int)threadIdx.x; x < last; x += (int)blockDim.x) {
        row[x] = ycc_to_rgb(luma[x], blue[x], red[x]);
    }
}

// A strip is one row of pixels (its plane and columns are unused). Launch: grid.x = number of strips; one thread one or
// two pixels. What most pictures are made of has loops of its own, which a CPU's vectors take whole.
SPOS_KERNEL jpeg_to_rgb(SPOS_OUT() uint8_t* pixels, SPOS_IN() const uint8_t* samples, SPOS_IN() const JpegImage* images,
                        SPOS_IN() const JpegStrip* strips) {
    const JpegStrip strip = strips[blockIdx.x];
    const JpegImage& image = images[strip.image];
    const int left = image.left, right = image.right;
    uint32_t* row = (uint32_t*)(pixels + image.pixels) + (int64_t)(strip.row - image.top) * (right - left) - left;
    SampleRows planes[3];
    SPOS_UNROLL for (int c = 0; c < 3; ++c) {
        planes[c] = sample_rows(samples, image.planes[min(c, image.components - 1)], strip.row);
    }
    // The columns that those loops have done.
    int first = right, last = right;
    if (image.is_ycc && planes[0].kind == Upsampling::kNone && planes[1].kind == planes[2].kind) {
        const Upsampling kind = planes[1].kind;
        const int begin = max(1, (left + 1) / 2), end = min(right / 2, planes[1].last);
        if (kind == Upsampling::kNone) {
            first = left;
            convert_full(row, planes, left, right);
        } else if ((kind == Upsampling::kTriangleH2 || kind == Upsampling::kTriangleH2V2) && begin < end) {
            first = 2 * begin;
            last = 2 * end;
            if (kind == Upsampling::kTriangleH2) {
                convert_pairs<Upsampling::kTriangleH2>(row, planes, begin, end);
            } else {
                convert_pairs<Upsampling::kTriangleH2V2>(row, planes, begin, end);
            }
        }
    }
    for (int x = left + (int)threadIdx.x; x < first; x += (int)blockDim.x) row[x] = pixel_at(image, planes, x);
    for (int x = last + (int)threadIdx.x; x < right; x += (int)blockDim.x) row[x] = pixel_at(image, planes, x);
}
SPOS_EXPORT(jpeg_to_rgb)
