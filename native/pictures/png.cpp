// PNG by libpng. It escapes by longjmp, so what must be freed lives outside of the function that it leaves.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "format.h"

namespace {

// Nothing that changes pixels here: those chunks are passed over unread.
constexpr png_byte kPassedOver[] =
    "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0tEXt\0tIME\0tRNS\0zTXt";

struct Reader {
    File rest;
    png_structp png = nullptr;
    png_infop info = nullptr;
    char message[200] = "";

    explicit Reader(File file);
    ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    Size header();
    void decode(Size size, uint8_t* pixels);

 private:
    bool try_header();
    bool try_decode(uint8_t* pixels, size_t width, size_t height);
};

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
    auto* reader = static_cast<Reader*>(png_get_error_ptr(png));
    std::snprintf(reader->message, sizeof reader->message, "%s", text);
    png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep target, size_t count) {
    auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
    if (count > reader->rest.size()) png_error(png, "the file is cut short: its data ends before the picture does");
    std::memcpy(target, reader->rest.data(), count);
    reader->rest = reader->rest.subspan(count);
}

Reader::Reader(File file) : rest(file) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    if (png != nullptr) info = png_create_info_struct(png);
    if (info == nullptr) {
        png_destroy_read_struct(&png, &info, nullptr);
        throw Refused("out of memory");
    }
}

bool Reader::try_header() {
    if (setjmp(png_jmpbuf(png)) != 0) return false;
    png_set_read_fn(png, this, on_read);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, kPassedOver, sizeof kPassedOver / 5);
    png_read_info(png, info);
    return true;
}

Size Reader::header() {
    if (!try_header()) throw Refused(message);
    return {png_get_image_width(png, info), png_get_image_height(png, info)};
}

// From what libpng leaves in a row to 4 bytes a pixel, in place and therefore backwards.
void spread_indices(uint8_t* row, size_t width, const Palette& palette) {
    for (size_t x = width; x-- > 0;) palette.store(row + 4 * x, row[x]);
}

void spread_grey16(uint8_t* row, size_t width) {
    for (size_t x = width; x-- > 0;) {
        const int level = std::min(row[2 * x] << 8 | row[2 * x + 1], 255);
        std::fill_n(row + 4 * x, 3, static_cast<uint8_t>(level));
        row[4 * x + 3] = 0;
    }
}

void clear_fourth(uint8_t* row, size_t width) {
    for (size_t x = 0; x < width; ++x) row[4 * x + 3] = 0;
}

bool Reader::try_decode(uint8_t* pixels, size_t width, size_t height) {
    // Whatever is made here must need no destructor: libpng jumps over it.
    if (setjmp(png_jmpbuf(png)) != 0) return false;
    const int type = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
    const bool indexed = type == PNG_COLOR_TYPE_PALETTE, grey16 = type == PNG_COLOR_TYPE_GRAY && depth == 16;
    Palette palette;
    if (indexed) {
        png_colorp colours = nullptr;
        int count = 0;
        png_get_PLTE(png, info, &colours, &count);
        for (int i = 0; i < std::min(count, 256); ++i) {
            const uint8_t colour[] = {colours[i].red, colours[i].green, colours[i].blue};
            std::copy_n(colour, 3, palette.colours[i]);
        }
        png_set_packing(png);
    } else if (!grey16) {
        png_set_strip_16(png);
        if (type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
        if (!(type & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png);
        if (!(type & PNG_COLOR_MASK_ALPHA)) png_set_filler(png, 0, PNG_FILLER_AFTER);
    }
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != width * (indexed ? 1 : grey16 ? 2 : 4)) png_error(png, "unsupported layout");
    for (int pass = 0; pass < passes; ++pass) {
        for (size_t y = 0; y < height; ++y) png_read_row(png, pixels + y * width * 4, nullptr);
    }
    for (size_t y = 0; y < height; ++y) {
        uint8_t* row = pixels + y * width * 4;
        if (indexed) {
            spread_indices(row, width, palette);
        } else if (grey16) {
            spread_grey16(row, width);
        } else {
            clear_fourth(row, width);
        }
    }
    return true;
}

void Reader::decode(Size size, uint8_t* pixels) {
    const Size found = header();
    if (found.width != size.width || found.height != size.height) throw Refused("the picture has another size");
    if (!try_decode(pixels, static_cast<size_t>(size.width), static_cast<size_t>(size.height))) throw Refused(message);
}

}  // namespace

const Format kPng = {
    [](File file) { return Reader(file).header(); },
    [](File file, Size size, uint8_t* pixels) { Reader(file).decode(size, pixels); },
};
