// decode_fuzz SEEDS [--seed S] [--seconds N] [--keep FILE]: decodes mutations of pictures (a folder's files, or those
// of tests/fixtures/picture_golden.json) by each native decoder, as the program would, under AddressSanitizer and
// UndefinedBehaviorSanitizer, and JPEGs by our decoder and by libjpeg-turbo's. A crash or a difference ends it; FILE
// (default decode_fuzz.input) then holds the input. An input that takes over 5 s is an error too. BMP is decoded in C#
// (Spos.Engine/Data/BitmapFile.cs), and not here.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "mutator.h"
#include "pictures/pictures.h"
#include "tests/jpeg_reference.h"

namespace {

using Clock = std::chrono::steady_clock;

// The program takes larger ones, which only cost time here.
constexpr int64_t kMostPixels = 1 << 22;
constexpr double kHang = 5;

struct Options {
    std::string seeds, keep = "decode_fuzz.input";
    uint64_t seed = 1;
    double seconds = 60;
};

[[noreturn]] void fail(const std::string& message) {
    std::fprintf(stderr, "decode_fuzz: %s\n", message.c_str());
    std::exit(2);
}

Options parse(int count, char** arguments) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string argument = arguments[i];
        if (argument.rfind("--", 0) != 0) {
            options.seeds = argument;
            continue;
        }
        if (++i >= count) fail(argument + " needs a value");
        if (argument == "--seed") {
            options.seed = std::strtoull(arguments[i], nullptr, 10);
        } else if (argument == "--seconds") {
            options.seconds = std::strtod(arguments[i], nullptr);
        } else if (argument == "--keep") {
            options.keep = arguments[i];
        } else {
            fail("there is no option " + argument);
        }
    }
    if (options.seeds.empty()) fail("usage: decode_fuzz SEEDS [--seed S] [--seconds N] [--keep FILE]");
    return options;
}

Bytes read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

Bytes decode_base64(std::string_view text) {
    Bytes bytes;
    uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const size_t digit = kDigits.find(c);
        if (digit == std::string_view::npos) break;
        bits = bits << 6 | static_cast<uint32_t>(digit);
        count += 6;
        if (count >= 8) bytes.push_back(static_cast<uint8_t>(bits >> (count -= 8)));
    }
    return bytes;
}

// The values of "file" in tests/fixtures/picture_golden.json.
std::vector<Bytes> read_golden(const std::string& path) {
    const Bytes bytes = read_file(path);
    const std::string text(bytes.begin(), bytes.end());
    static constexpr std::string_view kField = "\"file\": \"";
    std::vector<Bytes> seeds;
    for (size_t at = text.find(kField); at != std::string::npos; at = text.find(kField, at + 1)) {
        const size_t begin = at + kField.size(), end = text.find('"', begin);
        if (end == std::string::npos) break;
        if (end > begin) seeds.push_back(decode_base64(std::string_view(text).substr(begin, end - begin)));
    }
    return seeds;
}

std::vector<Bytes> read_folder(const std::string& folder) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.is_regular_file() && entry.file_size() > 0) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<Bytes> seeds;
    for (const auto& path : paths) seeds.push_back(read_file(path));
    return seeds;
}

std::vector<Bytes> read_seeds(const std::string& path) {
    std::vector<Bytes> seeds = std::filesystem::is_directory(path) ? read_folder(path) : read_golden(path);
    if (seeds.empty()) fail(path + " has no files");
    return seeds;
}

// The decoded pixels' sum keeps the compiler from leaving them out, and has the sanitizer see that all are there.
uint64_t sum_of(const Bytes& bytes) {
    uint64_t sum = 0;
    for (uint8_t value : bytes) sum += value;
    return sum;
}

bool decode_jpeg(const Bytes& file) {
    // The file's own bytes draw which blocks are wanted.
    uint64_t drawn = sum_of(file);
    const auto draw = [&](int count) {
        drawn = drawn * 6364136223846793005u + 1442695040888963407u;
        return (drawn >> 33) % static_cast<uint64_t>(count);
    };
    if (!agree(file, kMostPixels, draw)) fail("our decoder and libjpeg-turbo differ on a JPEG");
    char message[SPOS_JPEG_MESSAGE_SIZE] = "", warning[SPOS_JPEG_MESSAGE_SIZE] = "";
    for (const bool whole : {false, true}) {
        SposJpegDecoder* decoder = nullptr;
        SposJpegHeader header;
        if (spos_jpeg_open(file.data(), file.size(), kMostPixels, &decoder, &header, message) != 0) return false;
        int result;
        if (whole) {
            Bytes pixels(size_t{4} * static_cast<size_t>(header.width) * static_cast<size_t>(header.height));
            result = spos_jpeg_pixels(decoder, pixels.data(), pixels.size(), warning, message);
            if (result == SPOS_JPEG_DONE && sum_of(pixels) == UINT64_MAX) std::abort();
        } else {
            size_t length = 0;
            SposJpegBlocks blocks[3] = {};
            for (int c = 0; c < header.components; ++c) {
                blocks[c] = {0, header.planes[c].blocks_wide, 0, header.planes[c].blocks_high};
                length += 64 * blocks_of(blocks[c]);
            }
            std::vector<int16_t> coefficients(length);
            uint16_t tables[3 * 64];
            result = spos_jpeg_coefficients(decoder, blocks, coefficients.data(), length, tables, message);
        }
        spos_jpeg_close(decoder);
        if (result == SPOS_JPEG_REFUSED) return false;
    }
    return true;
}

bool decode_other(int format, const Bytes& file) {
    char message[SPOS_PICTURES_MESSAGE_SIZE] = "";
    int32_t width = 0, height = 0;
    if (spos_picture_size(format, file.data(), file.size(), kMostPixels, &width, &height, message) != 0) return false;
    Bytes pixels(size_t{4} * static_cast<size_t>(width) * static_cast<size_t>(height));
    if (spos_picture_pixels(format, file.data(), file.size(), width, height, pixels.data(), message) != 0) return false;
    if (sum_of(pixels) == UINT64_MAX) std::abort();
    return true;
}

// By the first bytes, as the program chooses; a file whose first bytes are damaged goes to all decoders.
bool decode(const Bytes& file) {
    const auto begins = [&](const char* with, size_t at = 0) {
        return file.size() >= at + std::strlen(with) && std::memcmp(file.data() + at, with, std::strlen(with)) == 0;
    };
    if (begins("\xFF\xD8")) return decode_jpeg(file);
    if (begins("\x89PNG")) return decode_other(SPOS_PICTURE_PNG, file);
    if (begins("GIF8")) return decode_other(SPOS_PICTURE_GIF, file);
    if (begins("RIFF")) return decode_other(SPOS_PICTURE_WEBP, file);
    bool any = decode_jpeg(file);
    for (int format = SPOS_PICTURE_PNG; format <= SPOS_PICTURE_WEBP; ++format) any |= decode_other(format, file);
    return any;
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

int main(int count, char** arguments) {
    const Options options = parse(count, arguments);
    Mutator mutator(read_seeds(options.seeds), options.seed);
    const auto start = Clock::now();
    uint64_t inputs = 0, pictures = 0;
    double slowest = 0;
    // One descriptor for all: the file is written before each input, so that it is there after a crash.
    std::FILE* kept = std::fopen(options.keep.c_str(), "wb");
    if (kept == nullptr) fail(options.keep + " cannot be written");
    for (; seconds_since(start) < options.seconds; ++inputs) {
        const Bytes file = mutator.next();
        std::rewind(kept);
        if (ftruncate(fileno(kept), 0) != 0 || std::fwrite(file.data(), 1, file.size(), kept) != file.size() ||
            std::fflush(kept) != 0)
            fail(options.keep + " cannot be written");
        const auto begin = Clock::now();
        pictures += decode(file);
        const double took = seconds_since(begin);
        slowest = std::max(slowest, took);
        if (took > kHang)
            fail("input " + std::to_string(inputs) + " took " + std::to_string(took) + " s; it is in " + options.keep);
    }
    std::fclose(kept);
    std::filesystem::remove(options.keep);
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    std::printf("decode: %llu inputs, seed %llu, 0 crashes (%.0f a second, %.0f%% decoded, slowest %.2f s, %ld MB)\n",
                static_cast<unsigned long long>(inputs), static_cast<unsigned long long>(options.seed),
                static_cast<double>(inputs) / options.seconds,
                100.0 * static_cast<double>(pictures) / static_cast<double>(inputs ? inputs : 1), slowest,
                usage.ru_maxrss / 1024);
    return 0;
}
