// Huffman codes of sequential JPEGs, and the values that come behind them (ITU-T T.81, annex C and F.2.2). Bits are
// fetched eight bytes at a time, and one look into a table gives most codes together with their values.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "decoder.h"

namespace {

// The longest codes and values of 8-bit samples, in bits.
constexpr int kLongestCode = 16, kLargestAc = 10, kLargestDc = 11;

// The next bits of a segment, the first one at the top.
class Bits {
 public:
    static constexpr int kFetched = 56;

    Bits(const uint8_t* data, size_t size) : next_(data), end_(data + size) {}

    // At least kFetched bits are there afterwards. The eight bytes that come next must be readable.
    void refill() {
        uint64_t bytes;
        std::memcpy(&bytes, next_, sizeof bytes);
        bits_ |= __builtin_bswap64(bytes) >> count_;
        next_ += (63 - count_) >> 3;
        count_ |= kFetched;
    }
    uint64_t peek() const { return bits_; }
    void skip(unsigned bits) {
        bits_ <<= bits;
        count_ -= bits;
    }
    // Bits that are left; negative where some behind the data were taken.
    int64_t left() const { return (end_ - next_) * 8 + static_cast<int64_t>(count_); }

 private:
    uint64_t bits_ = 0;
    unsigned count_ = 0;
    const uint8_t *next_, *end_;
};

// A code and what it says: how many zeros come before a value, and the value's size. Of the end of a block, more zeros
// than it has coefficients.
struct Code {
    uint8_t bits;    // of code and value together; 0 for no code
    uint8_t length;  // of the code
    uint8_t run, size;
};

// The value of the given size that comes at the top of `bits`: negative ones are their magnitude's complement (T.81,
// F.2.2.1, EXTEND). Without a branch, since nobody can predict signs.
inline int value_of(uint64_t bits, int size) {
    const uint64_t negative = ~static_cast<uint64_t>(static_cast<int64_t>(bits) >> 63);
    const uint64_t magnitude = (bits ^ negative) >> 1 >> (63 - size);
    return static_cast<int>((magnitude ^ negative) - negative);
}

class CodeTable {
 public:
    // False if its codes are not those of a baseline file.
    bool build(const JHUFF_TBL& table, bool dc) {
        unsigned code = 0;
        int symbols = 0;
        quick_.fill({});
        for (int length = 1; length <= kLongestCode; ++length) {
            first_[length] = symbols;
            for (int i = 0; i < table.bits[length]; ++i, ++symbols, ++code) {
                // Nothing but ones is no code.
                if (symbols == 256 || code >= (1u << length) - 1) return false;
                if (!describe(table.huffval[symbols], length, dc, codes_[symbols])) return false;
                if (length > kQuick) continue;
                const unsigned behind = kQuick - static_cast<unsigned>(length);
                std::fill_n(quick_.begin() + (code << behind), 1 << behind, codes_[symbols]);
            }
            end_[length] = code << (kLongestCode - length);
            code <<= 1;
        }
        return true;
    }

    // The code at the top of `bits`.
    Code find(uint64_t bits) const {
        const Code code = quick_[bits >> (64 - kQuick)];
        return __builtin_expect(code.bits != 0, 1) ? code
                                                   : find_long(static_cast<unsigned>(bits >> (64 - kLongestCode)));
    }

 private:
    static constexpr int kQuick = 11;

    static bool describe(int symbol, int length, bool dc, Code& code) {
        const int run = dc ? 0 : symbol >> 4, size = dc ? symbol : symbol & 15;
        if (size > (dc ? kLargestDc : kLargestAc)) return false;
        // Without a value, 15 says 16 zeros, and everything else that the block ends.
        const bool end = !dc && size == 0 && run != 15;
        code = {static_cast<uint8_t>(length + size), static_cast<uint8_t>(length),
                static_cast<uint8_t>(end ? DCTSIZE2 : run), static_cast<uint8_t>(size)};
        return true;
    }

    __attribute__((noinline)) Code find_long(unsigned top) const {
        for (int length = kQuick + 1; length <= kLongestCode; ++length) {
            if (top < end_[length]) {
                return codes_[first_[length] + ((top - end_[length - 1]) >> (kLongestCode - length))];
            }
        }
        return {};
    }

    std::array<Code, 1 << kQuick> quick_;  // by the next kQuick bits
    Code codes_[256];                      // in the order of their codes
    int first_[kLongestCode + 1] = {};     // of a length, among these
    // Where codes of a length end, as numbers of kLongestCode bits.
    unsigned end_[kLongestCode + 1] = {};
};

}  // namespace
