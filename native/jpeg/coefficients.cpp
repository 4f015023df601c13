#include <algorithm>
#include <cstdlib>

#include "decoder.h"

namespace {

// The least and the largest quantised value of each coefficient in a plane.
struct Extent {
    int16_t least[64] = {}, most[64] = {};
};

// Where a component has no scan, or a coefficient not all its bits, libjpeg-turbo makes something up.
bool is_complete(const jpeg_decompress_struct& info) {
    for (int c = 0; c < info.num_components; ++c) {
        if (info.comp_info[c].quant_table == nullptr) return false;
        if (!info.progressive_mode) continue;
        for (int i = 0; i < DCTSIZE2; ++i) {
            if (info.coef_bits[c][i] != 0) return false;
        }
    }
    return true;
}

void widen(Extent& __restrict__ extent, const int16_t* __restrict__ coefficients, size_t blocks) {
    for (size_t b = 0; b < blocks; ++b, coefficients += 64) {
        for (int i = 0; i < 64; ++i) {
            const int16_t value = coefficients[i];
            extent.least[i] = std::min(extent.least[i], value);
            extent.most[i] = std::max(extent.most[i], value);
        }
    }
}

bool is_usual(const Extent& extent, const uint16_t* quantisation) {
    for (int i = 0; i < 64; ++i) {
        const int64_t largest = std::max(-int{extent.least[i]}, int{extent.most[i]});
        if (largest * quantisation[i] > kLargestCoefficient) return false;
    }
    return true;
}

bool is_inside(const SposJpegBlocks& wanted, const jpeg_component_info& component) {
    return wanted.first >= 0 && wanted.first < wanted.last && wanted.top >= 0 && wanted.top < wanted.bottom &&
           static_cast<JDIMENSION>(wanted.last) <= component.width_in_blocks &&
           static_cast<JDIMENSION>(wanted.bottom) <= component.height_in_blocks;
}

// Whether all values, wanted or not, are such as pictures give.
bool copy_out(jpeg_decompress_struct& info, jvirt_barray_ptr* arrays, const SposJpegBlocks* wanted,
              int16_t* coefficients) {
    for (int c = 0; c < info.num_components; ++c) {
        const jpeg_component_info& component = info.comp_info[c];
        const SposJpegBlocks& part = wanted[c];
        const size_t length = static_cast<size_t>(part.last - part.first) * 64;
        Extent extent;
        for (int row = 0; row < static_cast<int>(component.height_in_blocks); ++row) {
            JBLOCKARRAY blocks = info.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&info), arrays[c],
                                                              static_cast<JDIMENSION>(row), 1, FALSE);
            widen(extent, blocks[0][0], component.width_in_blocks);
            if (row < part.top || row >= part.bottom) continue;
            std::copy_n(blocks[0][part.first], length, coefficients);
            coefficients += length;
        }
        if (!is_usual(extent, component.quant_table->quantval)) return false;
    }
    return true;
}

}  // namespace

int spos_jpeg_coefficients(SposJpegDecoder* decoder, const SposJpegBlocks wanted[3], int16_t* coefficients,
                           size_t count, uint16_t quantisation[3 * 64], char message[SPOS_JPEG_MESSAGE_SIZE]) {
    jpeg_decompress_struct& info = decoder->info;
    if (info.num_components > 3) return SPOS_JPEG_NEEDS_PIXELS;
    size_t needed = 0;
    for (int c = 0; c < info.num_components; ++c) {
        if (!is_inside(wanted[c], info.comp_info[c])) {
            copy_message(message, "the wanted blocks are not within the picture");
            return SPOS_JPEG_REFUSED;
        }
        needed += size_t{64} * blocks_of(wanted[c]);
    }
    if (count < needed) {
        copy_message(message, "too little room for the coefficients");
        return SPOS_JPEG_REFUSED;
    }
    if (decode_sequential(info, wanted, coefficients, quantisation)) return SPOS_JPEG_DONE;
    if (setjmp(decoder->errors.escape) != 0) {
        // All of the picture may be there all the same.
        if (decoder->errors.cut_short) return SPOS_JPEG_NEEDS_PIXELS;
        copy_message(message, decoder->errors.message);
        return SPOS_JPEG_REFUSED;
    }
    jvirt_barray_ptr* arrays = jpeg_read_coefficients(&info);
    if (decoder->errors.warning[0] != '\0' || !is_complete(info)) return SPOS_JPEG_NEEDS_PIXELS;
    if (!copy_out(info, arrays, wanted, coefficients)) return SPOS_JPEG_NEEDS_PIXELS;
    for (int c = 0; c < info.num_components; ++c) {
        std::copy_n(info.comp_info[c].quant_table->quantval, 64, quantisation + 64 * c);
    }
    return SPOS_JPEG_DONE;
}
