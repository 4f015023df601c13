// What the ways of decoding share.
#pragma once

#include <csetjmp>
#include <cstdio>

#include "jpeg.h"

// jpeglib.h needs FILE from above.
#include <jpeglib.h>

struct SposJpegDecoder {
    struct Errors {
        jpeg_error_mgr manager;
        std::jmp_buf escape;  // each call of the interface sets it before it calls libjpeg
        char message[JMSG_LENGTH_MAX];
        char warning[JMSG_LENGTH_MAX];  // the first damage that libjpeg goes on after; "" if none
        bool cut_short;                 // whether the file ended where libjpeg asked for more
    };

    jpeg_decompress_struct info;
    Errors errors;
    jpeg_source_mgr source;
    jpeg_progress_mgr progress;
};

// Pixels have 8 bits, so no coefficient of a whole file comes to more than 1,024 and half its quantisation step. Beyond
// this, sums overflow in libjpeg-turbo's 16-bit vectors.
constexpr int kLargestCoefficient = 4096;

inline size_t blocks_of(const SposJpegBlocks& wanted) {
    return static_cast<size_t>(wanted.last - wanted.first) * static_cast<size_t>(wanted.bottom - wanted.top);
}

// As spos_jpeg_coefficients, after the header was read. False if the file is not a plain sequential one, or not whole
// and without damage as far down as is wanted; nothing of `info` has changed, so that libjpeg-turbo can read on.
bool decode_sequential(const jpeg_decompress_struct& info, const SposJpegBlocks* wanted, int16_t* coefficients,
                       uint16_t* quantisation);

void copy_message(char* target, const char* text);
