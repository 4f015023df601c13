// A format's decoder. Decoders throw Refused; pictures.cpp turns that into a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

using File = std::span<const uint8_t>;

struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Size {
    int64_t width, height;
};

struct Format {
    Size (*size)(File file);
    // `pixels` has room for a picture of that size; a file of another size is refused.
    void (*decode)(File file, Size size, uint8_t* pixels);
};

extern const Format kPng, kGif, kWebp;

// Colours of palette entries. Those that a file leaves out are greys, as Pillow has them.
struct Palette {
    uint8_t colours[256][3];

    Palette() {
        for (int i = 0; i < 256; ++i) {
            for (uint8_t& level : colours[i]) level = static_cast<uint8_t>(i);
        }
    }

    void store(uint8_t* pixel, uint8_t index) const {
        for (int c = 0; c < 3; ++c) pixel[c] = colours[index][c];
        pixel[3] = 0;
    }
};
