#include "mma.h"

#include <bit>
#include <cmath>

namespace spos::simt {
namespace {

constexpr int kRows = 16, kColumns = 8, kTerms = 16;

float flushed(float value) { return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0f, value) : value; }

float half(uint32_t pair, int which) {
    return flushed(std::bit_cast<float>(which == 0 ? pair << 16 : pair & 0xFFFF0000));
}

}  // namespace

// Lane l is thread t = l % 4 of group g = l / 4. Register i of a has row g, or g + 8 where i is odd, and terms 2 * t
// and 2 * t + 1, 8 later from i = 2 on; that of b has column g and terms likewise, 8 later where i = 1; value i of d
// has row g, from i = 2 on g + 8, and column 2 * t + i % 2.
void multiply(const std::array<const Fragments*, 32>& lanes) {
    float a[kRows][kTerms], b[kTerms][kColumns];
    for (int lane = 0; lane < 32; ++lane) {
        const int g = lane / 4, t = lane % 4;
        for (int i = 0; i < 4; ++i) {
            for (int k = 0; k < 2; ++k) a[g + i % 2 * 8][2 * t + i / 2 * 8 + k] = half(lanes[lane]->a[i], k);
        }
        for (int i = 0; i < 2; ++i) {
            for (int k = 0; k < 2; ++k) b[2 * t + i * 8 + k][g] = half(lanes[lane]->b[i], k);
        }
    }
    for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < 4; ++i) {
            const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
            float sum = flushed(lanes[lane]->d[i]);
            for (int k = 0; k < kTerms; ++k) {
                sum = flushed(std::fma(a[row][k ^ 1], b[k ^ 1][column], sum));
            }
            lanes[lane]->d[i] = sum;
        }
    }
}

}  // namespace spos::simt
