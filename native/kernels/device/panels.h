// Panels of matrices on their way from memory to a block's shared memory, for device/gemm.h: some lines along the depth
// p, each with a tile's rows of A and then its columns of B. Of bf16 a line has the values of two neighbouring p, in
// pairs.
//
// Threads move quads, four values that are neighbours in memory. A source says which quads are a thread's (`Walk`),
// reads them (`Raw`), and turns what was read into the values of the panel:
//
//   along_depth()                          whether a quad's values follow each other along p, or along the lines
//   walk(lines, depth)                     the thread's quads of a panel of so many lines
//   is_by_four()                           whether all quads are whole and aligned
//   read<ByFour>(raw, line, p)             from memory; ByFour only if is_by_four()
//   convert<ByFour>(values, raw, line, p)  zeros for what is beyond the depth; where lines are beyond the matrix, any
//                                          values
#pragma once
#include "device/lanes.h"
#include "device/tiles.h"

// What products with values of V take a float as.
template <class V>
__device__ __forceinline__ float as_operand(float value);
template <>
__device__ __forceinline__ float as_operand<float>(float value) {
    return value;
}
template <>
__device__ __forceinline__ float as_operand<Bf16>(float value) {
    return widened(rounded(value));
}

// A float that a product takes rounded to bf16.
struct AsBf16 {
    float value;
};

// Two values of bf16, the even one in the lower half.
__device__ __forceinline__ uint32_t pair_of(Bf16 even, Bf16 odd) { return even.bits | (uint32_t)odd.bits << 16; }
// The same of floats that are values of bf16.
__device__ __forceinline__ uint32_t pair_of(float even, float odd) {
    return __float_as_uint(even) >> 16 | (__float_as_uint(odd) & 0xFFFF0000);
}

// Four values as they lie in memory: until they are needed they take no more registers than that.
template <class T>
struct Quad {
    float values[4];
};
template <>
struct Quad<Bf16> {
    uint32_t pairs[2];
};

__device__ __forceinline__ void widen(float (&values)[4], const Quad<float>& quad) {
    SPOS_UNROLL for (int k = 0; k < 4; ++k) values[k] = quad.values[k];
}
__device__ __forceinline__ void widen(float (&values)[4], const Quad<Bf16>& quad) {
    SPOS_UNROLL for (int k = 0; k < 4; ++k) {
        values[k] = __uint_as_float(k % 2 == 0 ? quad.pairs[k / 2] << 16 : quad.pairs[k / 2] & 0xFFFF0000);
    }
}
__device__ __forceinline__ void widen(float (&values)[4], const Quad<AsBf16>& quad) {
    SPOS_UNROLL for (int k = 0; k < 4; ++k) values[k] = as_operand<Bf16>(quad.values[k]);
}

// Four of them in one access.
__device__ __forceinline__ void load_whole(Quad<float>& target, const float* p) { load_four(target.values, p); }
__device__ __forceinline__ void load_whole(Quad<Bf16>& target, const Bf16* p) {
    load_two(target.pairs, reinterpret_cast<const uint32_t*>(p));
}
__device__ __forceinline__ void load_whole(Quad<AsBf16>& target, const AsBf16* p) {
    load_four(target.values, &p->value);
}

// Zeros for those from `count` on.
template <class T>
__device__ __forceinline__ void load_each(Quad<T>& target, const T* p, int step, int count) {
    SPOS_UNROLL for (int k = 0; k < 4; ++k) {
        target.values[k] = k < count ? *reinterpret_cast<const float*>(p + k * step) : 0.0f;
    }
}
__device__ __forceinline__ void load_each(Quad<Bf16>& target, const Bf16* p, int step, int count) {
    Bf16 values[4];
    SPOS_UNROLL for (int k = 0; k < 4; ++k) values[k] = k < count ? p[k * step] : Bf16{0};
    SPOS_UNROLL for (int k = 0; k < 2; ++k) target.pairs[k] = pair_of(values[2 * k], values[2 * k + 1]);
}

__device__ __forceinline__ void store_one(float* p, float value) { *p = value; }
__device__ __forceinline__ void store_one(Bf16* p, float value) { *p = rounded(value); }
__device__ __forceinline__ void store_whole(float* p, const float (&values)[4]) { store_four(p, values); }
__device__ __forceinline__ void store_whole(Bf16* p, const float (&values)[4]) {
    uint32_t pairs[2];
    SPOS_UNROLL for (int k = 0; k < 2; ++k) pairs[k] = pair_of(rounded(values[2 * k]), rounded(values[2 * k + 1]));
    store_two(reinterpret_cast<uint32_t*>(p), pairs);
}

// Whether four values from p on can be one access.
template <class T>
__device__ __forceinline__ bool is_aligned(const T* p) {
    return (uint64_t)p % (4 * sizeof(T)) == 0;
}

// `count` of four values `step` apart, zeros for the others; at once if `by_four` says that they lie together, aligned,
// and `count` is 4 or not positive.
template <class T>
__device__ __forceinline__ void load_quad(Quad<T>& target, const T* p, int step, int count, bool by_four) {
    if (by_four) {
        target = {};
        if (count > 0) load_whole(target, p);
        return;
    }
    load_each(target, p, step, count);
}
template <class T>
__device__ __forceinline__ void load_quad(float (&target)[4], const T* p, int step, int count, bool by_four) {
    Quad<T> quad;
    load_quad(quad, p, step, count, by_four);
    widen(target, quad);
}

template <class T>
__device__ __forceinline__ void store_quad(T* p, const float (&values)[4], int count, bool by_four) {
    if (by_four) {
        if (count > 0) store_whole(p, values);
        return;
    }
    SPOS_UNROLL for (int k = 0; k < 4; ++k) {
        if (k < count) store_one(p + k, values[k]);
    }
}

// A thread's quads of a panel: the first, how far it is from each to the next, pass by pass, and how many there are.
struct Walk {
    int line, p, line_step, p_step, count;

    // Made where they are needed: those of all passes would take registers that there are not.
    __device__ __forceinline__ int line_of(int pass) const { return not_ahead(line) + pass * line_step; }
    __device__ __forceinline__ int p_of(int pass) const { return not_ahead(p) + pass * p_step; }
};

// Neighbouring threads take neighbouring quads of memory. Where quads do not lie along p, a thread keeps its line.
__device__ __forceinline__ Walk walk_down(int line, int p, int line_step, int lines) {
    return {line, p, line_step, 0, (lines - line + line_step - 1) / line_step};
}
__device__ __forceinline__ Walk walk_across(int line, int p, int p_step, int depth, bool takes_part) {
    return {line, p, 0, p_step, takes_part ? (depth - p + p_step - 1) / p_step : 0};
}
__device__ __forceinline__ Walk walk_along_depth(int lines, int depth) {
    const int quads = depth / 4, thread = not_ahead((int)threadIdx.x);
    return walk_down(thread / quads, thread % quads * 4, kMostThreads / quads, lines);
}
__device__ __forceinline__ Walk walk_along_lines(int lines, int depth) {
    const int quads = lines / 4, rows = kMostThreads / quads, thread = not_ahead((int)threadIdx.x);
    return walk_across(thread % quads * 4, thread / quads, rows, depth, thread < quads * rows);
}

// The thread's quad of a pass over the panel that begins at (line0, p0).
template <bool ByFour, class Source>
__device__ __forceinline__ void fetch(typename Source::Raw& raw, const Source& source, const Walk& walk, int pass,
                                      int line0, int p0) {
    if (pass < walk.count) source.template read<ByFour>(raw, line0 + walk.line_of(pass), p0 + walk.p_of(pass));
}

// Writes it to the panel, whose lines along p are `stride` apart.
template <bool ByFour, class Source>
__device__ __forceinline__ void place(float* panel, int stride, const typename Source::Raw& raw, const Source& source,
                                      const Walk& walk, int pass, int line0, int p0) {
    if (pass >= walk.count) return;
    float values[4];
    source.template convert<ByFour>(values, raw, line0 + walk.line_of(pass), p0 + walk.p_of(pass));
    float* const target = panel + walk.p_of(pass) * stride + walk.line_of(pass);
    if (Source::along_depth()) {
        SPOS_UNROLL for (int i = 0; i < 4; ++i) target[i * stride] = values[i];
    } else {
        store_four(target, values);
    }
}

// Element (a, b) of a matrix is at data[a * stride_a + b * stride_b].
template <class T>
struct MatrixOf {
    const T* data;
    int64_t stride_a, stride_b;
};
typedef MatrixOf<float> MatrixView;

// Weights as products with values of V take them.
template <class V>
struct OperandType {
    typedef float Type;
};
template <>
struct OperandType<Bf16> {
    typedef AsBf16 Type;
};
template <class V>
__device__ __forceinline__ auto weights_as_operands(MatrixView weights) {
    typedef typename OperandType<V>::Type Type;
    return MatrixOf<Type>{reinterpret_cast<const Type*>(weights.data), weights.stride_a, weights.stride_b};
}

// Lines of a matrix as it is, whose values lie together along p, or else from line to line. Along p they may be
// `stride` apart.
template <bool AlongDepth, class T>
struct MatrixLines {
    typedef Quad<T> Raw;

    const T* data;
    int stride_line, stride_p, lines, depth;

    __device__ __forceinline__ static constexpr bool along_depth() { return AlongDepth; }
    __device__ __forceinline__ static Walk walk(int tile_lines, int panel_depth) {
        return AlongDepth ? walk_along_depth(tile_lines, panel_depth) : walk_along_lines(tile_lines, panel_depth);
    }
    __device__ __forceinline__ bool is_by_four() const {
        return is_aligned(data) && (AlongDepth ? stride_p == 1 && stride_line % 4 == 0 && depth % 4 == 0
                                               : stride_p % 4 == 0 && lines % 4 == 0);
    }
    template <bool ByFour>
    __device__ __forceinline__ void read(Raw& raw, int line, int p) const {
        if (ByFour) line = min(line, AlongDepth ? lines - 1 : lines - 4);
        const bool there = line < lines && p < depth;
        load_quad(raw, data + ((int64_t)line * stride_line + (int64_t)p * stride_p), AlongDepth ? stride_p : 1,
                  there ? (AlongDepth ? depth - p : lines - line) : 0, ByFour);
    }
    template <bool>
    __device__ __forceinline__ void convert(float (&values)[4], const Raw& raw, int, int) const {
        widen(values, raw);
    }
};

// ByRow: whether the rows' values lie together, or the columns'.
template <bool ByRow, class T>
__device__ __forceinline__ MatrixLines<ByRow, T> rows_of(MatrixOf<T> a, int rows, int depth) {
    return {a.data, ByRow ? (int)a.stride_a : 1, (int)a.stride_b, rows, depth};
}
template <bool ByRow, class T>
__device__ __forceinline__ MatrixLines<!ByRow, T> columns_of(MatrixOf<T> b, int columns, int depth) {
    return {b.data, ByRow ? 1 : (int)b.stride_b, ByRow ? (int)b.stride_a : 1, columns, depth};
}

// Lines of what a view makes of its rows on load. A view has its own Raw, and
//
//   kDownRows                                   whether a quad is of one channel of four rows, or of four of one row
//   is_by_four()                                whether rows are whole quads, aligned; of quads down rows no matter
//   read<ByFour>(raw, row, channel, count)      `count` of a quad's four values
//   convert<ByFour>(values, raw, row, channel, count)   what they become
//
// AreRows: whether the lines are the view's rows, or its channels; the other is the depth.
template <class View, bool AreRows>
struct ViewLines {
    typedef typename View::Raw Raw;
    View view;
    int rows, channels;

    __device__ __forceinline__ static constexpr bool along_depth() { return AreRows != View::kDownRows; }
    // Neighbouring threads take neighbouring channels.
    __device__ __forceinline__ static Walk walk(int tile_lines, int panel_depth) {
        if (!View::kDownRows) {
            return AreRows ? walk_along_depth(tile_lines, panel_depth) : walk_along_lines(tile_lines, panel_depth);
        }
        const int thread = not_ahead((int)threadIdx.x);
        if (AreRows) {
            return walk_down(thread / panel_depth * 4, thread % panel_depth, kMostThreads / panel_depth * 4,
                             tile_lines);
        }
        const int quads = kMostThreads / tile_lines;
        return walk_across(thread % tile_lines, thread / tile_lines * 4, quads * 4, panel_depth,
                           thread < tile_lines * quads);
    }
    __device__ __forceinline__ bool is_by_four() const { return view.is_by_four(); }
    template <bool ByFour>
    __device__ __forceinline__ void read(Raw& raw, int line, int p) const {
        const Place at = place<ByFour>(line, p);
        view.template read<ByFour>(raw, at.row, at.channel, at.count);
    }
    template <bool ByFour>
    __device__ __forceinline__ void convert(float (&values)[4], const Raw& raw, int line, int p) const {
        const Place at = place<ByFour>(line, p);
        view.template convert<ByFour>(values, raw, at.row, at.channel, at.count);
    }

 private:
    struct Place {
        int row, channel, count;
    };

    template <bool ByFour>
    __device__ __forceinline__ Place place(int line, int p) const {
        if (ByFour && !View::kDownRows) {
            if (AreRows) return {min(line, rows - 1), p, channels - p};
            return {p, min(line, channels - 4), rows - p};
        }
        const int row = AreRows ? line : p, channel = AreRows ? p : line;
        if (row >= rows || channel >= channels) return {row, channel, 0};
        return {row, channel, View::kDownRows ? rows - row : channels - channel};
    }
};
