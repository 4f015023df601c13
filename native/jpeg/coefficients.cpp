#include <algorithm>
#include <cstdlib>

#include "decoder.h"

namespace {

// Pixels have 8 bits, so no coefficient of a whole file comes to more than 1,024 and half its quantisation step. Beyond
// this, sums overflow in libjpeg-turbo's 16-bit vectors.
constexpr int kLargestCoefficient = 4096;

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

void copy_blocks(int16_t* __restrict__ target, const int16_t* __restrict__ source, size_t blocks, Extent& extent) {
    for (size_t b = 0; b < blocks; ++b, target += 64, source += 64) {
        for (int i = 0; i < 64; ++i) {
            const int16_t value = source[i];
            target[i] = value;
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

// Whether all values are such as pictures give.
bool copy_out(jpeg_decompress_struct& info, jvirt_barray_ptr* arrays, int16_t* coefficients, uint16_t* quantisation) {
    for (int c = 0; c < info.num_components; ++c, quantisation += 64) {
        const jpeg_component_info& component = info.comp_info[c];
        for (int i = 0; i < 64; ++i) quantisation[i] = component.quant_table->quantval[i];
        Extent extent;
        for (JDIMENSION row = 0; row < component.height_in_blocks; ++row) {
            JBLOCKARRAY blocks =
                info.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&info), arrays[c], row, 1, FALSE);
            copy_blocks(coefficients, blocks[0][0], component.width_in_blocks, extent);
            coefficients += size_t{64} * component.width_in_blocks;
        }
        if (!is_usual(extent, quantisation)) return false;
    }
    return true;
}

}  // namespace

int spos_jpeg_coefficients(SposJpegDecoder* decoder, int16_t* coefficients, size_t count, uint16_t quantisation[3 * 64],
                           char message[SPOS_JPEG_MESSAGE_SIZE]) {
    jpeg_decompress_struct& info = decoder->info;
    if (info.num_components > 3) return SPOS_JPEG_NEEDS_PIXELS;
    size_t needed = 0;
    for (int c = 0; c < info.num_components; ++c) {
        needed += size_t{64} * info.comp_info[c].width_in_blocks * info.comp_info[c].height_in_blocks;
    }
    if (count < needed) {
        copy_message(message, "too little room for the coefficients");
        return SPOS_JPEG_REFUSED;
    }
    if (setjmp(decoder->errors.escape) != 0) {
        // All of the picture may be there all the same.
        if (decoder->errors.cut_short) return SPOS_JPEG_NEEDS_PIXELS;
        copy_message(message, decoder->errors.message);
        return SPOS_JPEG_REFUSED;
    }
    jvirt_barray_ptr* arrays = jpeg_read_coefficients(&info);
    if (decoder->errors.warning[0] != '\0' || !is_complete(info)) return SPOS_JPEG_NEEDS_PIXELS;
    if (!copy_out(info, arrays, coefficients, quantisation)) return SPOS_JPEG_NEEDS_PIXELS;
    return SPOS_JPEG_DONE;
}
