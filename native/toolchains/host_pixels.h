// Pixels of four bytes (red lowest) in vectors of kLaneWidth bytes or kLaneWidth pixels.
#pragma once

namespace {

typedef int32_t Integers __attribute__((vector_size(4 * kLaneWidth)));

// Neighbouring pixels whose levels fill a vector.
constexpr int kPixelGroup = kLaneWidth / 4;

// Fixed-point sums of weighted levels, of kPixelGroup pixels.
struct LevelSums {
    Integers v;

    LevelSums() : v{} {}
    __forceinline__ LevelSums(Integers sums) : v(sums) {}

    // Adds kPixelGroup neighbours, each times a weight of its own.
    __forceinline__ void add(const uint32_t* pixels, const int32_t* weights) {
        v += levels(pixels) * repeated(weights);
    }
    // Adds kPixelGroup neighbours times one weight.
    __forceinline__ void add(const uint32_t* pixels, int32_t weight) { v += levels(pixels) * weight; }
    // Adds to the first pixel's sums only.
    __forceinline__ void add_single(const uint32_t* pixel, int32_t weight) {
        for (int c = 0; c < 4; ++c) v[c] += (int32_t)(*pixel >> (8 * c) & 255) * weight;
    }

    // The first `count` pixels: their sums, rounded to levels.
    __forceinline__ void store(uint32_t* target, int count, int bits) const {
        const Integers level = (v + (1 << (bits - 1))) >> bits;
#if defined(__AVX512F__)
        const __m128i bytes = _mm512_maskz_cvtusepi32_epi8(0xFFFF, (__m512i)level);
#elif defined(__AVX2__)
        const __m256i halves = _mm256_permute4x64_epi64(_mm256_packs_epi32((__m256i)level, (__m256i)level), 8);
        const __m128i shorts = _mm256_castsi256_si128(halves), bytes = _mm_packus_epi16(shorts, shorts);
#else
        const __m128i shorts = _mm_packs_epi32((__m128i)level, (__m128i)level),
                      bytes = _mm_packus_epi16(shorts, shorts);
#endif
        if (count >= kPixelGroup) {
            memcpy(target, &bytes, kLaneWidth);
        } else {
            memcpy(target, &bytes, 4 * count);
        }
    }

 private:
    static __forceinline__ Integers levels(const uint32_t* pixels) {
#if defined(__AVX512F__)
        return (Integers)_mm512_maskz_cvtepu8_epi32(0xFFFF, _mm_loadu_si128((const __m128i*)pixels));
#elif defined(__AVX2__)
        return (Integers)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)pixels));
#else
        const __m128i zero = _mm_setzero_si128();
        return (Integers)_mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128((int)*pixels), zero), zero);
#endif
    }

    // Each of kPixelGroup weights four times.
    static __forceinline__ Integers repeated(const int32_t* weights) {
#if defined(__AVX512F__)
        const __m512i four = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i*)weights));
        const __m512i order = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
        return (Integers)_mm512_maskz_permutexvar_epi32(0xFFFF, order, four);
#elif defined(__AVX2__)
        const __m256i two = _mm256_castsi128_si256(_mm_loadl_epi64((const __m128i*)weights));
        return (Integers)_mm256_permutevar8x32_epi32(two, _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
#else
        return Integers{} + *weights;
#endif
    }
};

// The sums of neighbouring pixels of a and b.
__forceinline__ LevelSums sums_of_pairs(LevelSums a, LevelSums b) {
    Integers first, second;
    for (int i = 0; i < kLaneWidth; ++i) {
        first[i] = i / 4 * 8 + i % 4;
        second[i] = first[i] + 4;
    }
    return LevelSums(__builtin_shuffle(a.v, b.v, first) + __builtin_shuffle(a.v, b.v, second));
}

// Of kPixelGroup groups: pixel i is the sum of group i.
__forceinline__ LevelSums sums_of_groups(LevelSums (&groups)[kPixelGroup]) {
    SPOS_UNROLL for (int count = kPixelGroup / 2; count > 0; count /= 2) {
        SPOS_UNROLL for (int i = 0; i < count; ++i) groups[i] = sums_of_pairs(groups[2 * i], groups[2 * i + 1]);
    }
    return groups[0];
}

// Lane::width pixels.
struct Pixels {
    typedef uint32_t Vector __attribute__((vector_size(4 * kLaneWidth)));
    typedef uint32_t Unaligned __attribute__((vector_size(4 * kLaneWidth), aligned(4), may_alias));
    Vector v;

    // Of levels, whole numbers 0 ... 255.
    static __forceinline__ Pixels of(Lane red, Lane green, Lane blue) {
        return {bits(red) | bits(green) << 8 | bits(blue) << 16};
    }
    static __forceinline__ Pixels load(const uint32_t* p) { return {(Vector) * (const Unaligned*)p}; }
    static __forceinline__ Pixels load(const uint32_t* p, int count) {
        Pixels some{};
        memcpy(&some.v, p, sizeof(uint32_t) * (unsigned)count);
        return some;
    }
    __forceinline__ void store(uint32_t* p) const { *(Unaligned*)p = v; }
    __forceinline__ void store(uint32_t* p, int count) const { memcpy(p, &v, sizeof(uint32_t) * (unsigned)count); }
    // Colour c of each.
    __forceinline__ Lane level(int c) const {
        return Lane(__builtin_convertvector((Integers)(v >> (8 * c) & 255), Lane::Vector));
    }

 private:
    static __forceinline__ Vector bits(Lane level) { return (Vector) __builtin_convertvector(level.v, Integers); }
};

}  // namespace
