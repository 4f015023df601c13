#include <algorithm>

#include "decoder.h"

namespace {

// a * b / 255, rounded, as Pillow computes it.
int scaled(int a, int b) {
    const int product = a * b + 128;
    return ((product >> 8) + product) >> 8;
}

// Pillow takes CMYK to be inverted, as Adobe writes it, whether the file says so or not. The black plane darkens what
// the others leave: level = (255 - k) - ink * (255 - k) / 255.
void inverted_cmyk_to_rgb(uint8_t* row, JDIMENSION width) {
    for (JDIMENSION x = 0; x < width; ++x, row += 4) {
        const int white = row[3];
        for (int c = 0; c < 3; ++c) row[c] = static_cast<uint8_t>(std::max(0, white - scaled(255 - row[c], white)));
        row[3] = 0;
    }
}

void clear_fourth(uint8_t* row, JDIMENSION width) {
    for (JDIMENSION x = 0; x < width; ++x) row[4 * x + 3] = 0;
}

}  // namespace

int spos_jpeg_pixels(SposJpegDecoder* decoder, uint8_t* pixels, size_t count, char warning[SPOS_JPEG_MESSAGE_SIZE],
                     char message[SPOS_JPEG_MESSAGE_SIZE]) {
    jpeg_decompress_struct& info = decoder->info;
    const size_t stride = size_t{4} * info.image_width;
    if (count / stride < info.image_height) {
        copy_message(message, "too little room for the pixels");
        return SPOS_JPEG_REFUSED;
    }
    if (setjmp(decoder->errors.escape) != 0) {
        // Like Pillow, it takes a picture that is all there though the file has no end.
        if (decoder->errors.cut_short && info.output_scanline > 0 && info.output_scanline == info.output_height) {
            copy_message(warning, "the file ends without a mark of its end");
            return SPOS_JPEG_DONE;
        }
        copy_message(message, decoder->errors.message);
        return SPOS_JPEG_REFUSED;
    }
    const bool print = info.num_components == 4;
    info.out_color_space = print ? JCS_CMYK : JCS_EXT_RGBX;
    jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height) {
        uint8_t* row = pixels + stride * info.output_scanline;
        jpeg_read_scanlines(&info, &row, 1);
        if (print) {
            inverted_cmyk_to_rgb(row, info.image_width);
        } else {
            clear_fourth(row, info.image_width);
        }
    }
    // It reads on to the file's end.
    jpeg_finish_decompress(&info);
    copy_message(warning, decoder->errors.warning);
    return SPOS_JPEG_DONE;
}
