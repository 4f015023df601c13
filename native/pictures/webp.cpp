// WebP by libwebp, the first frame. Its decoder of animations reads still pictures too; Pillow uses the same.
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "format.h"

namespace {

struct Closer {
    void operator()(WebPAnimDecoder* decoder) const { WebPAnimDecoderDelete(decoder); }
};

Size size_of(File file) {
    WebPBitstreamFeatures features;
    const VP8StatusCode status = WebPGetFeatures(file.data(), file.size(), &features);
    if (status == VP8_STATUS_NOT_ENOUGH_DATA) throw Refused("the file is cut short");
    if (status != VP8_STATUS_OK) throw Refused("its header is damaged");
    return {features.width, features.height};
}

void decode(File file, Size size, uint8_t* pixels) {
    // The decoder takes memory for the picture at once, so its size is looked at first.
    const Size found = size_of(file);
    if (found.width != size.width || found.height != size.height) throw Refused("the picture has another size");
    WebPAnimDecoderOptions options;
    if (!WebPAnimDecoderOptionsInit(&options)) throw Refused("this version of libwebp is too old");
    options.color_mode = MODE_RGBA;
    options.use_threads = 0;
    const WebPData data = {file.data(), file.size()};
    const std::unique_ptr<WebPAnimDecoder, Closer> decoder(WebPAnimDecoderNew(&data, &options));
    WebPAnimInfo info;
    if (!decoder || !WebPAnimDecoderGetInfo(decoder.get(), &info)) throw Refused("damaged or cut short");
    if (info.canvas_width != size.width || info.canvas_height != size.height) throw Refused("its sizes differ");
    uint8_t* frame = nullptr;
    int time = 0;
    if (!WebPAnimDecoderGetNext(decoder.get(), &frame, &time)) throw Refused("its data is damaged");
    const size_t count = static_cast<size_t>(size.width) * static_cast<size_t>(size.height);
    for (size_t i = 0; i < count; ++i) {
        for (size_t c = 0; c < 3; ++c) pixels[4 * i + c] = frame[4 * i + c];
        pixels[4 * i + 3] = 0;
    }
}

}  // namespace

const Format kWebp = {size_of, decode};
