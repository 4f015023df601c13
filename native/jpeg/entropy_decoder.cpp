#include "entropy_decoder.h"

#include <malloc.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>

// jpeglib.h needs FILE from above; jerror.h needs jpeglib.h.
#include <jpeglib.h>

#include <jerror.h>

namespace {

// More than any camera takes; a file that claims more is refused before memory is asked for.
constexpr int64_t kMostPixels = int64_t{1} << 28;
// A progressive file needs a few dozen scans; thousands of them are made to burn time.
constexpr int kMostScans = 256;

struct Errors {
    jpeg_error_mgr manager;
    std::jmp_buf escape;
    char message[JMSG_LENGTH_MAX];
    bool damaged;
};

void copy_message(char* target, const char* text) { std::snprintf(target, SPOS_JPEG_MESSAGE_SIZE, "%s", text); }

[[noreturn]] void on_error(j_common_ptr info) {
    auto* errors = reinterpret_cast<Errors*>(info->err);
    info->err->format_message(info, errors->message);
    std::longjmp(errors->escape, 1);
}

// libjpeg goes on after damage and makes up what is missing; for training data that is an error. These are harmless.
bool is_harmless(int code) {
    return code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR ||
           code == JWRN_BOGUS_ICC;
}

void on_message(j_common_ptr info, int level) {
    auto* errors = reinterpret_cast<Errors*>(info->err);
    if (level >= 0 || is_harmless(info->err->msg_code) || errors->damaged) return;
    info->err->format_message(info, errors->message);
    errors->damaged = true;
}

void on_progress(j_common_ptr info) {
    if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMostScans) return;
    auto* errors = reinterpret_cast<Errors*>(info->err);
    std::snprintf(errors->message, sizeof errors->message, "more than %d scans", kMostScans);
    std::longjmp(errors->escape, 1);
}

// libjpeg asks for a picture's coefficients anew each time, and malloc would fetch those pages from the system and give
// them back picture after picture: a fifth of the time that a loader takes. It keeps this much of it instead.
void keep_freed_memory() {
    static const bool kept = mallopt(M_MMAP_THRESHOLD, 8 << 20) != 0 && mallopt(M_TRIM_THRESHOLD, 256 << 20) != 0;
    (void)kept;
}

}  // namespace

struct SposJpegDecoder {
    jpeg_decompress_struct info;
    Errors errors;
    jpeg_progress_mgr progress;
};

namespace {

// Null if the header can be decoded, else why not.
const char* describe(const jpeg_decompress_struct& info, SposJpegHeader* header) {
    if (static_cast<int64_t>(info.image_width) * info.image_height > kMostPixels) return "the picture is too large";
    if (info.data_precision != 8) return "unsupported: more than 8 bits a sample";
    const bool grey = info.jpeg_color_space == JCS_GRAYSCALE && info.num_components == 1;
    const bool colour =
        (info.jpeg_color_space == JCS_YCbCr || info.jpeg_color_space == JCS_RGB) && info.num_components == 3;
    if (!grey && !colour) return "unsupported colour space: neither grey, YCbCr nor RGB";
    *header = {};
    header->width = static_cast<int32_t>(info.image_width);
    header->height = static_cast<int32_t>(info.image_height);
    header->components = info.num_components;
    header->is_ycc = info.jpeg_color_space == JCS_YCbCr;
    for (int c = 0; c < info.num_components; ++c) {
        const jpeg_component_info& component = info.comp_info[c];
        if (info.max_h_samp_factor % component.h_samp_factor != 0 ||
            info.max_v_samp_factor % component.v_samp_factor != 0) {
            return "unsupported chroma sampling: not a whole ratio";
        }
        SposJpegPlane& plane = header->planes[c];
        plane.blocks_wide = static_cast<int32_t>(component.width_in_blocks);
        plane.blocks_high = static_cast<int32_t>(component.height_in_blocks);
        plane.horizontal = info.max_h_samp_factor / component.h_samp_factor;
        plane.vertical = info.max_v_samp_factor / component.v_samp_factor;
        plane.width = (header->width + plane.horizontal - 1) / plane.horizontal;
        plane.height = (header->height + plane.vertical - 1) / plane.vertical;
    }
    return nullptr;
}

// Null if all is there, else what is missing.
const char* copy_out(jpeg_decompress_struct& info, jvirt_barray_ptr* arrays, int16_t* coefficients,
                     uint16_t* quantisation) {
    for (int c = 0; c < info.num_components; ++c) {
        const jpeg_component_info& component = info.comp_info[c];
        if (component.quant_table == nullptr) return "a quantisation table is missing";
        for (int i = 0; i < 64; ++i) quantisation[c * 64 + i] = component.quant_table->quantval[i];
        for (JDIMENSION row = 0; row < component.height_in_blocks; ++row) {
            JBLOCKARRAY blocks =
                info.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&info), arrays[c], row, 1, FALSE);
            const size_t length = size_t{64} * component.width_in_blocks;
            std::memcpy(coefficients, blocks[0], length * sizeof *coefficients);
            coefficients += length;
        }
    }
    return nullptr;
}

}  // namespace

int spos_jpeg_open(const uint8_t* data, size_t size, SposJpegDecoder** decoder, SposJpegHeader* header,
                   char message[SPOS_JPEG_MESSAGE_SIZE]) {
    *decoder = nullptr;
    if (data == nullptr || size == 0) {
        copy_message(message, "the file is empty");
        return 1;
    }
    keep_freed_memory();
    auto* opened = new (std::nothrow) SposJpegDecoder{};
    if (opened == nullptr) {
        copy_message(message, "out of memory");
        return 1;
    }
    jpeg_decompress_struct& info = opened->info;
    info.err = jpeg_std_error(&opened->errors.manager);
    opened->errors.manager.error_exit = on_error;
    opened->errors.manager.emit_message = on_message;
    if (setjmp(opened->errors.escape) != 0) {
        copy_message(message, opened->errors.message);
        spos_jpeg_close(opened);
        return 1;
    }
    jpeg_create_decompress(&info);
    opened->progress.progress_monitor = on_progress;
    info.progress = &opened->progress;
    jpeg_mem_src(&info, data, size);
    jpeg_read_header(&info, TRUE);
    if (const char* reason = describe(info, header)) {
        copy_message(message, reason);
        spos_jpeg_close(opened);
        return 1;
    }
    *decoder = opened;
    return 0;
}

int spos_jpeg_read(SposJpegDecoder* decoder, int16_t* coefficients, size_t count, uint16_t quantisation[3 * 64],
                   char message[SPOS_JPEG_MESSAGE_SIZE]) {
    jpeg_decompress_struct& info = decoder->info;
    size_t needed = 0;
    for (int c = 0; c < info.num_components; ++c) {
        needed += size_t{64} * info.comp_info[c].width_in_blocks * info.comp_info[c].height_in_blocks;
    }
    if (count < needed) {
        copy_message(message, "too little room for the coefficients");
        return 1;
    }
    if (setjmp(decoder->errors.escape) != 0) {
        copy_message(message, decoder->errors.message);
        return 1;
    }
    jvirt_barray_ptr* arrays = jpeg_read_coefficients(&info);
    if (decoder->errors.damaged) {
        copy_message(message, decoder->errors.message);
        return 1;
    }
    if (const char* reason = copy_out(info, arrays, coefficients, quantisation)) {
        copy_message(message, reason);
        return 1;
    }
    return 0;
}

void spos_jpeg_close(SposJpegDecoder* decoder) {
    if (decoder == nullptr) return;
    if (setjmp(decoder->errors.escape) == 0) jpeg_destroy_decompress(&decoder->info);
    delete decoder;
}
