// Rows of 8x8 blocks in vectors: the transforms of all their columns run side by side.
#pragma once

namespace {

// Neighbouring blocks that are transformed together.
constexpr int kDctBlocks = kLaneWidth == 16 ? 2 : 1;

// One row of kDctBlocks blocks.
struct DctRow {
    static constexpr int kColumns = 8 * kDctBlocks;
    typedef int32_t Vector __attribute__((vector_size(4 * kColumns)));
    typedef uint8_t Bytes __attribute__((vector_size(kColumns)));
    struct OneBlock {
        typedef int32_t Vector __attribute__((vector_size(32)));
        Vector v;
    };
    Vector v;

    // Coefficients times their quantisation; of the second block only if `count` is 2. Blocks are 64 values apart.
    static __forceinline__ DctRow dequantised(const int16_t* source, const uint16_t* table, int count) {
        const OneBlock factors = widened(table), first = widened(source);
        const OneBlock second = count == 2 ? widened(source + 64) : OneBlock{};
        return joined<kDctBlocks>(first.v * factors.v, second.v * factors.v);
    }

    template <class Short>
    static __forceinline__ OneBlock widened(const Short* source) {
        typedef Short Shorts __attribute__((vector_size(16)));
        Shorts values;
        memcpy(&values, source, sizeof values);
        return {__builtin_convertvector(values, OneBlock::Vector)};
    }

    template <int Blocks, class Half>
    static __forceinline__ DctRow joined(const Half& first, const Half& second) {
        if constexpr (Blocks == 1) {
            return {first};
        } else {
            return {__builtin_shufflevector(first, second, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)};
        }
    }

    // The first Side of each block as samples around 128, clamped to bytes; blocks lie side by side.
    template <int Side>
    __forceinline__ void store_samples(uint8_t* target, int count) const {
        const Vector level = v + 128;
        const Vector positive = level < 0 ? Vector{} : level;
        const Bytes bytes = __builtin_convertvector(positive > 255 ? Vector{} + 255 : positive, Bytes);
        if (Side == 8 && count == kDctBlocks) {
            memcpy(target, &bytes, kColumns);
        } else {
            for (int i = 0; i < count; ++i) memcpy(target + i * Side, (const uint8_t*)&bytes + 8 * i, Side);
        }
    }
};

__forceinline__ DctRow operator+(DctRow a, DctRow b) { return {a.v + b.v}; }
__forceinline__ DctRow operator+(DctRow a, int32_t b) { return {a.v + b}; }
__forceinline__ DctRow operator-(DctRow a, DctRow b) { return {a.v - b.v}; }
__forceinline__ DctRow operator*(DctRow a, int32_t b) { return {a.v * b}; }
__forceinline__ DctRow operator>>(DctRow a, int bits) { return {a.v >> bits}; }

// Of pairs of `Run` neighbours in `a` and in `b`: all first ones, or all second ones, alternately.
template <int Run, bool Second>
__forceinline__ DctRow interleave(DctRow a, DctRow b) {
    DctRow::Vector order;
    for (int i = 0; i < DctRow::kColumns; ++i) {
        const int pair = i / (2 * Run), part = i % (2 * Run);
        order[i] = pair * 2 * Run + (Second ? Run : 0) + part % Run + (part < Run ? 0 : DctRow::kColumns);
    }
    return {__builtin_shuffle(a.v, b.v, order)};
}

// Exchanges squares of `Run` x `Run` across the diagonal.
template <int Run>
__forceinline__ void transpose_squares(DctRow (&row)[8]) {
    SPOS_UNROLL for (int i = 0; i < 8; ++i) {
        if (i & Run) continue;
        const DctRow a = row[i], b = row[i + Run];
        row[i] = interleave<Run, false>(a, b);
        row[i + Run] = interleave<Run, true>(a, b);
    }
}

// Each block by itself.
__forceinline__ void transpose_blocks(DctRow (&row)[8]) {
    transpose_squares<4>(row);
    transpose_squares<2>(row);
    transpose_squares<1>(row);
}

}  // namespace
