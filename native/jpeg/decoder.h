// What decoding to coefficients and decoding to pixels share.
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

void copy_message(char* target, const char* text);
