// Rows of results kept by who takes their channels (device/places.h), for a CPU thread: every second channel goes to
// the next block, of the others every second one to the block after it, and so on, a vector at a time.
#pragma once
#include "device/lanes.h"
#include "device/places.h"
#include "host/gemm.h"
#include "host/zip.h"

namespace {

constexpr int kMostPlaced = 4096;
// Rows sorted together: of one, each step waits for the one before.
constexpr int kSortedRows = 4;

template <class T>
class PlacedRows {
 public:
    // So many values may be read or written beyond the last row in a buffer.
    static constexpr int kSlack = 2 * sizeof(Lane) / sizeof(T);

    PlacedRows(T* inputs, T* outputs, const Places& p)
        : channels_(p.channels), buffer_stride_((p.channels / 2 / kSlack + 2) * kSlack) {
        int first = p.first, left = channels_;
        // Place 0 passes by for ever.
        for (int block = 0; block < p.after && left > 0 && first + left > 1; ++block) {
            const int taken = (first + left) / 2 - first / 2;
            if (taken > 0)
                parts_[count_++] = {inputs + (int64_t)block * p.rows * p.half + first / 2, p.half, taken,
                                    first % 2 != 0};
            first = (first + 1) / 2;
            left -= taken;
        }
        parts_[count_] = {outputs + first, 2 * p.half, left, false};
    }

    PlacedRows from_row(int row) const {
        PlacedRows rest = *this;
        for (int k = 0; k <= count_; ++k) rest.parts_[k].data += row * rest.parts_[k].stride;
        return rest;
    }

    // Rows row .. row+rows-1, at most kSortedRows, which lie one after the other at `values`.
    template <class Value>
    void put(int row, int rows, const Value* values) const {
        alignas(64) Value buffers[2][kBuffer];
        if (count_ == 0) return put_rest(row, rows, values, channels_);
        put_part(0, row, rows, values, channels_, channels_, buffers[0]);
        int left = channels_ - parts_[0].count;
        for (int k = 1; k < count_; ++k) {
            put_part(k, row, rows, buffers[(k - 1) % 2], left, buffer_stride_, buffers[k % 2]);
            left -= parts_[k].count;
        }
        put_rest(row, rows, buffers[(count_ - 1) % 2], buffer_stride_);
    }

    // The reverse.
    template <class Value>
    void get(int row, int rows, Value* values) const {
        typedef typename MovedOf<Value>::Vector Vector;
        alignas(64) Value buffers[2][kBuffer];
        int there = parts_[count_].count, stride = count_ > 0 ? buffer_stride_ : channels_;
        Value* passing = count_ > 0 ? buffers[count_ % 2] : values;
        for (int r = 0; r < rows; ++r) {
            const Value* const rest = parts_[count_].data + (row + r) * parts_[count_].stride;
            // Whole vectors: what is loaded next is waiting for what was stored in one piece.
            for (int i = 0; i < there; i += Vector::width) {
                prefetch<Vector>(rest + kSortedRows * parts_[count_].stride, i, there);
                first_of<Vector>(rest + i, there - i).store(passing + r * stride + i);
            }
        }
        for (int k = count_ - 1; k >= 0; --k) {
            const Part& part = parts_[k];
            there += part.count;
            Value* const target = k > 0 ? buffers[k % 2] : values;
            const int target_stride = k > 0 ? buffer_stride_ : channels_;
            for (int r = 0; r < rows; ++r) {
                const Value* const taken = part.data + (row + r) * part.stride;
                Value* const both = target + r * target_stride;
                for (int i = 0; 2 * i < there; i += Vector::width) {
                    prefetch<Vector>(taken + kSortedRows * part.stride, i, part.count);
                    const Vector even = Vector::load(passing + r * stride + i);
                    const Vector odd = first_of<Vector>(taken + i, part.count - i);
                    const VectorPair<Vector> pair = part.begins ? zip(odd, even) : zip(even, odd);
                    pair.first.store(both + 2 * i);
                    pair.second.store(both + 2 * i + Vector::width);
                }
            }
            passing = target;
            stride = target_stride;
        }
    }

    void fetch(FetchAhead& ahead, int first, int rows) const {
        for (int k = 0; k <= count_; ++k) {
            ahead.add(parts_[k].data + first * parts_[k].stride, rows, parts_[k].stride, parts_[k].count);
        }
    }

 private:
    // A vector of which there are `count` values, and zeros after them.
    template <class Vector, class Value>
    static __forceinline__ Vector first_of(const Value* p, int count) {
        if (count >= Vector::width) return Vector::load(p);
        return count > 0 ? Vector::load(p, count) : Vector(decltype(Vector::v){});
    }
    template <class Vector, class Value>
    static __forceinline__ void store_first(Value* p, Vector values, int count) {
        if (count >= Vector::width) {
            values.store(p);
        } else if (count > 0) {
            values.store(p, count);
        }
    }

    // The lines of a vector from value i on, of a row of `count`.
    template <class Vector, class Value>
    static __forceinline__ void prefetch(const Value* row, int i, int count) {
        if (i == 0) Lane::prefetch(row);
        Lane::prefetch(row + min(i + Vector::width, count) - 1);
    }

    // Stores those of part k of the `left` values of each row, and hands on the others.
    template <class Value>
    __forceinline__ void put_part(int k, int row, int rows, const Value* values, int left, int stride,
                                  Value* passing) const {
        typedef typename MovedOf<Value>::Vector Vector;
        const Part& part = parts_[k];
        for (int r = 0; r < rows; ++r) {
            Value* const taken = part.data + (row + r) * part.stride;
            const Value* const both = values + r * stride;
            for (int i = 0; 2 * i < left; i += Vector::width) {
                prefetch<Vector>(taken + kSortedRows * part.stride, i, part.count);
                const VectorPair<Vector> pair =
                    unzip(Vector::load(both + 2 * i), Vector::load(both + 2 * i + Vector::width));
                (part.begins ? pair.second : pair.first).store(passing + r * buffer_stride_ + i);
                store_first(taken + i, part.begins ? pair.first : pair.second, part.count - i);
            }
        }
    }

    // Stores those that are left in the end.
    template <class Value>
    __forceinline__ void put_rest(int row, int rows, const Value* values, int stride) const {
        typedef typename MovedOf<Value>::Vector Vector;
        const Part& part = parts_[count_];
        for (int r = 0; r < rows; ++r) {
            Value* const rest = part.data + (row + r) * part.stride;
            for (int i = 0; i < part.count; i += Vector::width) {
                prefetch<Vector>(rest + kSortedRows * part.stride, i, part.count);
                store_first(rest + i, Vector::load(values + r * stride + i), part.count - i);
            }
        }
    }

    // Of a row's places those that are odd so far, at last those that are left.
    struct Part {
        T* data;
        int64_t stride;
        int count;
        bool begins;  // whether the first of all is one of them
    };

    static constexpr int kBuffer = kSortedRows * (kMostPlaced / 2 + 2 * kSlack);

    int channels_, buffer_stride_, count_ = 0;
    Part parts_[16];
};

}  // namespace
