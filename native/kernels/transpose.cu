// Transposition of a matrix x [rows][columns]:
//
//   y[j][i] = (accumulate ? y[j][i] : 0) + x[i][j]
//
// Launch: grid.x = ceil(columns / 32), grid.y = ceil(rows / 32). A block moves a tile of 32 x 32 through shared memory,
// so that both sides are accessed in order; a CPU takes it in squares of vectors.
#if SPOS_HOST
#include "host/zip.h"
#endif

constexpr int kTile = 32;
// Columns of the tile fall on different banks.
constexpr int kTileStride = kTile + 1;

SPOS_WORK(shape(rows, columns))
SPOS_KERNEL transpose(SPOS_OUT(columns, rows) float* y, SPOS_IN(rows, columns) const float* x, int rows, int columns,
                      SPOS_FLAG int accumulate) {
    const int j0 = (int)blockIdx.x * kTile, i0 = (int)blockIdx.y * kTile;
#if SPOS_HOST
    if (i0 + kTile <= rows && j0 + kTile <= columns) {
        for (int i = i0; i < i0 + kTile; i += Lane::width) {
            for (int j = j0; j < j0 + kTile; j += Lane::width) {
                transpose_square(y + (int64_t)j * rows + i, rows, x + (int64_t)i * columns + j, columns, accumulate);
            }
        }
        return;
    }
#endif
    SPOS_SHARED(float, tile, kTile* kTileStride);
    for (int e = (int)threadIdx.x; e < kTile * kTile; e += (int)blockDim.x) {
        const int i = e / kTile, j = e % kTile;
        if (i0 + i < rows && j0 + j < columns) {
            tile[i * kTileStride + j] = x[(int64_t)(i0 + i) * columns + j0 + j];
        }
    }
    __syncthreads();
    for (int e = (int)threadIdx.x; e < kTile * kTile; e += (int)blockDim.x) {
        const int j = e / kTile, i = e % kTile;
        if (i0 + i >= rows || j0 + j >= columns) continue;
        const int64_t at = (int64_t)(j0 + j) * rows + i0 + i;
        y[at] = (accumulate ? y[at] : 0.0f) + tile[i * kTileStride + j];
    }
}
SPOS_EXPORT(transpose)
