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
    unsigned take(int bits) {
        const auto taken = static_cast<unsigned>(bits_ >> 1 >> (63 - bits));
        skip(static_cast<unsigned>(bits));
        return taken;
    }
    // Bits that are left; negative where some behind the data were taken.
    int64_t left() const { return (end_ - next_) * 8 + static_cast<int64_t>(count_); }

 private:
    uint64_t bits_ = 0;
    unsigned count_ = 0;
    const uint8_t *next_, *end_;
};

// A code and what it says: zeros that come before a value, and the value.
struct Code {
    int16_t value;
    uint16_t sizes;  // bit s where the value has s bits; kNoCode; 0 while the value is not known
    uint8_t bits;    // of code and value together
    uint8_t length;  // of the code
    uint8_t run;     // zeros
    uint8_t step;    // to the next coefficient; out of the block if there is none
};

constexpr unsigned kNoCode = 1 << 15;

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
                if (length <= kQuick) spread(code, codes_[symbols]);
            }
            end_[length] = code << (kLongestCode - length);
            code <<= 1;
        }
        return true;
    }

    // Takes a code and its value, for which the bits must be there. Afterwards at most kQuick bits fewer are there, or
    // kFetched.
    Code take(Bits& bits) const {
        const Code code = quick_[bits.peek() >> (64 - kQuick)];
        if (__builtin_expect(code.sizes == 0, 0)) return take_long(code, bits);
        bits.skip(code.bits);
        return code;
    }

    static constexpr int kQuick = 10;

 private:
    static bool describe(int symbol, int length, bool dc, Code& code) {
        const int run = dc ? 0 : symbol >> 4, size = dc ? symbol : symbol & 15;
        if (size > (dc ? kLargestDc : kLargestAc)) return false;
        // Without a value, 15 says 16 zeros, and everything else that the block ends.
        const bool end = !dc && size == 0 && run != 15;
        code = {};
        code.bits = static_cast<uint8_t>(length + size);
        code.length = static_cast<uint8_t>(length);
        code.run = static_cast<uint8_t>(end ? 0 : run);
        code.step = end ? DCTSIZE2 : 1;
        return true;
    }

    // To all that the next kQuick bits can be where they begin with a code.
    void spread(unsigned code, const Code& entry) {
        const int size = entry.bits > kQuick ? 0 : entry.bits - entry.length, behind = kQuick - entry.length - size;
        for (unsigned value = 0; value < 1u << size; ++value) {
            const Code filled = entry.bits > kQuick ? entry : with_value(entry, value);
            std::fill_n(quick_.begin() + ((code << size | value) << behind), 1 << behind, filled);
        }
    }

    // Negative values are stored as what they are above the least one of their size (T.81, F.2.2.1, EXTEND).
    static Code with_value(Code code, unsigned bits) {
        const int size = code.bits - code.length, value = static_cast<int>(bits);
        code.value = static_cast<int16_t>(2 * value < 1 << size ? value - (1 << size) + 1 : value);
        code.sizes = static_cast<uint16_t>(1 << size);
        return code;
    }

    __attribute__((noinline)) Code take_long(Code code, Bits& bits) const {
        if (code.length == 0) code = find(static_cast<unsigned>(bits.peek() >> (64 - kLongestCode)));
        if (code.length == 0) return {0, kNoCode, 0, 0, 0, DCTSIZE2};
        bits.skip(code.length);
        code = with_value(code, bits.take(code.bits - code.length));
        bits.refill();
        return code;
    }

    Code find(unsigned top) const {
        for (int length = kQuick + 1; length <= kLongestCode; ++length) {
            if (top < end_[length]) {
                return codes_[first_[length] + ((top - end_[length - 1]) >> (kLongestCode - length))];
            }
        }
        return {};
    }

    // By the next kQuick bits. Values are known where they end within these.
    std::array<Code, 1 << kQuick> quick_;
    Code codes_[256];                   // in the order of their codes, without values
    int first_[kLongestCode + 1] = {};  // of a length, among these
    // Where codes of a length end, as numbers of kLongestCode bits.
    unsigned end_[kLongestCode + 1] = {};
};

}  // namespace
