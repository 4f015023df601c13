// Our own decoder of sequential JPEGs beside libjpeg-turbo, for the tests and for tests/fuzz.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "../jpeg/decoder.h"

using File = std::vector<uint8_t>;
using Coefficients = std::vector<int16_t>;
using Wanted = std::array<SposJpegBlocks, 3>;

class OpenJpeg {
 public:
    OpenJpeg(const File& file, int64_t most_pixels) {
        spos_jpeg_open(file.data(), file.size(), most_pixels, &decoder, &header, message);
    }
    ~OpenJpeg() { spos_jpeg_close(decoder); }
    OpenJpeg(const OpenJpeg&) = delete;
    OpenJpeg& operator=(const OpenJpeg&) = delete;

    // Whether it can be decoded to coefficients at all.
    bool has_planes() const { return decoder != nullptr && header.components > 0; }

    Wanted all() const {
        Wanted wanted = {};
        for (int c = 0; c < header.components; ++c) {
            wanted[c] = {0, header.planes[c].blocks_wide, 0, header.planes[c].blocks_high};
        }
        return wanted;
    }

    // Some of the blocks of each plane; which ones, `draw(count)` says, which gives numbers below `count`.
    template <class Draw>
    Wanted some(Draw&& draw) const {
        Wanted wanted = all();
        for (int c = 0; c < header.components; ++c) {
            SposJpegBlocks& part = wanted[c];
            part.first = static_cast<int32_t>(draw(part.last));
            part.last -= static_cast<int32_t>(draw(part.last - part.first));
            part.top = static_cast<int32_t>(draw(part.bottom));
            part.bottom -= static_cast<int32_t>(draw(part.bottom - part.top));
        }
        return wanted;
    }

    size_t values(const Wanted& wanted) const {
        size_t count = 0;
        for (int c = 0; c < header.components; ++c) count += DCTSIZE2 * blocks_of(wanted[c]);
        return count;
    }

    SposJpegDecoder* decoder;
    SposJpegHeader header;
    char message[SPOS_JPEG_MESSAGE_SIZE] = "";
};

// What our decoder makes of a file; nothing where it leaves it to libjpeg-turbo.
inline std::optional<Coefficients> decode_by_ours(const OpenJpeg& jpeg, const Wanted& wanted) {
    Coefficients coefficients(jpeg.values(wanted), int16_t{-1});
    uint16_t quantisation[3 * DCTSIZE2];
    if (!decode_sequential(jpeg.decoder->info, wanted.data(), coefficients.data(), quantisation)) return std::nullopt;
    for (int c = 0; c < jpeg.header.components; ++c) {
        const jpeg_component_info& component = jpeg.decoder->info.comp_info[c];
        const UINT16* table = jpeg.decoder->info.quant_tbl_ptrs[component.quant_tbl_no]->quantval;
        if (!std::equal(table, table + DCTSIZE2, quantisation + DCTSIZE2 * c)) return Coefficients();
    }
    return coefficients;
}

struct Reference {
    Coefficients coefficients;  // of all blocks; empty if libjpeg-turbo refuses the file
    bool is_damaged = false;    // whether it warns of it
};

// Once a file that was opened.
inline Reference decode_by_libjpeg(const OpenJpeg& jpeg) {
    jpeg_decompress_struct& info = jpeg.decoder->info;
    Reference reference;
    Coefficients coefficients(jpeg.values(jpeg.all()));
    if (setjmp(jpeg.decoder->errors.escape) != 0) return Reference();
    jvirt_barray_ptr* arrays = jpeg_read_coefficients(&info);
    auto at = coefficients.begin();
    for (int c = 0; c < info.num_components; ++c) {
        for (JDIMENSION row = 0; row < info.comp_info[c].height_in_blocks; ++row) {
            JBLOCKARRAY blocks =
                info.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&info), arrays[c], row, 1, FALSE);
            at = std::copy_n(blocks[0][0], DCTSIZE2 * info.comp_info[c].width_in_blocks, at);
        }
    }
    reference.coefficients = std::move(coefficients);
    reference.is_damaged = jpeg.decoder->errors.warning[0] != '\0';
    return reference;
}

// Of all blocks' coefficients those of the wanted ones.
inline Coefficients part_of(const Coefficients& all, const OpenJpeg& jpeg, const Wanted& wanted) {
    Coefficients part;
    auto plane = all.begin();
    for (int c = 0; c < jpeg.header.components; ++c) {
        const SposJpegPlane& size = jpeg.header.planes[c];
        for (int row = wanted[c].top; row < wanted[c].bottom; ++row) {
            const auto at = plane + DCTSIZE2 * (ptrdiff_t{row} * size.blocks_wide + wanted[c].first);
            part.insert(part.end(), at, at + DCTSIZE2 * ptrdiff_t{wanted[c].last - wanted[c].first});
        }
        plane += DCTSIZE2 * ptrdiff_t{size.blocks_wide} * size.blocks_high;
    }
    return part;
}

// Whether our decoder makes of all of a file, and of some of its blocks, what libjpeg-turbo makes of it, or leaves it
// to that. Damage below some blocks need not be seen.
template <class Draw>
bool agree(const File& file, int64_t most_pixels, Draw&& draw) {
    const OpenJpeg jpeg(file, most_pixels), again(file, most_pixels);
    if (!jpeg.has_planes()) return true;
    const Wanted some = jpeg.some(draw);
    const std::optional<Coefficients> all = decode_by_ours(jpeg, jpeg.all()), part = decode_by_ours(jpeg, some);
    if (!all && !part) return true;
    const Reference reference = decode_by_libjpeg(again);
    if (all && (reference.is_damaged || *all != reference.coefficients)) return false;
    return !part || reference.coefficients.empty() || *part == part_of(reference.coefficients, jpeg, some);
}
