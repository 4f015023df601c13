// Entropy decoding of JPEG (baseline, extended, progressive, arithmetic) over libjpeg-turbo: from a file's bytes to
// quantised coefficients. The rest of decoding is done on the device by kernels/jpeg.cu.
//
// Calls return 0, or 1 with a message. Any input is safe: a damaged file gives an error, never a crash.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPOS_JPEG_API __attribute__((visibility("default")))
#define SPOS_JPEG_MESSAGE_SIZE 256

typedef struct {
    int32_t blocks_wide, blocks_high;  // 8x8 blocks that carry picture
    int32_t width, height;             // samples that carry picture
    int32_t horizontal, vertical;      // pixels that a sample spans
} SposJpegPlane;

typedef struct {
    int32_t width, height;
    int32_t components;  // 1 (grey) or 3
    int32_t is_ycc;      // 0: grey or RGB
    SposJpegPlane planes[3];
} SposJpegHeader;

typedef struct SposJpegDecoder SposJpegDecoder;

// `data` must stay in place until the decoder is closed. On error *decoder is null.
SPOS_JPEG_API int spos_jpeg_open(const uint8_t* data, size_t size, SposJpegDecoder** decoder, SposJpegHeader* header,
                                 char message[SPOS_JPEG_MESSAGE_SIZE]);

// All planes' coefficients, plane after plane, blocks in rows, 64 each in natural order; `count` is the room in
// int16. quantisation gets one table of 64 a plane, in natural order. Once per decoder.
SPOS_JPEG_API int spos_jpeg_read(SposJpegDecoder* decoder, int16_t* coefficients, size_t count,
                                 uint16_t quantisation[3 * 64], char message[SPOS_JPEG_MESSAGE_SIZE]);

SPOS_JPEG_API void spos_jpeg_close(SposJpegDecoder* decoder);

#ifdef __cplusplus
}
#endif
