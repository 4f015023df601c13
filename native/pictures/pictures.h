// PNG (libpng), GIF (giflib, the first frame) and WebP (libwebp, the first frame) to pixels, 4 bytes a pixel (red,
// green, blue, 0), as Pillow's Image.open(f).convert("RGB") gives them: transparency is dropped, 16-bit grey is cut at
// 255, and a palette's missing colours are greys.
//
// Calls return 0, or 1 with a message. Any input is safe: a damaged file gives an error, never a crash.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPOS_PICTURES_API __attribute__((visibility("default")))
#define SPOS_PICTURES_MESSAGE_SIZE 256

enum { SPOS_PICTURE_PNG = 0, SPOS_PICTURE_GIF = 1, SPOS_PICTURE_WEBP = 2 };

// The picture's size, from the file's headers: little memory is taken. More than `most_pixels` is refused.
SPOS_PICTURES_API int spos_picture_size(int format, const uint8_t* data, size_t size, int64_t most_pixels,
                                        int32_t* width, int32_t* height, char message[SPOS_PICTURES_MESSAGE_SIZE]);

// Decodes a picture of the size that spos_picture_size gave, rows from the top, without gaps.
SPOS_PICTURES_API int spos_picture_pixels(int format, const uint8_t* data, size_t size, int32_t width, int32_t height,
                                          uint8_t* pixels, char message[SPOS_PICTURES_MESSAGE_SIZE]);

#ifdef __cplusplus
}
#endif
