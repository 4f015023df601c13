// GIF by giflib, the first frame. Its calls on single records take no more memory than a palette's, whatever the file
// says.
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "format.h"

namespace {

int on_read(GifFileType* gif, GifByteType* target, int count) {
    auto* rest = static_cast<File*>(gif->UserData);
    const size_t there = std::min(rest->size(), static_cast<size_t>(count));
    std::memcpy(target, rest->data(), there);
    // A file may lack what follows the picture. Zeros end a chain of blocks there, and are an error where data is due.
    std::memset(target + there, 0, static_cast<size_t>(count) - there);
    *rest = rest->subspan(there);
    return count;
}

class Reader {
 public:
    explicit Reader(File file) : rest_(file) {
        int error = 0;
        gif_ = DGifOpen(&rest_, on_read, &error);
        if (gif_ == nullptr) throw Refused(GifErrorString(error) ? GifErrorString(error) : "not a GIF");
    }
    ~Reader() { DGifCloseFile(gif_, nullptr); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    // Reads up to the first frame's data. The screen grows where the frame reaches beyond it, as in Pillow.
    Size header() {
        find_frame();
        const GifImageDesc& frame = gif_->Image;
        if (frame.Width <= 0 || frame.Height <= 0) throw Refused("the first frame is empty");
        return {std::max(gif_->SWidth, frame.Left + frame.Width), std::max(gif_->SHeight, frame.Top + frame.Height)};
    }

    void decode(Size size, uint8_t* pixels) {
        const Size found = header();
        if (found.width != size.width || found.height != size.height) throw Refused("the picture has another size");
        const Palette palette = read_palette();
        const auto width = static_cast<size_t>(size.width);
        const GifImageDesc& frame = gif_->Image;
        for (size_t i = 0; i < width * static_cast<size_t>(size.height); ++i)
            palette.store(pixels + 4 * i, background_);
        std::vector<GifPixelType> line(static_cast<size_t>(frame.Width));
        const auto read_row = [&](int y) {
            check(DGifGetLine(gif_, line.data(), frame.Width));
            uint8_t* row = pixels + 4 * (static_cast<size_t>(frame.Top + y) * width + static_cast<size_t>(frame.Left));
            for (GifPixelType index : line) palette.store(std::exchange(row, row + 4), index);
        };
        if (!frame.Interlace) {
            for (int y = 0; y < frame.Height; ++y) read_row(y);
            return;
        }
        constexpr int kPasses[][2] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
        for (const auto& [first, step] : kPasses) {
            for (int y = first; y < frame.Height; y += step) read_row(y);
        }
    }

 private:
    void check(int result) {
        if (result == GIF_OK) return;
        const char* text = GifErrorString(gif_->Error);
        throw Refused(text ? text : "damaged");
    }

    void find_frame() {
        while (true) {
            if (rest_.empty()) throw Refused("the file is cut short: it has no picture");
            GifRecordType type = UNDEFINED_RECORD_TYPE;
            if (DGifGetRecordType(gif_, &type) != GIF_OK) {
                // Bytes between records are passed over.
                if (gif_->Error == D_GIF_ERR_WRONG_RECORD) continue;
                check(GIF_ERROR);
            }
            if (type == IMAGE_DESC_RECORD_TYPE) break;
            if (type == TERMINATE_RECORD_TYPE) throw Refused("it has no picture");
            int code = 0;
            GifByteType* block = nullptr;
            check(DGifGetExtension(gif_, &code, &block));
            if (code == GRAPHICS_EXT_FUNC_CODE && block != nullptr && block[0] >= 4 && (block[1] & 1)) {
                background_ = block[4];
            }
            while (block != nullptr) check(DGifGetExtensionNext(gif_, &block));
        }
        check(DGifGetImageDesc(gif_));
    }

    Palette read_palette() const {
        Palette palette;
        const ColorMapObject* map = gif_->Image.ColorMap ? gif_->Image.ColorMap : gif_->SColorMap;
        for (int i = 0; map != nullptr && i < std::min(map->ColorCount, 256); ++i) {
            const uint8_t colour[] = {map->Colors[i].Red, map->Colors[i].Green, map->Colors[i].Blue};
            std::copy_n(colour, 3, palette.colours[i]);
        }
        return palette;
    }

    File rest_;
    GifFileType* gif_ = nullptr;
    // What the frame leaves uncovered: the transparent colour if there is one, as in Pillow.
    uint8_t background_ = 0;
};

}  // namespace

const Format kGif = {
    [](File file) { return Reader(file).header(); },
    [](File file, Size size, uint8_t* pixels) { Reader(file).decode(size, pixels); },
};
