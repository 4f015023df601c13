#include "decoder.h"

#include <malloc.h>

#include <new>

#include <jerror.h>

namespace {

// A progressive file needs a few dozen scans; thousands of them are made to burn time.
constexpr int kMostScans = 256;
// Pixels times scans: 16 scans of the largest picture.
constexpr int64_t kMostWork = int64_t{1} << 32;

[[noreturn]] void escape(SposJpegDecoder::Errors* errors, const char* message) {
    std::snprintf(errors->message, sizeof errors->message, "%s", message);
    std::longjmp(errors->escape, 1);
}

SposJpegDecoder::Errors* errors_of(j_decompress_ptr info) {
    return reinterpret_cast<SposJpegDecoder::Errors*>(info->err);
}

[[noreturn]] void on_error(j_common_ptr info) {
    auto* errors = reinterpret_cast<SposJpegDecoder::Errors*>(info->err);
    info->err->format_message(info, errors->message);
    std::longjmp(errors->escape, 1);
}

// These change no pixel.
bool is_harmless(int code) { return code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR || code == JWRN_BOGUS_ICC; }

void on_message(j_common_ptr info, int level) {
    auto* errors = reinterpret_cast<SposJpegDecoder::Errors*>(info->err);
    if (level >= 0 || is_harmless(info->err->msg_code) || errors->warning[0] != '\0') return;
    info->err->format_message(info, errors->warning);
}

void on_progress(j_common_ptr common) {
    auto* info = reinterpret_cast<j_decompress_ptr>(common);
    const int64_t pixels = static_cast<int64_t>(info->image_width) * info->image_height;
    if (info->input_scan_number > kMostScans || info->input_scan_number * pixels > kMostWork) {
        escape(errors_of(info), "unsupported: too many scans");
    }
}

void ignore(j_decompress_ptr) {}

// libjpeg's own source of a file in memory makes up an end where there is none; like Pillow, this one does not.
boolean refuse_to_fill(j_decompress_ptr info) {
    errors_of(info)->cut_short = true;
    escape(errors_of(info), "the file is cut short: its data ends before the picture does");
}

void skip(j_decompress_ptr info, long count) {
    jpeg_source_mgr& source = *info->src;
    if (count <= 0) return;
    if (static_cast<unsigned long>(count) > source.bytes_in_buffer) refuse_to_fill(info);
    source.next_input_byte += count;
    source.bytes_in_buffer -= static_cast<size_t>(count);
}

// libjpeg asks for a picture's coefficients anew each time, and malloc would fetch those pages from the system and give
// them back picture after picture: a fifth of the time that a loader takes. It keeps this much of it instead.
void keep_freed_memory() {
    static const bool kept = mallopt(M_MMAP_THRESHOLD, 8 << 20) != 0 && mallopt(M_TRIM_THRESHOLD, 256 << 20) != 0;
    (void)kept;
}

// Null if the header can be decoded, else why not.
const char* describe(const jpeg_decompress_struct& info, int64_t most_pixels, SposJpegHeader* header) {
    if (static_cast<int64_t>(info.image_width) * info.image_height > most_pixels) {
        return "unsupported: too many pixels, or too many for so small a file";
    }
    if (info.data_precision != 8) return "unsupported: more than 8 bits a sample";
    const bool grey = info.jpeg_color_space == JCS_GRAYSCALE && info.num_components == 1;
    const bool colour =
        (info.jpeg_color_space == JCS_YCbCr || info.jpeg_color_space == JCS_RGB) && info.num_components == 3;
    const bool print =
        (info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK) && info.num_components == 4;
    if (!grey && !colour && !print) return "unsupported colour space: neither grey, YCbCr, RGB, CMYK nor YCCK";
    *header = {};
    header->width = static_cast<int32_t>(info.image_width);
    header->height = static_cast<int32_t>(info.image_height);
    header->components = print ? 0 : info.num_components;
    header->is_ycc = info.jpeg_color_space == JCS_YCbCr;
    for (int c = 0; c < info.num_components; ++c) {
        const jpeg_component_info& component = info.comp_info[c];
        if (info.max_h_samp_factor % component.h_samp_factor != 0 ||
            info.max_v_samp_factor % component.v_samp_factor != 0) {
            return "unsupported chroma sampling: not a whole ratio";
        }
        if (print) continue;
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

}  // namespace

void copy_message(char* target, const char* text) { std::snprintf(target, SPOS_JPEG_MESSAGE_SIZE, "%s", text); }

int spos_jpeg_open(const uint8_t* data, size_t size, int64_t most_pixels, SposJpegDecoder** decoder,
                   SposJpegHeader* header, char message[SPOS_JPEG_MESSAGE_SIZE]) {
    *decoder = nullptr;
    if (data == nullptr || size == 0) {
        copy_message(message, "the file is empty");
        return SPOS_JPEG_REFUSED;
    }
    keep_freed_memory();
    auto* opened = new (std::nothrow) SposJpegDecoder{};
    if (opened == nullptr) {
        copy_message(message, "out of memory");
        return SPOS_JPEG_REFUSED;
    }
    jpeg_decompress_struct& info = opened->info;
    info.err = jpeg_std_error(&opened->errors.manager);
    opened->errors.manager.error_exit = on_error;
    opened->errors.manager.emit_message = on_message;
    if (setjmp(opened->errors.escape) != 0) {
        copy_message(message, opened->errors.message);
        spos_jpeg_close(opened);
        return SPOS_JPEG_REFUSED;
    }
    jpeg_create_decompress(&info);
    opened->progress.progress_monitor = on_progress;
    info.progress = &opened->progress;
    opened->source.next_input_byte = data;
    opened->source.bytes_in_buffer = size;
    opened->source.init_source = ignore;
    opened->source.fill_input_buffer = refuse_to_fill;
    opened->source.skip_input_data = skip;
    opened->source.resync_to_restart = jpeg_resync_to_restart;
    opened->source.term_source = ignore;
    info.src = &opened->source;
    // Tables can come as a stream of their own before the picture's.
    while (jpeg_read_header(&info, FALSE) == JPEG_HEADER_TABLES_ONLY) {
    }
    if (const char* reason = describe(info, most_pixels, header)) {
        copy_message(message, reason);
        spos_jpeg_close(opened);
        return SPOS_JPEG_REFUSED;
    }
    // What comes before the first scan is not picture: bytes too many there are passed over.
    opened->errors.warning[0] = '\0';
    *decoder = opened;
    return SPOS_JPEG_DONE;
}

void spos_jpeg_close(SposJpegDecoder* decoder) {
    if (decoder == nullptr) return;
    if (setjmp(decoder->errors.escape) == 0) jpeg_destroy_decompress(&decoder->info);
    delete decoder;
}
