// The decoder of sequential JPEGs (jpeg/sequential.cpp) against libjpeg-turbo, whose encoder makes the files.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <random>

#include "jpeg_reference.h"

namespace {

constexpr int64_t kMostPixels = 1 << 24;

struct Picture {
    int width = 37, height = 29, components = 3;
    int across = 2, down = 2;  // sampling factors of the first component; the others' are 1
    int quality = 80;
    unsigned restart_interval = 0;
    bool optimised = false, progressive = false;
    double noise = 25;
    unsigned seed = 1;
    std::function<void(jpeg_compress_struct&)> change;  // of what is to be written
};

File encode(const Picture& picture) {
    jpeg_compress_struct info;
    jpeg_error_mgr errors;
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    unsigned char* data = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&info, &data, &size);
    info.image_width = static_cast<JDIMENSION>(picture.width);
    info.image_height = static_cast<JDIMENSION>(picture.height);
    info.input_components = picture.components;
    info.in_color_space = picture.components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, picture.quality, TRUE);
    info.comp_info[0].h_samp_factor = picture.across;
    info.comp_info[0].v_samp_factor = picture.down;
    info.restart_interval = picture.restart_interval;
    info.optimize_coding = picture.optimised;
    if (picture.progressive) jpeg_simple_progression(&info);
    if (picture.change) picture.change(info);
    jpeg_start_compress(&info, TRUE);
    std::mt19937 random(picture.seed);
    std::normal_distribution<double> noise(0, picture.noise);
    std::vector<uint8_t> row(static_cast<size_t>(picture.width * picture.components));
    for (int y = 0; y < picture.height; ++y) {
        for (size_t x = 0; x < row.size(); ++x) {
            row[x] = static_cast<uint8_t>(
                std::clamp(128 + 90 * std::sin(0.05 * static_cast<double>(x)) + 30 * std::cos(0.3 * y) + noise(random),
                           0.0, 255.0));
        }
        uint8_t* line = row.data();
        jpeg_write_scanlines(&info, &line, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    const File file(data, data + size);
    std::free(data);
    return file;
}

auto drawing(unsigned seed) {
    return [random = std::mt19937(seed)](int count) mutable { return random() % static_cast<unsigned>(count); };
}

// Our decoder does not leave the file to libjpeg-turbo, and agrees with it on all of the picture and on parts of it.
void check_equal(const Picture& picture) {
    const File file = encode(picture);
    const OpenJpeg jpeg(file, kMostPixels), again(file, kMostPixels);
    REQUIRE(jpeg.has_planes());
    const Reference reference = decode_by_libjpeg(again);
    REQUIRE(!reference.coefficients.empty());
    REQUIRE(!reference.is_damaged);
    CHECK(decode_by_ours(jpeg, jpeg.all()) == reference.coefficients);
    auto draw = drawing(picture.seed);
    for (int i = 0; i < 4; ++i) {
        const Wanted some = jpeg.some(draw);
        CHECK(decode_by_ours(jpeg, some) == part_of(reference.coefficients, jpeg, some));
    }
}

// Two grey blocks, one above the other. There are DC codes for values of no bits (00), of 6 (10) and, if there is a
// code of ones, of 7 (11), and one AC code: the block's end (0).
File two_blocks(bool has_ones, const File& scan) {
    File file = {0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0};
    file.insert(file.end(), DCTSIZE2, 1);
    file.insert(file.end(), {0xFF, 0xC0, 0, 11, 8, 0, 16, 0, 8, 1, 1, 0x11, 0});
    const auto add_table = [&](uint8_t number, std::array<uint8_t, 16> lengths, const File& symbols) {
        file.insert(file.end(), {0xFF, 0xC4, 0, static_cast<uint8_t>(19 + symbols.size()), number});
        file.insert(file.end(), lengths.begin(), lengths.end());
        file.insert(file.end(), symbols.begin(), symbols.end());
    };
    add_table(0x00, {0, static_cast<uint8_t>(has_ones ? 4 : 3)}, has_ones ? File{0, 1, 6, 7} : File{0, 1, 6});
    add_table(0x10, {1}, {0});
    file.insert(file.end(), {0xFF, 0xDA, 0, 8, 1, 1, 0x00, 0, 63, 0});
    file.insert(file.end(), scan.begin(), scan.end());
    file.insert(file.end(), {0xFF, 0xD9});
    return file;
}

size_t scan_of(const File& file) {
    static constexpr uint8_t kMarker[] = {0xFF, 0xDA};
    return static_cast<size_t>(std::search(file.begin(), file.end(), kMarker, kMarker + 2) - file.begin());
}

}  // namespace

TEST_CASE("all samplings, sizes and restart intervals come to libjpeg-turbo's coefficients") {
    static constexpr int kSizes[][2] = {{1, 1}, {7, 9}, {8, 8}, {16, 16}, {17, 33}, {65, 31}, {130, 70}};
    static constexpr int kSamplings[][2] = {{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}, {4, 2}, {1, 4}};
    unsigned seed = 0;
    for (const auto& size : kSizes) {
        for (const auto& sampling : kSamplings) {
            for (const int components : {1, 3}) {
                for (const unsigned restart_interval : {0u, 1u, 5u}) {
                    Picture picture;
                    picture.width = size[0];
                    picture.height = size[1];
                    picture.across = sampling[0];
                    picture.down = sampling[1];
                    picture.components = components;
                    picture.restart_interval = restart_interval;
                    picture.seed = ++seed;
                    picture.quality = static_cast<int>(20 + seed % 80);
                    picture.optimised = seed % 2 == 0;
                    check_equal(picture);
                }
            }
        }
    }
}

TEST_CASE("blocks of one coefficient and blocks of all coefficients are decoded") {
    Picture flat;
    flat.noise = 0;
    flat.quality = 1;
    check_equal(flat);
    Picture full;
    full.noise = 200;
    full.quality = 100;
    check_equal(full);
}

TEST_CASE("codes of 16 bits are decoded") {
    Picture picture;
    picture.quality = 97;
    picture.change = [](jpeg_compress_struct& info) {
        for (JHUFF_TBL* table : {info.ac_huff_tbl_ptrs[0], info.dc_huff_tbl_ptrs[1]}) {
            UINT8 symbols = 0;
            for (int length = 1; length <= 16; ++length) symbols = static_cast<UINT8>(symbols + table->bits[length]);
            std::fill(table->bits, table->bits + 16, UINT8{0});
            table->bits[16] = symbols;
        }
    };
    check_equal(picture);
}

TEST_CASE("stuffed bytes at a segment's end are decoded") {
    int found = 0;
    Picture picture;
    picture.width = picture.height = 8;
    picture.components = picture.across = picture.down = 1;
    for (picture.seed = 0; picture.seed < 400; ++picture.seed) {
        const File file = encode(picture);
        if (file[file.size() - 4] != 0xFF || file[file.size() - 3] != 0) continue;
        ++found;
        check_equal(picture);
    }
    CHECK(found > 0);
}

TEST_CASE("a file that is cut short anywhere is left to libjpeg-turbo, whatever is wanted") {
    for (const unsigned restart_interval : {0u, 2u}) {
        Picture picture;
        picture.restart_interval = restart_interval;
        const File file = encode(picture);
        for (size_t size = scan_of(file); size < file.size(); ++size) {
            const File cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
            const OpenJpeg jpeg(cut, kMostPixels);
            if (!jpeg.has_planes()) continue;
            Wanted top = jpeg.all();
            for (SposJpegBlocks& part : top) part.bottom = std::min(part.bottom, 1);
            CHECK(!decode_by_ours(jpeg, jpeg.all()));
            CHECK(!decode_by_ours(jpeg, top));
        }
    }
}

TEST_CASE("damage is seen as libjpeg-turbo sees it") {
    for (const unsigned restart_interval : {0u, 2u}) {
        Picture picture;
        // Its tables lack the codes that it does not need.
        picture.optimised = restart_interval == 0;
        picture.restart_interval = restart_interval;
        const File file = encode(picture);
        auto draw = drawing(restart_interval);
        for (size_t i = scan_of(file); i < file.size(); ++i) {
            for (int bit = 0; bit < 8; ++bit) {
                File damaged = file;
                damaged[i] ^= static_cast<uint8_t>(1 << bit);
                CHECK(agree(damaged, kMostPixels, draw));
            }
            File shorter = file, longer = file;
            shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
            CHECK(agree(shorter, kMostPixels, draw));
            longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(i), uint8_t{0xFF});
            CHECK(agree(longer, kMostPixels, draw));
            File ended(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(i));
            ended.insert(ended.end(), {0xFF, 0xD9});
            CHECK(agree(ended, kMostPixels, draw));
        }
    }
}

TEST_CASE("bits that are no code, and tables that have a code of nothing but ones, are left to libjpeg-turbo") {
    // 00 0, 10 100000 0, and ones up to a whole byte.
    const File whole = two_blocks(false, {0x14, 0x0F}), with_ones = two_blocks(true, {0x14, 0x0F});
    // The first block lacks its end, and what begins the second one is none: 00, 10 100000 0.
    const File no_code = two_blocks(false, {0x28, 0x1F});
    for (const File& file : {whole, with_ones, no_code}) {
        const OpenJpeg jpeg(file, kMostPixels);
        REQUIRE(jpeg.has_planes());
        CHECK(decode_by_ours(jpeg, jpeg.all()).has_value() == (file == whole));
        CHECK(agree(file, kMostPixels, drawing(1)));
    }
}

TEST_CASE("other kinds of scans are left to libjpeg-turbo, and come to the same") {
    Picture picture;
    picture.progressive = true;
    const File file = encode(picture);
    const OpenJpeg jpeg(file, kMostPixels), again(file, kMostPixels);
    auto draw = drawing(3);
    const Wanted some = jpeg.some(draw);
    CHECK(!decode_by_ours(jpeg, some));
    Coefficients part(jpeg.values(some));
    uint16_t quantisation[3 * 64];
    char message[SPOS_JPEG_MESSAGE_SIZE] = "";
    REQUIRE(spos_jpeg_coefficients(jpeg.decoder, some.data(), part.data(), part.size(), quantisation, message) ==
            SPOS_JPEG_DONE);
    CHECK(part == part_of(decode_by_libjpeg(again).coefficients, jpeg, some));
}

TEST_CASE("values larger than a picture's are left to libjpeg-turbo") {
    Picture smooth, noisy;
    smooth.noise = 0;
    smooth.quality = 30;
    noisy.noise = 100;
    noisy.quality = 100;
    static constexpr uint8_t kTable[] = {0xFF, 0xDB, 0, 67};
    const auto is_ours = [&](const Picture& picture, ptrdiff_t first_step, ptrdiff_t last_step) {
        File changed = encode(picture);
        const auto table = std::search(changed.begin(), changed.end(), kTable, kTable + 4) + 5;
        std::fill(table + first_step, table + last_step, uint8_t{255});
        const OpenJpeg jpeg(changed, kMostPixels);
        return decode_by_ours(jpeg, jpeg.all()).has_value();
    };
    CHECK(is_ours(smooth, 0, 0));
    CHECK(is_ours(noisy, 0, 0));
    CHECK(!is_ours(smooth, 0, 1));
    CHECK(!is_ours(noisy, 1, DCTSIZE2));
}

TEST_CASE("blocks beyond the picture, and too little room, are refused") {
    const File file = encode(Picture());
    const OpenJpeg jpeg(file, kMostPixels);
    const Wanted all = jpeg.all();
    Coefficients coefficients(jpeg.values(all));
    uint16_t quantisation[3 * 64];
    char message[SPOS_JPEG_MESSAGE_SIZE] = "";
    const auto result = [&](const Wanted& wanted, size_t count) {
        return spos_jpeg_coefficients(jpeg.decoder, wanted.data(), coefficients.data(), count, quantisation, message);
    };
    for (int32_t SposJpegBlocks::*edge :
         {&SposJpegBlocks::first, &SposJpegBlocks::last, &SposJpegBlocks::top, &SposJpegBlocks::bottom}) {
        for (const int32_t value : {-1, 1000, INT32_MIN, INT32_MAX}) {
            Wanted wrong = all;
            wrong[1].*edge = value;
            CHECK(result(wrong, coefficients.size()) == SPOS_JPEG_REFUSED);
        }
    }
    CHECK(result(all, coefficients.size() - 1) == SPOS_JPEG_REFUSED);
    CHECK(result(all, coefficients.size()) == SPOS_JPEG_DONE);
}
