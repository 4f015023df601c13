// The sums of a tile for products of bf16, by tensor cores: a warp multiplies fragments of 16 x 16 and 16 x 8 values
// and adds floats (mma_bf16 of the toolchains).
//
// A panel's line has pairs: the values of p and p + 1, for the tile's rows of A and then its columns of B. In what
// order rows and columns stand in fragments is free. It is chosen so that a thread reads its values together, and that
// its sums are the four rows and the groups of four columns of its piece. With PTX's group g = lane / 4 and thread of
// it t = lane % 4:
//
//   rows     fragment f = 0, 1 of a warp's 32 rows has row 4 * g + 2 * f in its row g, and the next one in row g + 8
//   columns  fragment h = 0, 1 of a group of 16 columns has column 2 * g + h in its column g; so the columns of a
//            thread's sums are 4 * t + h and 4 * t + 2 + h
//
// The order along p is kept.
#pragma once
#include "device/panels.h"

// A thread's quads of a panel of bf16, on their way: of values side by side along p each is one, else two for
// neighbouring p make up four pairs.
template <class Source>
__device__ __forceinline__ Walk walk_of_pairs(int lines, int depth) {
    return Source::walk(lines, Source::along_depth() ? depth : depth / 2);
}

template <bool ByFour, int Quads, class Source>
__device__ __forceinline__ void fetch_pairs(typename Source::Raw (&raw)[Quads], const Source& source, const Walk& walk,
                                            int line0, int p0) {
    if (Source::along_depth()) {
        SPOS_UNROLL for (int i = 0; i < Quads; ++i) fetch<ByFour>(raw[i], source, walk, i, line0, p0);
        return;
    }
    SPOS_UNROLL for (int i = 0; i < Quads / 2; ++i) {
        if (i >= walk.count) continue;
        const int line = line0 + walk.line_of(i), p = p0 + 2 * walk.p_of(i);
        source.template read<ByFour>(raw[2 * i], line, p);
        source.template read<ByFour>(raw[2 * i + 1], line, p + 1);
    }
}

template <bool ByFour, int Quads, class Source>
__device__ __forceinline__ void place_pairs(uint32_t* panel, int stride, const typename Source::Raw (&raw)[Quads],
                                            const Source& source, const Walk& walk, int line0, int p0) {
    if (Source::along_depth()) {
        SPOS_UNROLL for (int i = 0; i < Quads; ++i) {
            if (i >= walk.count) continue;
            float values[4];
            source.template convert<ByFour>(values, raw[i], line0 + walk.line_of(i), p0 + walk.p_of(i));
            uint32_t* const target = panel + walk.p_of(i) / 2 * stride + walk.line_of(i);
            target[0] = pair_of(values[0], values[1]);
            target[stride] = pair_of(values[2], values[3]);
        }
        return;
    }
    SPOS_UNROLL for (int i = 0; i < Quads / 2; ++i) {
        if (i >= walk.count) continue;
        const int line = line0 + walk.line_of(i), p = p0 + 2 * walk.p_of(i);
        float even[4], odd[4];
        source.template convert<ByFour>(even, raw[2 * i], line, p);
        source.template convert<ByFour>(odd, raw[2 * i + 1], line, p + 1);
        uint32_t pairs[4];
        SPOS_UNROLL for (int k = 0; k < 4; ++k) pairs[k] = pair_of(even[k], odd[k]);
        store_four(panel + walk.p_of(i) * stride + walk.line_of(i), pairs);
    }
}

// Adds the products of the eight lines of a panel from `line` on. All threads of the warp take part.
__device__ __forceinline__ void multiply_pairs(WarpTileShape::Sums& sum, const uint32_t* line,
                                               const WarpTileShape& shape, int thread) {
    const int stride = shape.stride(), warp = thread / kWarpThreads, group = thread % kWarpThreads / 4;
    const int column = WarpTileShape::column_of(warp);
    line += thread % 4 * stride;
    const uint32_t* const a_line = line + WarpTileShape::row_of(warp) + 4 * group;
    const uint32_t* const b_line = line + shape.rows() + column + 2 * group;
    uint32_t first[4], last[4];
    load_four(first, a_line);
    load_four(last, a_line + 4 * stride);
    SPOS_UNROLL for (int c = 0; c < WarpTileShape::kGroups; ++c) {
        const int apart = c * WarpTileShape::kGroupsApart;
        if (column + apart >= shape.columns()) continue;
        uint32_t first_b[2], last_b[2];
        load_two(first_b, b_line + apart);
        load_two(last_b, b_line + 4 * stride + apart);
        SPOS_UNROLL for (int f = 0; f < 2; ++f) {
            const uint32_t a[4] = {first[2 * f], first[2 * f + 1], last[2 * f], last[2 * f + 1]};
            SPOS_UNROLL for (int h = 0; h < 2; ++h) {
                const uint32_t b[2] = {first_b[h], last_b[h]};
                const int i = 2 * f, j = 4 * c + h;
                float d[4] = {sum[i][j], sum[i][j + 2], sum[i + 1][j], sum[i + 1][j + 2]};
                mma_bf16(d, a, b);
                sum[i][j] = d[0];
                sum[i][j + 2] = d[1];
                sum[i + 1][j] = d[2];
                sum[i + 1][j + 2] = d[3];
            }
        }
    }
}

// As that of products of floats (device/gemm.h). Its last barrier has all threads done with the panels.
template <bool Shared, bool ByFour, class A, class B>
__device__ __forceinline__ void multiply_tile(WarpTileShape::Sums& sum, const A& a, const B& b, int i0, int j0,
                                              int begin, int end, const WarpTileShape& shape) {
    constexpr int kTerms = WarpTileShape::kTerms;
    const int depth = Shared ? shape.depth : kTerms, stride = shape.stride();
    const int threads = shape.threads(), groups = Shared ? shape.groups : 1;
    const int group = Shared ? (int)threadIdx.x / threads : 0;
    const int thread = Shared ? (int)threadIdx.x % threads : (int)threadIdx.x;
    const bool holds = (int)threadIdx.x < threads * groups;
    const Walk walk_a = walk_of_pairs<A>(shape.rows(), depth), walk_b = walk_of_pairs<B>(shape.columns(), depth);
    // What a thread moves of a panel at most, of rows as of columns.
    constexpr int kQuads = 2;
    constexpr int kMemory = Shared ? WarpTileShape::kPanelMemory : WarpTileShape::kPanelOfRows;
    uint32_t* const memory = reinterpret_cast<uint32_t*>(panel_memory<WarpTileShape>());
    clear(sum);
    // The panel before the first holds nothing: meanwhile the first one comes from memory.
    int current = 1;
    for (int p0 = begin - depth; p0 < end; p0 += depth) {
        const int next = p0 + depth;
        uint32_t* const next_panel = memory + (1 - current) * kMemory;
        typename A::Raw raw_a[kQuads];
        typename B::Raw raw_b[kQuads];
        if (next < end) {
            fetch_pairs<ByFour>(raw_a, a, walk_a, i0, next);
            fetch_pairs<ByFour>(raw_b, b, walk_b, j0, next);
        }
        if (p0 >= begin && holds) {
            const uint32_t* const panel = memory + current * kMemory + group * (kTerms / 2) * stride;
            multiply_pairs(sum, panel, shape, not_ahead(thread));
        }
        if (next < end) {
            place_pairs<ByFour>(next_panel, stride, raw_a, a, walk_a, i0, next);
            place_pairs<ByFour>(next_panel + shape.rows(), stride, raw_b, b, walk_b, j0, next);
        }
        current = 1 - current;
        __syncthreads();
    }
    if (Shared) add_groups<WarpTileShape>(sum, group, thread, threads, groups);
}
