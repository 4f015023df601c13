// Rows of 8x8 blocks for a GPU thread, which transforms one block by itself.
#pragma once

constexpr int kDctBlocks = 1;

// One row of the block.
struct DctRow {
    int32_t v[8];

    // Coefficients times their quantisation.
    static __device__ __forceinline__ DctRow dequantised(const int16_t* source, const uint16_t* table, int) {
        DctRow row;
        SPOS_UNROLL for (int i = 0; i < 8; ++i) row.v[i] = (int32_t)((uint32_t)(int32_t)source[i] * table[i]);
        return row;
    }

    // The first Side as samples around 128, clamped to bytes.
    template <int Side>
    __device__ __forceinline__ void store_samples(uint8_t* target, int) const {
        SPOS_UNROLL for (int i = 0; i < Side; ++i) {
            const int32_t level = v[i] + 128;
            target[i] = (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
        }
    }
};

__device__ __forceinline__ DctRow operator+(DctRow a, const DctRow& b) {
    SPOS_UNROLL for (int i = 0; i < 8; ++i) a.v[i] += b.v[i];
    return a;
}
__device__ __forceinline__ DctRow operator+(DctRow a, int32_t b) {
    SPOS_UNROLL for (int i = 0; i < 8; ++i) a.v[i] += b;
    return a;
}
__device__ __forceinline__ DctRow operator-(DctRow a, const DctRow& b) {
    SPOS_UNROLL for (int i = 0; i < 8; ++i) a.v[i] -= b.v[i];
    return a;
}
__device__ __forceinline__ DctRow operator*(DctRow a, int32_t b) {
    SPOS_UNROLL for (int i = 0; i < 8; ++i) a.v[i] *= b;
    return a;
}
__device__ __forceinline__ DctRow operator>>(DctRow a, int bits) {
    SPOS_UNROLL for (int i = 0; i < 8; ++i) a.v[i] >>= bits;
    return a;
}

__device__ __forceinline__ void transpose_blocks(DctRow (&row)[8]) {
    SPOS_UNROLL for (int i = 0; i < 8; ++i) {
        SPOS_UNROLL for (int j = 0; j < i; ++j) {
            const int32_t value = row[i].v[j];
            row[i].v[j] = row[j].v[i];
            row[j].v[i] = value;
        }
    }
}
