#include "mutator.h"

#include <zlib.h>

#include <algorithm>
#include <cstddef>

namespace {

constexpr size_t kLargestFile = 1 << 16;

// Where a file's headers hold lengths and sizes: after a JPEG's markers, a PNG's chunk names, and in the first bytes.
std::vector<size_t> length_fields(const Bytes& file) {
    std::vector<size_t> fields;
    for (size_t i = 0; i + 4 < file.size(); ++i) {
        const bool marker = file[i] == 0xFF && file[i + 1] >= 0xC0 && file[i + 1] != 0xFF;
        if (marker) fields.insert(fields.end(), {i + 2, i + 5, i + 7});
        const bool chunk =
            i >= 4 && std::all_of(&file[i], &file[i + 4], [](uint8_t c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; });
        if (chunk) fields.insert(fields.end(), {i - 4, i - 2, i + 4, i + 6, i + 8, i + 10});
    }
    for (size_t i = 2; i < std::min<size_t>(file.size(), 64); i += 2) fields.push_back(i);
    return fields;
}

uint32_t big_endian(const uint8_t* at) {
    return static_cast<uint32_t>(at[0]) << 24 | static_cast<uint32_t>(at[1]) << 16 | static_cast<uint32_t>(at[2]) << 8 |
           at[3];
}

// Makes a PNG's checksums right again, which would hide what is behind them.
void sign_chunks(Bytes& file) {
    if (file.size() < 8 || file[1] != 'P') return;
    for (size_t at = 8; at + 12 <= file.size();) {
        const size_t length = big_endian(&file[at]);
        if (length > file.size() - at - 12) return;
        const auto sum = static_cast<uint32_t>(crc32(0, &file[at + 4], static_cast<uInt>(length + 4)));
        at += 8 + length;
        for (int i = 0; i < 4; ++i) file[at++] = static_cast<uint8_t>(sum >> (24 - 8 * i));
    }
}

}  // namespace

void Mutator::change_length(Bytes& file) {
    const std::vector<size_t> fields = length_fields(file);
    if (fields.empty()) return;
    const size_t at = fields[below(fields.size())];
    static constexpr uint8_t kEdges[] = {0, 1, 2, 7, 8, 9, 0x7F, 0x80, 0xFE, 0xFF};
    for (size_t i = at; i < std::min(at + 1 + below(4), file.size()); ++i) file[i] = kEdges[below(sizeof kEdges)];
}

void Mutator::change(Bytes& file) {
    if (file.empty()) file.push_back(0);
    const size_t at = below(file.size());
    const size_t length = std::min(1 + below(below(4) == 0 ? 512 : 16), file.size() - at);
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(at),
               end = begin + static_cast<std::ptrdiff_t>(length);
    switch (below(10)) {
        case 0:
        case 1:
            file[at] ^= static_cast<uint8_t>(1u << below(8));
            break;
        case 2:
            file[at] = static_cast<uint8_t>(random_());
            break;
        case 3:
            std::generate(begin, end, [&] { return static_cast<uint8_t>(random_()); });
            break;
        case 4:
            file.erase(begin, end);
            break;
        case 5: {
            const Bytes piece(begin, end);
            file.insert(file.begin() + static_cast<std::ptrdiff_t>(below(file.size())), piece.begin(), piece.end());
            break;
        }
        case 6: {
            const Bytes& other = any_seed();
            const size_t from = below(other.size()), count = std::min(below(512), other.size() - from);
            const auto source = other.begin() + static_cast<std::ptrdiff_t>(from);
            file.insert(begin, source, source + static_cast<std::ptrdiff_t>(count));
            break;
        }
        case 7:
            if (below(4) == 0) file.resize(at);
            break;
        default:
            change_length(file);
            break;
    }
    if (file.size() > kLargestFile) file.resize(kLargestFile);
}

Bytes Mutator::next() {
    Bytes file = any_seed();
    const size_t changes = 1 + below(below(3) == 0 ? 12 : 3);
    for (size_t i = 0; i < changes; ++i) change(file);
    if (below(4) != 0) sign_chunks(file);
    return file;
}
