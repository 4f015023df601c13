#include "pictures.h"

#include <cstdio>
#include <exception>
#include <limits>

#include "format.h"

namespace {

const Format* format_of(int number) {
    switch (number) {
        case SPOS_PICTURE_PNG:
            return &kPng;
        case SPOS_PICTURE_GIF:
            return &kGif;
        case SPOS_PICTURE_WEBP:
            return &kWebp;
        default:
            return nullptr;
    }
}

// Runs `work` on a format; no exception crosses the boundary.
template <typename Work>
int guarded(int number, const uint8_t* data, char* message, Work work) {
    const Format* format = format_of(number);
    if (format == nullptr || data == nullptr) {
        std::snprintf(message, SPOS_PICTURES_MESSAGE_SIZE, "no file, or no such format");
        return 1;
    }
    try {
        work(*format);
        return 0;
    } catch (const std::exception& error) {
        std::snprintf(message, SPOS_PICTURES_MESSAGE_SIZE, "%s", error.what());
        return 1;
    }
}

}  // namespace

int spos_picture_size(int format, const uint8_t* data, size_t size, int64_t most_pixels, int32_t* width,
                      int32_t* height, char message[SPOS_PICTURES_MESSAGE_SIZE]) {
    return guarded(format, data, message, [&](const Format& decoder) {
        const Size found = decoder.size({data, size});
        if (found.width <= 0 || found.height <= 0) throw Refused("the picture is empty");
        if (found.width > std::numeric_limits<int32_t>::max() || found.height > most_pixels / found.width) {
            throw Refused("unsupported: too many pixels, or too many for so small a file");
        }
        *width = static_cast<int32_t>(found.width);
        *height = static_cast<int32_t>(found.height);
    });
}

int spos_picture_pixels(int format, const uint8_t* data, size_t size, int32_t width, int32_t height, uint8_t* pixels,
                        char message[SPOS_PICTURES_MESSAGE_SIZE]) {
    return guarded(format, data, message, [&](const Format& decoder) {
        decoder.decode({data, size}, {width, height}, pixels);
    });
}
