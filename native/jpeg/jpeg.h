// Decoding of JPEG (baseline, extended, progressive, arithmetic) on the CPU: of ordinary files only the entropy coding,
// from a file's bytes to quantised coefficients (the rest is done on the device by kernels/jpeg.cu); of the others all
// of it, from a file's bytes to pixels. libjpeg-turbo reads headers and does all that sequential.cpp does not.
//
// Any input is safe: a damaged file gives an error or a picture, never a crash. What is an error and what is a picture
// follows libjpeg-turbo and Pillow: a file that ends too early is an error, damage within it is a warning.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPOS_JPEG_API __attribute__((visibility("default")))
#define SPOS_JPEG_MESSAGE_SIZE 256

// What the calls return.
#define SPOS_JPEG_DONE 0
#define SPOS_JPEG_REFUSED 1       // with a message
#define SPOS_JPEG_NEEDS_PIXELS 2  // open the file anew and call spos_jpeg_pixels

typedef struct {
    int32_t blocks_wide, blocks_high;  // 8x8 blocks that carry picture
    int32_t width, height;             // samples that carry picture
    int32_t horizontal, vertical;      // pixels that a sample spans
} SposJpegPlane;

typedef struct {
    int32_t width, height;
    int32_t components;  // 1 (grey) or 3; 0: CMYK or YCCK, which only spos_jpeg_pixels decodes
    int32_t is_ycc;      // 0: grey or RGB
    SposJpegPlane planes[3];
} SposJpegHeader;

// Some of a plane's blocks: columns [first, last) of rows [top, bottom).
typedef struct {
    int32_t first, last, top, bottom;
} SposJpegBlocks;

typedef struct SposJpegDecoder SposJpegDecoder;

// A picture of more than `most_pixels` is refused. `data` must stay in place until the decoder is closed. If the file
// is refused *decoder is null.
SPOS_JPEG_API int spos_jpeg_open(const uint8_t* data, size_t size, int64_t most_pixels, SposJpegDecoder** decoder,
                                 SposJpegHeader* header, char message[SPOS_JPEG_MESSAGE_SIZE]);

// The coefficients of the wanted blocks, plane after plane, blocks in rows, 64 each in natural order; `count` is the
// room in int16. quantisation gets one table of 64 a plane, in natural order. Once per decoder. Of a sequential file,
// damage below the wanted blocks is not found, but for markers that are wrong or missing.
//
// SPOS_JPEG_NEEDS_PIXELS: libjpeg-turbo makes other pixels of these coefficients than their inverse DCT. It smooths
// blocks where a progressive file lacks scans, and damage can give values that overflow in its arithmetic.
SPOS_JPEG_API int spos_jpeg_coefficients(SposJpegDecoder* decoder, const SposJpegBlocks wanted[3],
                                         int16_t* coefficients, size_t count, uint16_t quantisation[3 * 64],
                                         char message[SPOS_JPEG_MESSAGE_SIZE]);

// The picture as libjpeg-turbo decodes it by default, 4 bytes a pixel (red, green, blue, 0); CMYK and YCCK are brought
// to RGB as Pillow does. `count` is the room in bytes. `warning` gets the first damage that was painted over, or "".
// Once per decoder, and in place of spos_jpeg_coefficients.
SPOS_JPEG_API int spos_jpeg_pixels(SposJpegDecoder* decoder, uint8_t* pixels, size_t count,
                                   char warning[SPOS_JPEG_MESSAGE_SIZE], char message[SPOS_JPEG_MESSAGE_SIZE]);

SPOS_JPEG_API void spos_jpeg_close(SposJpegDecoder* decoder);

#ifdef __cplusplus
}
#endif
