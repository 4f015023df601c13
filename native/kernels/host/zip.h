// Values sorted within vectors: pairs of them, and squares.
#pragma once

namespace {

// Values of bf16 that are only moved, as many as fill a vector.
struct MovedHalves {
    typedef uint16_t Bits __attribute__((vector_size(4 * Lane::width)));
    typedef uint16_t Unaligned __attribute__((vector_size(4 * Lane::width), aligned(2), may_alias));
    static constexpr int width = 2 * Lane::width;
    Bits v;

    MovedHalves() = default;
    __forceinline__ MovedHalves(Bits bits) : v(bits) {}

    static __forceinline__ MovedHalves load(const Bf16* p) { return MovedHalves((Bits) * (const Unaligned*)p); }
    __forceinline__ void store(Bf16* p) const { *(Unaligned*)p = v; }
#if defined(__AVX512F__)
    // No wider than need be: a vector that reaches into the cache's next line waits for that line, of which nothing may
    // be needed.
    static __forceinline__ MovedHalves load(const Bf16* p, int count) {
        const auto first_values = [](int n) { return (1u << n) - 1; };
        __m512i bits;
        if (count > 16) {
            const __m256i low = _mm256_loadu_si256((const __m256i*)p);
            bits = _mm512_maskz_inserti64x4(0xFF, _mm512_maskz_inserti64x4(0xFF, _mm512_setzero_si512(), low, 0),
                                            _mm256_maskz_loadu_epi16((__mmask16)first_values(count - 16), p + 16), 1);
        } else if (count > 8) {
            bits = _mm512_maskz_inserti64x4(0xFF, _mm512_setzero_si512(),
                                            _mm256_maskz_loadu_epi16((__mmask16)first_values(count), p), 0);
        } else {
            bits = _mm512_maskz_inserti32x4(0xFFFF, _mm512_setzero_si512(),
                                            _mm_maskz_loadu_epi16((__mmask8)first_values(count), p), 0);
        }
        return MovedHalves((Bits)bits);
    }
    __forceinline__ void store(Bf16* p, int count) const {
        _mm512_mask_storeu_epi16(p, (__mmask32)((1u << count) - 1), (__m512i)v);
    }
#else
    __attribute__((noinline)) static MovedHalves load(const Bf16* p, int count) {
        Bits bits{};
        memcpy(&bits, p, count * sizeof(Bf16));
        return MovedHalves(bits);
    }
    __attribute__((noinline)) void store(Bf16* p, int count) const { memcpy(p, &v, count * sizeof(Bf16)); }
#endif
};

// A vector of values that are only moved.
template <class T>
struct MovedOf {
    typedef Lane Vector;
};
template <>
struct MovedOf<Bf16> {
    typedef MovedHalves Vector;
};

template <class V>
struct VectorPair {
    V first, second;
};

// The values of a and then of b in even places, and those in odd ones.
template <class V>
__forceinline__ VectorPair<V> unzip(V a, V b) {
    typename V::Bits even, odd;
    SPOS_UNROLL for (int i = 0; i < V::width; ++i) {
        even[i] = 2 * i;
        odd[i] = 2 * i + 1;
    }
    return {V(__builtin_shuffle(a.v, b.v, even)), V(__builtin_shuffle(a.v, b.v, odd))};
}

// The reverse.
template <class V>
__forceinline__ VectorPair<V> zip(V even, V odd) {
    typename V::Bits low, high;
    SPOS_UNROLL for (int i = 0; i < V::width; ++i) {
        low[i] = i / 2 + i % 2 * V::width;
        high[i] = low[i] + V::width / 2;
    }
    return {V(__builtin_shuffle(even.v, odd.v, low)), V(__builtin_shuffle(even.v, odd.v, high))};
}

// y[j * y_stride + i] = x[i * x_stride + j], `accumulate` to what is there, for as many rows and columns as a vector is
// wide: zipped with the row half the rows below, log2 of them times, rows become columns.
__forceinline__ void transpose_square(float* y, int64_t y_stride, const float* x, int64_t x_stride, bool accumulate) {
    constexpr int size = Lane::width;
    Lane rows[size];
    SPOS_UNROLL for (int i = 0; i < size; ++i) rows[i] = Lane::load(x + i * x_stride);
    SPOS_UNROLL for (int step = 1; step < size; step *= 2) {
        Lane zipped[size];
        SPOS_UNROLL for (int i = 0; i < size / 2; ++i) {
            const VectorPair<Lane> pair = zip(rows[i], rows[i + size / 2]);
            zipped[2 * i] = pair.first;
            zipped[2 * i + 1] = pair.second;
        }
        SPOS_UNROLL for (int i = 0; i < size; ++i) rows[i] = zipped[i];
    }
    SPOS_UNROLL for (int i = 0; i < size; ++i) {
        float* const target = y + i * y_stride;
        (accumulate ? Lane::load(target) + rows[i] : rows[i]).store(target);
    }
}

}  // namespace
