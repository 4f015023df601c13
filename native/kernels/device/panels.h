// Panels of matrices on their way from memory to a block's shared memory, for device/gemm.h: kPanelDepth lines of a
// tile's rows of A, and of its columns of B.
//
// Threads move quads, four values that are neighbours in memory. A source says where in a panel the quads lie, reads
// them (`Raw`), and turns what was read into the values of the panel:
//
//   along_depth()                   whether a quad's values follow each other along p, or along the panel's lines
//   quad<Most>(e)                   the place of quad e of a panel of at most `Most` lines
//   read(raw, line, p)              from memory
//   convert(values, raw, line, p)   zeros for what is beyond the matrix
#pragma once
#include "device/lanes.h"

constexpr int kPanelDepth = 8;
constexpr int kMostRows = 256;
constexpr int kMostColumns = 128;
// Four more than a multiple of the 32 banks: a quad along p is written without conflicts, one along the lines is
// aligned.
constexpr int kMoreThanBanks = 4;
constexpr int kRowStride = kMostRows + kMoreThanBanks;
constexpr int kColumnStride = kMostColumns + kMoreThanBanks;
constexpr int kRowPanel = kPanelDepth * kRowStride;
constexpr int kPanels = kRowPanel + kPanelDepth * kColumnStride;
// Quads of a panel of rows that a thread moves. Of a panel of columns it moves one.
constexpr int kParts = kMostRows * kPanelDepth / 4 / kMostThreads;
static_assert(kMostColumns * kPanelDepth / 4 <= kMostThreads, "a thread moves a quad of columns");

// Two panels of rows and two of columns. One memory for all products of a kernel.
__device__ __forceinline__ float* panel_memory() {
    SPOS_SHARED(float, panels, 2 * kPanels);
    return panels;
}

__device__ __forceinline__ bool is_aligned(const float* p) { return (uint64_t)p % 16 == 0; }

// `count` of four values `step` apart, zeros for the others; at once if `by_four` says that they lie together, aligned,
// and `count` is a multiple of 4.
__device__ __forceinline__ void load_quad(float (&target)[4], const float* p, int step, int count, bool by_four) {
    if (by_four && count > 0) {
        load_four(target, p);
        return;
    }
    SPOS_UNROLL for (int k = 0; k < 4; ++k) target[k] = k < count ? p[k * step] : 0.0f;
}

__device__ __forceinline__ void store_quad(float* p, const float (&values)[4], int count, bool by_four) {
    if (by_four && count > 0) {
        store_four(p, values);
        return;
    }
    SPOS_UNROLL for (int k = 0; k < 4; ++k) {
        if (k < count) p[k] = values[k];
    }
}

// The place of a quad in a panel.
struct Quad {
    int line, p;
};

// Neighbouring threads take neighbouring quads of memory.
__device__ __forceinline__ Quad quad_along_depth(int e) { return {e / (kPanelDepth / 4), e % (kPanelDepth / 4) * 4}; }
template <int Most>
__device__ __forceinline__ Quad quad_along_lines(int e) {
    return {e % (Most / 4) * 4, e / (Most / 4)};
}

// The thread's quad `part` of the panel of `lines` lines that begins at (line0, p0).
template <int Most, class Source>
__device__ __forceinline__ void fetch(typename Source::Raw& raw, const Source& source, int part, int line0, int p0,
                                      int lines) {
    const int e = not_ahead((int)threadIdx.x) + part * kMostThreads;
    const Quad quad = Source::template quad<Most>(e);
    if (quad.line >= lines) return;
    source.read(raw, line0 + quad.line, p0 + quad.p);
}

// Writes it to the panel. Line `lines / 2` and those after lie from Most / 2 on, wherever a tile ends.
template <int Most, class Source>
__device__ __forceinline__ void place(float* panel, const typename Source::Raw& raw, const Source& source, int part,
                                      int line0, int p0, int lines) {
    const int e = not_ahead((int)threadIdx.x) + part * kMostThreads;
    const Quad quad = Source::template quad<Most>(e);
    if (quad.line >= lines) return;
    float values[4];
    source.convert(values, raw, line0 + quad.line, p0 + quad.p);
    constexpr int kStride = Most + kMoreThanBanks;
    float* const target = panel + quad.p * kStride + quad.line + (quad.line < lines / 2 ? 0 : Most / 2 - lines / 2);
    if (Source::along_depth()) {
        SPOS_UNROLL for (int i = 0; i < 4; ++i) target[i * kStride] = values[i];
    } else {
        store_four(target, values);
    }
}

// Element (a, b) of a matrix is at data[a * stride_a + b * stride_b].
struct MatrixView {
    const float* data;
    int64_t stride_a, stride_b;
};

// Lines of a matrix as it is, whose values lie together along p, or else from line to line. Along p they may be
// `stride` apart.
template <bool AlongDepth>
struct MatrixLines {
    struct Raw {
        float values[4];
    };

    const float* data;
    int stride_line, stride_p, lines, depth;

    __device__ __forceinline__ static constexpr bool along_depth() { return AlongDepth; }
    template <int Most>
    __device__ __forceinline__ static Quad quad(int e) {
        return AlongDepth ? quad_along_depth(e) : quad_along_lines<Most>(e);
    }
    __device__ __forceinline__ void read(Raw& raw, int line, int p) const {
        const bool there = line < lines && p < depth;
        const bool by_four =
            AlongDepth ? stride_p == 1 && stride_line % 4 == 0 && depth % 4 == 0 : stride_p % 4 == 0 && lines % 4 == 0;
        load_quad(raw.values, data + ((int64_t)line * stride_line + (int64_t)p * stride_p), AlongDepth ? stride_p : 1,
                  there ? (AlongDepth ? depth - p : lines - line) : 0, by_four && is_aligned(data));
    }
    __device__ __forceinline__ void convert(float (&values)[4], const Raw& raw, int, int) const {
        SPOS_UNROLL for (int i = 0; i < 4; ++i) values[i] = raw.values[i];
    }
};

// ByRow: whether the rows' values lie together, or the columns'.
template <bool ByRow>
__device__ __forceinline__ MatrixLines<ByRow> rows_of(MatrixView a, int rows, int depth) {
    return {a.data, ByRow ? (int)a.stride_a : 1, (int)a.stride_b, rows, depth};
}
template <bool ByRow>
__device__ __forceinline__ MatrixLines<!ByRow> columns_of(MatrixView b, int columns, int depth) {
    return {b.data, ByRow ? 1 : (int)b.stride_b, ByRow ? (int)b.stride_a : 1, columns, depth};
}

// Lines of what a view makes of its rows on load. A view has its own Raw, and
//
//   kDownRows                                   whether a quad is of one channel of four rows, or of four of one row
//   read(raw, row, channel, count)              `count` of a quad's four values
//   convert(values, raw, row, channel, count)   what they become
//
// AreRows: whether the lines are the view's rows, or its channels; the other is the depth.
template <class View, bool AreRows>
struct ViewLines {
    typedef typename View::Raw Raw;
    View view;
    int rows, channels;

    __device__ __forceinline__ static constexpr bool along_depth() { return AreRows != View::kDownRows; }
    // Neighbouring threads take neighbouring channels.
    template <int Most>
    __device__ __forceinline__ static Quad quad(int e) {
        if (!View::kDownRows) return AreRows ? quad_along_depth(e) : quad_along_lines<Most>(e);
        if (AreRows) return {e / kPanelDepth * 4, e % kPanelDepth};
        return {e % Most, e / Most * 4};
    }
    __device__ __forceinline__ void read(Raw& raw, int line, int p) const {
        const int row = AreRows ? line : p, channel = AreRows ? p : line;
        view.read(raw, row, channel, count(row, channel));
    }
    __device__ __forceinline__ void convert(float (&values)[4], const Raw& raw, int line, int p) const {
        const int row = AreRows ? line : p, channel = AreRows ? p : line;
        view.convert(values, raw, row, channel, count(row, channel));
    }

 private:
    __device__ __forceinline__ int count(int row, int channel) const {
        if (row >= rows || channel >= channels) return 0;
        return View::kDownRows ? rows - row : channels - channel;
    }
};
