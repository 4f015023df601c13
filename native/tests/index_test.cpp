// Indices beyond 32 bits. Each kernel runs where its arrays have more than 2^32 values, and about as many rows as a
// batch may have: a few of its blocks, the last one among them, with arithmetic that tells when it overflows and memory
// in which a wrong address is nobody's. What the last block makes must be, to the bit, what it makes of the same values
// in a small array: so an index that wraps unsigned, or is cut by a cast, is found as well.
//
// Arrays grow by units: what a block works on. The last unit of each input holds random values, all others zeros.
#include <algorithm>
#include <cstring>
#include <functional>
#include <random>
#include <set>

#include "driver.h"
#include "index_target.h"

namespace {

using std::max;
using std::min;

// Arguments of a launch and, once they are bound, their values.
class Arguments {
 public:
    // The bytes of a value of the inputs, results and workspaces that follow: floats, or bf16.
    Arguments& of(size_t size) {
        size_ = size;
        return *this;
    }
    // Arrays that grow: so many values a unit. A segment is such an array of several one after the other.
    Arguments& input(size_t a_unit, size_t segments = 1) { return array({a_unit, segments, true, false, 0, size_}); }
    Arguments& result(size_t a_unit, size_t segments = 1) { return array({a_unit, segments, false, true, 0, size_}); }
    Arguments& in_place(size_t a_unit) { return array({a_unit, 1, true, true}); }
    // A result of which only the last values are compared.
    Arguments& last_of_result(size_t a_unit, size_t compared) {
        return array({a_unit, 1, false, true, 0, sizeof(float), compared});
    }
    Arguments& workspace(size_t a_unit) { return array({a_unit, 1, false, false, 0, size_}); }
    // One that does not grow.
    Arguments& weights(size_t count) { return array({0, 1, true, false, count}); }
    Arguments& null() { return add(Value{8}); }
    // Whole numbers below `below`.
    Arguments& numbers(size_t a_unit, int below) {
        Array made{a_unit, 1, true, false};
        made.below = below;
        return array(made);
    }
    Arguments& number_results(size_t a_unit) { return result(a_unit); }
    // Records that grow, of the last unit only, or of all, which then are few; `make` gets their place in that.
    template <class Record>
    Arguments& last_records(size_t a_unit, std::function<Record(size_t)> make, bool compared = false) {
        Array made{a_unit, 1, true, compared, 0, sizeof(Record)};
        made.make = writer(make);
        return array(made);
    }
    template <class Record>
    Arguments& all_records(size_t a_unit, std::function<Record(size_t)> make) {
        Array made{a_unit, 1, true, false, 0, sizeof(Record)};
        made.make = writer(make);
        made.all = true;
        return array(made);
    }
    // As many as there are, whatever the units.
    template <class Record>
    Arguments& table(size_t count, std::function<Record(size_t)> make) {
        Array made{0, 1, true, false, count, sizeof(Record)};
        made.make = writer(make);
        return array(made);
    }
    Arguments& last_of_result_bytes(size_t a_unit, size_t compared) {
        return array({a_unit, 1, false, true, 0, 1, compared});
    }
    Arguments& i(long value) {
        Value made{4};
        made.bits = static_cast<uint32_t>(static_cast<int32_t>(value));
        return add(made);
    }
    Arguments& l(long value) {
        Value made{8};
        made.bits = static_cast<uint64_t>(value);
        return add(made);
    }
    Arguments& f(float value) {
        Value made{4};
        std::memcpy(&made.bits, &value, sizeof value);
        return add(made);
    }

    std::vector<int> sizes() const {
        std::vector<int> sizes;
        for (const Value& value : values_) sizes.push_back(value.size);
        return sizes;
    }

    // Allocates and fills the arrays.
    std::vector<void*> bind(Target& target, size_t units) {
        std::mt19937 random(1);
        std::vector<void*> parameters;
        for (Value& value : values_) {
            if (value.array) {
                value.bits = target.allocate(value.array->count(units) * value.array->size);
                fill(target, *value.array, value.bits, units, random);
            }
            parameters.push_back(&value.bits);
        }
        return parameters;
    }

    // The last unit of each result, or the last `most` values of it, one after the other.
    std::vector<uint8_t> results(Target& target, size_t units, size_t most) const {
        std::vector<uint8_t> all;
        for (const Value& value : values_) {
            if (!value.array || !value.array->compared) continue;
            const Array& array = *value.array;
            const size_t values = array.compared_values ? array.compared_values : array.a_unit;
            const size_t count = min(values, most) * array.size;
            for (size_t s = 1; s <= array.segments; ++s) {
                all.resize(all.size() + count);
                target.read(all.data() + all.size() - count, value.bits + s * units * array.a_unit * array.size - count,
                            count);
            }
        }
        return all;
    }

    // Values of the largest array.
    size_t most(size_t units) const {
        size_t most = 0;
        for (const Value& value : values_) {
            if (value.array) most = max(most, value.array->count(units));
        }
        return most;
    }

 private:
    struct Array {
        size_t a_unit, segments;
        bool filled, compared;
        size_t fixed = 0, size = sizeof(float), compared_values = 0;
        int below = 0;
        bool all = false;
        std::function<void(size_t, void*)> make = {};

        size_t count(size_t units) const { return fixed != 0 ? fixed : a_unit * segments * units; }
    };
    struct Value {
        int size;
        uint64_t bits = 0;
        std::shared_ptr<Array> array = {};
    };

    Arguments& add(const Value& value) {
        values_.push_back(value);
        return *this;
    }
    Arguments& array(const Array& array) {
        Value made{8};
        made.array = std::make_shared<Array>(array);
        return add(made);
    }

    template <class Record>
    static std::function<void(size_t, void*)> writer(const std::function<Record(size_t)>& make) {
        return [make](size_t i, void* target) {
            const Record record = make(i);
            std::memcpy(target, &record, sizeof record);
        };
    }

    static void fill(Target& target, const Array& array, uint64_t address, size_t units, std::mt19937& random) {
        if (!array.filled) return;
        const size_t segment = array.count(units) / array.segments;
        const size_t count = array.fixed != 0 || array.all ? segment : array.a_unit;
        for (size_t s = 1; s <= array.segments; ++s) {
            const size_t first = s * segment - count;
            std::vector<uint8_t> values(count * array.size);
            for (size_t i = 0; i < count; ++i) {
                const float value = static_cast<float>(random() % 2048) / 1024.0f - 1.0f;
                const int number = static_cast<int>(value * 1024.0f) + 1024;
                void* const at = &values[i * array.size];
                if (array.make) {
                    array.make(array.all ? first + i : i, at);
                } else if (array.below > 0) {
                    const int below = number % array.below;
                    std::memcpy(at, &below, sizeof below);
                } else if (array.size == sizeof value) {
                    std::memcpy(at, &value, sizeof value);
                } else {
                    // Its upper half, as bf16 is.
                    std::memcpy(at, reinterpret_cast<const uint8_t*>(&value) + sizeof value - array.size, array.size);
                }
            }
            target.write(address + first * array.size, values.data(), values.size());
        }
    }

    std::vector<Value> values_;
    size_t size_ = sizeof(float);
};

struct Launch {
    Arguments arguments;
    Grid grid, block;
};

struct Case {
    std::string kernel;
    // How many units the large arrays have, and the small ones.
    size_t large, small;
    std::function<Launch(bool gpu, long units)> make;
    // How many of a unit's values the last block makes, as far as is known.
    size_t compared = SIZE_MAX;
};

constexpr unsigned kThreads = 256;
// As many rows as a batch may have (Spos.Engine.Tensors.Shape.Rows).
constexpr size_t kMostRows = size_t{1} << 30;

// A unit a block.
Launch blocks(bool gpu, long units, Arguments arguments) {
    return {std::move(arguments), {static_cast<unsigned>(units), 1}, {gpu ? kThreads : 1, 1}};
}

// A unit a slice, as LaunchGrid.OfSlices has them: on a GPU a block takes some of the channels.
constexpr unsigned kMostSlices = 65535, kTileChannels = 16;

Launch slices(bool gpu, long units, long channels, Arguments arguments) {
    if (!gpu) return blocks(false, units, std::move(arguments));
    const unsigned tiles = (static_cast<unsigned>(channels) + kTileChannels - 1) / kTileChannels;
    return {std::move(arguments), {tiles, static_cast<unsigned>(units)}, {kTileChannels, kThreads / kTileChannels}};
}

using A = Arguments;

constexpr size_t kBytesOfBf16 = 2;

// A type of elements that there are kernels for, as their names end, and the bytes of a value.
struct Element {
    std::string suffix;
    size_t size;
};

// ---- rows -------------------------------------------------------------------------------------------------------
constexpr size_t kRows = 64, kChannels = 65 * kTileChannels, kValues = kRows * kChannels;

Case rows(const std::string& kernel, const std::function<A(long rows)>& arguments) {
    return {kernel, kMostSlices, 3,
            [=](bool gpu, long units) { return slices(gpu, units, kChannels, arguments(units * long{kRows})); },
            kTileChannels};
}

// ---- flat arrays ------------------------------------------------------------------------------------------------
constexpr size_t kFlat = 64;

Case flat(const std::string& kernel, const std::function<A(long length)>& arguments) {
    return {kernel, (size_t{1} << 26) + 1, 3,
            [=](bool gpu, long units) { return blocks(gpu, units, arguments(units * long{kFlat})); }};
}

// ---- products ---------------------------------------------------------------------------------------------------
constexpr long kBlockRows = 256, kIn = 6, kOut = 5;

// Columns of packed weights.
constexpr long kPacked = 16;

Case products(const std::string& kernel, const std::function<A(long rows)>& arguments) {
    return {kernel, kMostRows / kBlockRows, 3,
            [=](bool gpu, long units) { return blocks(gpu, units, arguments(units * kBlockRows)); }};
}

// On a GPU the weights' gradients have blocks of their own, before the others.
Case backward_products(const std::string& kernel, const std::function<A(long rows)>& arguments) {
    return {kernel, kMostRows / kBlockRows, 3,
            [=](bool gpu, long units) { return blocks(gpu, gpu ? 2 * units : units, arguments(units * kBlockRows)); }};
}

// Where results of a branch's end lie: two blocks after, whose inputs have kHalf channels.
constexpr long kHalf = 4, kPlaced = 6, kFirstPlace = 2, kAfter = 2;

// ---- convolutions -----------------------------------------------------------------------------------------------
struct Images {
    long units, side, stride, channels;
    long out() const { return (side - 1) / stride + 1; }
    long in_values() const { return side * side * channels; }
    long out_values() const { return out() * out() * channels; }
    A& sizes(A& a) const { return a.i(units).i(side).i(side).i(out()).i(out()).i(channels); }
};

Case images(const std::string& kernel, long stride, const std::function<A(const Images&)>& arguments) {
    return {kernel, kMostSlices, 3,
            [=](bool gpu, long units) {
                return slices(gpu, units, kChannels, arguments({units, 8 * stride, stride, kChannels}));
            },
            kTileChannels};
}

std::vector<Case> row_cases() {
    const size_t c = kChannels, v = kValues, r = kRows;
    return {
        rows("batch_norm_statistics", [=](long n) { return A().result(2 * c).input(v).i(n).i(c).i(r); }),
        rows(
            "batch_norm_backward_apply",
            [=](long n) {
                return A().result(v).input(v).input(v).weights(c).weights(c).weights(c).weights(3 * c).i(n).i(c).i(1).i(
                    r);
            }),
        // A slice is an image.
        rows("channel_scale_forward",
             [=](long n) { return A().result(v).input(v).input(c).i(n / long{kRows}).i(r).i(c).i(r); }),
        rows("channel_scale_backward",
             [=](long n) {
                 return A().result(v).result(c).input(v).input(v).input(c).i(n / long{kRows}).i(r).i(c).i(r);
             }),
        rows("channel_merge", [=](long n) { return A().result(2 * v).input(v).input(v).i(n).i(c).i(r); }),
        rows("channel_concat", [=](long n) { return A().result(2 * v).input(v).input(v).i(n).i(c).i(c).i(r); }),
        rows("channel_cut", [=](long n) { return A().result(v).result(v).input(2 * v).i(n).i(c).i(c).i(r); }),
        rows("channel_lead", [=](long n) { return A().result(v).input(v).i(n).i(c).i(c).i(r); }),
        rows("channel_lead_add", [=](long n) { return A().in_place(v).input(v).i(n).i(c).i(c).i(r); }),
    };
}

std::vector<Case> flat_cases() {
    const size_t n = kFlat;
    return {
        flat("moving_average", [=](long l) { return A().in_place(n).input(n).l(l).f(0.25f).i(n); }),
        flat("convert_to_bf16",
             [=](long l) { return A().of(kBytesOfBf16).result(n).of(sizeof(float)).input(n).l(l).i(n); }),
        flat("convert_to_floats", [=](long l) { return A().result(n).of(kBytesOfBf16).input(n).l(l).i(n); }),
        flat("relu_forward", [=](long l) { return A().result(n).input(n).l(l).i(n); }),
        flat("relu_backward", [=](long l) { return A().result(n).input(n).input(n).l(l).i(n); }),
        flat("hard_swish_forward", [=](long l) { return A().result(n).input(n).l(l).i(n); }),
        flat("hard_swish_backward", [=](long l) { return A().result(n).input(n).input(n).l(l).i(n); }),
        flat("hard_sigmoid_forward", [=](long l) { return A().result(n).input(n).l(l).i(n); }),
        flat("hard_sigmoid_backward", [=](long l) { return A().result(n).input(n).input(n).l(l).i(n); }),
        flat("sgd_momentum",
             [=](long l) { return A().in_place(n).in_place(n).input(n).l(l).f(0.1f).f(0.9f).f(0.01f).f(1).i(n); }),
        flat("peak_copy", [=](long l) { return A().result(n).input(n).l(l).i(n); }),
    };
}

std::vector<Case> product_cases() {
    const size_t r = kBlockRows, in = kIn, out = kOut;
    return {
        products("pointwise_forward",
                 [=](long n) { return A().result(r * out).input(r * in).weights(in * out).i(n).i(in).i(out).i(r); }),
        products("pointwise_backward_data",
                 [=](long n) { return A().result(r * in).input(r * out).weights(in * out).i(n).i(in).i(out).i(r); }),
        products("pointwise_backward_weights",
                 [=](long n) { return A().result(in * out).input(r * out).input(r * in).i(n).i(in).i(out).i(r); }),
    };
}

std::string family(const std::string& pass, long k, long s) {
    return pass + "_k" + std::to_string(k) + "_s" + std::to_string(s);
}

std::vector<Case> depthwise_cases(long k, long s) {
    const auto name = [=](const std::string& pass) { return family(pass, k, s); };
    const auto taps = [=](const Images& m) { return static_cast<size_t>(k * k * m.channels); };
    return {
        images(name("depthwise_forward"), s,
               [=](const Images& m) {
                   A a = A().result(m.out_values()).input(m.in_values()).weights(taps(m));
                   return m.sizes(a).i(m.out());
               }),
        images(name("depthwise_backward_data"), s,
               [=](const Images& m) {
                   A a = A().result(m.in_values()).input(m.out_values()).weights(taps(m));
                   return m.sizes(a).i(m.side);
               }),
        images(name("depthwise_backward_weights"), s,
               [=](const Images& m) {
                   A a = A().result(taps(m)).input(m.out_values()).input(m.in_values());
                   return m.sizes(a).i(m.out());
               }),
    };
}

constexpr long kStemSide = 152, kStem = kTileChannels;
constexpr size_t kOfImage = kStemSide * kStemSide * 3, kOfStem = 27 * kStem;

Case stem(const std::string& kernel, const std::function<A(const Images&)>& arguments) {
    return {kernel, kMostSlices, 3, [=](bool gpu, long units) {
                return slices(gpu, units, kStem, arguments({units, kStemSide, 2, kStem}));
            }};
}

constexpr long kPixels = 2, kPooled = 64;

std::vector<Case> other_cases() {
    constexpr long kClasses = 64, kLength = 32832, kTile = 32, kColumns = 2052;
    constexpr long kPartials = 1024;
    return {
        flat("dropout",
             [](long l) {
                 return A()
                     .result(kFlat)
                     .input(kFlat)
                     .l(l)
                     .table<uint64_t>(2, [](size_t place) { return 7 + 2 * place; })
                     .f(0.0f)
                     .i(kFlat);
             }),
        {"softmax_cross_entropy", (size_t{1} << 23) + 8, 4,
         [=](bool gpu, long units) {
             return blocks(gpu, units,
                           A().result(8)
                               .result(8 * kClasses)
                               .input(8 * kClasses)
                               .numbers(8, kClasses)
                               .i(8 * units)
                               .i(kClasses)
                               .f(0.1f)
                               .f(0.75f)
                               .f(0.5f)
                               .i(8));
         }},
        {"softmax_divergence", (size_t{1} << 23) + 8, 4,
         [=](bool gpu, long units) {
             return blocks(gpu, units,
                           A().result(8)
                               .result(8 * kClasses)
                               .input(8 * kClasses)
                               .input(8 * kClasses)
                               .i(8 * units)
                               .i(kClasses)
                               .i(1)
                               .f(0.5f)
                               .i(8));
         }},
        {"label_rank", (size_t{1} << 23) + 8, 4,
         [=](bool gpu, long units) {
             return blocks(
                 gpu, units,
                 A().number_results(8).input(8 * kClasses).numbers(8, kClasses).i(8 * units).i(kClasses).i(8));
         }},
        {"global_average_pool_backward", size_t{1} << 26, 3,
         [=](bool gpu, long units) {
             return blocks(gpu, units, A().result(kPixels * kPooled).input(kPooled).i(kPixels).i(kPooled));
         }},
        // Grid.y is a pair.
        {"mixup", 2 * 65535, 3,
         [=](bool gpu, long units) {
             Launch launch = blocks(gpu, 1, A().in_place(kLength).i(units).l(kLength).f(0.75f).i(kLength));
             launch.grid.y = static_cast<unsigned>(units / 2);
             return launch;
         }},
        // The last values of the result are of the last column's last rows.
        {"transpose", 65535, 3,
         [=](bool gpu, long units) {
             Launch launch = blocks(
                 gpu, (kColumns + kTile - 1) / kTile,
                 A().last_of_result(kTile * kColumns, kTile).input(kTile * kColumns).i(kTile * units).i(kColumns).i(0));
             launch.grid.y = static_cast<unsigned>(units);
             return launch;
         }},
        // One array of partial sums after the other: of each, a unit is a part.
        {"reduce_partials", (size_t{1} << 16) + 1, 3,
         [=](bool gpu, long units) {
             const long length = units * long{kFlat};
             A a = A().result(kFlat).input(kFlat, kPartials).i(kPartials).i(length).i(kFlat).i(0);
             return gpu ? slices(true, 1, length, a) : blocks(false, units, a);
         },
         kTileChannels},
        stem("stem_forward",
             [=](const Images& m) {
                 A a = A().result(m.out_values()).input(kOfImage).weights(kOfStem);
                 return m.sizes(a).i(m.out());
             }),
        stem("stem_backward_weights",
             [=](const Images& m) {
                 A a = A().result(kOfStem).input(m.out_values()).input(kOfImage);
                 return m.sizes(a).i(m.out());
             }),
    };
}

// ---- kernels of each type of elements ----------------------------------------------------------------------------
std::vector<Case> element_cases(const Element& t) {
    const size_t c = kChannels, v = kValues, r = kRows, in = kIn, out = kOut, placed = kPlaced;
    return {
        rows("batch_norm_apply" + t.suffix,
             [=](long n) { return A().result(v).of(t.size).input(v).weights(c).weights(c).i(n).i(c).i(1).i(r); }),
        rows("batch_norm_backward_sums" + t.suffix,
             [=](long n) { return A().result(2 * c).of(t.size).input(v).input(v).weights(4 * c).i(n).i(c).i(1).i(r); }),
        flat("add_in_place" + t.suffix,
             [=](long l) { return A().of(t.size).in_place(kFlat).input(kFlat).l(l).i(kFlat); }),
        products("pointwise_fused_forward" + t.suffix,
                 [=](long n) {
                     return A()
                         .of(t.size)
                         .result(kBlockRows * out)
                         .of(sizeof(float))
                         .result(2 * out)
                         .of(t.size)
                         .input(kBlockRows * in)
                         .weights(4 * in)
                         .weights(in * out)
                         .i(n)
                         .i(in)
                         .i(out)
                         .i(1)
                         .i(kBlockRows);
                 }),
        backward_products("pointwise_fused_backward" + t.suffix,
                          [=](long n) {
                              return A()
                                  .of(t.size)
                                  .result(kBlockRows * in)
                                  .of(sizeof(float))
                                  .result(in * out)
                                  .result(2 * in)
                                  .of(t.size)
                                  .input(kBlockRows * out)
                                  .input(kBlockRows * out)
                                  .weights(4 * out)
                                  .weights(3 * out)
                                  .input(kBlockRows * in)
                                  .weights(4 * in)
                                  .weights(in * out)
                                  .i(n)
                                  .i(in)
                                  .i(out)
                                  .i(1)
                                  .i(1)
                                  .i(kBlockRows)
                                  .i(kBlockRows);
                          }),
        products("stage_pointwise_forward" + t.suffix,
                 [=](long n) {
                     return A()
                         .of(t.size)
                         .result(kBlockRows * kHalf, kAfter)
                         .result(kBlockRows * 2 * kHalf)
                         .of(sizeof(float))
                         .result(2 * placed)
                         .of(t.size)
                         .input(kBlockRows * in)
                         .weights(4 * in)
                         .weights(in * placed)
                         .i(n)
                         .i(in)
                         .i(placed)
                         .i(1)
                         .i(kFirstPlace)
                         .i(kAfter)
                         .i(kHalf)
                         .i(kBlockRows);
                 }),
        backward_products("stage_pointwise_backward" + t.suffix,
                          [=](long n) {
                              return A()
                                  .of(t.size)
                                  .result(kBlockRows * in)
                                  .of(sizeof(float))
                                  .result(in * placed)
                                  .result(2 * in)
                                  .of(t.size)
                                  .input(kBlockRows * kHalf, kAfter)
                                  .input(kBlockRows * 2 * kHalf)
                                  .input(kBlockRows * kHalf, kAfter)
                                  .input(kBlockRows * 2 * kHalf)
                                  .weights(4 * placed)
                                  .weights(3 * placed)
                                  .input(kBlockRows * in)
                                  .weights(4 * in)
                                  .weights(in * placed)
                                  .i(n)
                                  .i(in)
                                  .i(placed)
                                  .i(1)
                                  .i(kFirstPlace)
                                  .i(kAfter)
                                  .i(kHalf)
                                  .i(kBlockRows)
                                  .i(kBlockRows);
                          }),
        rows("channel_split" + t.suffix,
             [=](long n) { return A().of(t.size).result(r * (c + 2)).result(v).input(2 * v).i(n).i(c).i(c + 2).i(r); }),
        products("pointwise_normalised" + t.suffix,
                 [=](long n) {
                     const size_t y_stride = out + 2;
                     return A()
                         .of(t.size)
                         .result(kBlockRows * y_stride)
                         .input(kBlockRows * in)
                         .weights(in * kPacked)
                         .weights(out)
                         .weights(out)
                         .i(n)
                         .i(in)
                         .i(out)
                         .i(y_stride)
                         .i(1)
                         .i(kBlockRows);
                 }),
        {"global_average_pool_forward" + t.suffix, size_t{1} << 26, 3,
         [=](bool gpu, long units) {
             return blocks(gpu, units, A().result(kPooled).of(t.size).input(kPixels * kPooled).i(kPixels).i(kPooled));
         }},
        stem("stem_normalised" + t.suffix,
             [=](const Images& m) {
                 A a = A().of(t.size)
                           .result(m.out_values())
                           .of(sizeof(float))
                           .input(kOfImage)
                           .weights(kOfStem)
                           .weights(kStem)
                           .weights(kStem);
                 return m.sizes(a).i(1).i(m.out());
             }),
    };
}

std::vector<Case> depthwise_element_cases(long k, long s, const Element& t) {
    const auto name = [=](const std::string& pass) { return family(pass, k, s) + t.suffix; };
    const auto taps = [=](const Images& m) { return static_cast<size_t>(k * k * m.channels); };
    return {
        images(name("depthwise_fused_forward"), s,
               [=](const Images& m) {
                   A a = A().of(t.size)
                             .result(m.out_values())
                             .of(sizeof(float))
                             .result(2 * m.channels)
                             .of(t.size)
                             .input(m.in_values())
                             .weights(4 * m.channels)
                             .weights(taps(m));
                   return m.sizes(a).i(m.out());
               }),
        images(name("depthwise_fused_backward"), s,
               [=](const Images& m) {
                   A a = A().of(t.size)
                             .result(m.in_values())
                             .of(sizeof(float))
                             .result(taps(m))
                             .result(2 * m.channels)
                             .of(t.size)
                             .input(m.out_values())
                             .input(m.out_values())
                             .weights(4 * m.channels)
                             .weights(3 * m.channels)
                             .input(m.in_values())
                             .weights(4 * m.channels)
                             .weights(taps(m));
                   return m.sizes(a).i(m.side);
               }),
        images(family("depthwise_normalised", k, s) + t.suffix, s,
               [=](const Images& m) {
                   A a = A().of(t.size)
                             .result(m.out_values())
                             .input(m.in_values())
                             .weights(static_cast<size_t>(k * k * m.channels))
                             .weights(m.channels)
                             .weights(m.channels);
                   return m.sizes(a).i(1).i(m.out());
               }),
        // A block takes strip after strip: here each has one. `x` and `passing` are arrays of their own.
        {family("branch_normalised", k, s) + t.suffix, kMostRows / 64, 3,
         [=](bool gpu, long units) {
             const Images m{units, 8, s, 4};
             const long in = 3, out = 5, x_stride = 2 * in, y_stride = out + in, pixels = m.side * m.side;
             const long band = m.out() * m.out() * m.channels, inputs = ((m.out() - 1) * s + k) * m.side;
             // Products of bf16 need the inputs' channels side by side.
             const long space = band + inputs * (m.channels + (t.size == kBytesOfBf16 ? in : 0));
             A a = A().of(t.size).result(m.out() * m.out() * y_stride).input(pixels * x_stride);
             if (s == 1) {
                 a.result(pixels * y_stride).input(pixels * x_stride);
             } else {
                 a.null().null();
             }
             a.workspace(space)
                 .weights(in * kPacked)
                 .weights(2 * m.channels)
                 .weights(static_cast<size_t>(k * k * m.channels))
                 .weights(2 * m.channels)
                 .weights(m.channels * kPacked)
                 .weights(2 * out);
             m.sizes(a).i(in).i(out).i(x_stride).i(2).i(y_stride).i(in).i(m.out()).i(m.out()).l(space);
             return blocks(gpu, units, a);
         }},
    };
}

// ---- pictures ---------------------------------------------------------------------------------------------------
// The records of kernels/image.cu and kernels/jpeg.cu.
struct Transform {
    int64_t pixels, rows;
    int32_t left, right, top, bottom, source_left, source_right, source_top, source_bottom, slots;
    int32_t halvings, resized_width, resized_height, crop_left, crop_top, flip;
    float brightness, contrast, saturation;
    int32_t order, erase_left, erase_right, erase_top, erase_bottom;
};

struct Taps {
    int32_t first, count;
};

struct Plane {
    int64_t coefficients, samples;
    int32_t blocks_wide, block_side, width, height, quantisation, horizontal, vertical, repeated;
};

struct Jpeg {
    Plane planes[3];
    int64_t pixels;
    int32_t components, is_ycc, left, right, top, bottom;
};

struct Strip {
    int32_t image, plane, row, first, last;
};

// Squares, taken as they are, with some jitter.
Transform transform_of(size_t image, int side, int64_t kept) {
    const int64_t pixels = int64_t{side} * side;
    return {static_cast<int64_t>(image) * pixels * 4,
            static_cast<int64_t>(image) * kept,
            0,
            side,
            0,
            side,
            0,
            side,
            0,
            side,
            4,
            0,
            side,
            side,
            0,
            0,
            0,
            0.75f,
            1.25f,
            0.5f,
            0 | 1 << 2 | 2 << 4,
            0,
            0,
            0,
            0};
}

Case pictures(const char* kernel, size_t images, long side, bool by_row, const std::function<A(A&&)>& arguments) {
    return {kernel, images, 3,
            [=](bool gpu, long units) {
                Launch launch = blocks(gpu, units, arguments(A()));
                if (by_row) launch.grid = {static_cast<unsigned>(side), static_cast<unsigned>(units)};
                return launch;
            },
            by_row ? static_cast<size_t>(side) : SIZE_MAX};
}

std::vector<Case> picture_cases() {
    constexpr long kSide = 288, kLargeSide = 2048, kRowsPerBlock = 8, kSlots = 4, kMostTaps = 4, kWeightBits = 22;
    constexpr size_t kPictures = 65535, kLargePictures = 1025, kPixels = kSide * kSide,
                     kLarge = kLargeSide * kLargeSide;
    constexpr size_t kKept = kLargeSide / kRowsPerBlock * kSlots * kLargeSide, kBlocksWide = kLargeSide / 8;
    const std::function<uint32_t(size_t)> pixel = [](size_t i) {
        return static_cast<uint32_t>(i % 97 | (i % 89) << 8 | (i % 83) << 16);
    };
    const std::function<Transform(size_t)> small = [=](size_t i) { return transform_of(i, kSide, 0); };
    const std::function<Transform(size_t)> large = [=](size_t i) { return transform_of(i, kLargeSide, kKept); };
    const std::function<Taps(size_t)> taps = [=](size_t i) { return Taps{static_cast<int32_t>(i % kLargeSide), 1}; };
    const std::function<int32_t(size_t)> weights = [=](size_t i) { return i % kMostTaps == 0 ? 1 << kWeightBits : 0; };
    // Strips of zeros, as those before the last picture's are, find nothing to do in the first one.
    const std::function<Jpeg(size_t)> jpeg = [=](size_t i) {
        const auto at = static_cast<int64_t>(i * kLarge);
        Jpeg made{};
        made.planes[0] = {at, at, kBlocksWide, 8, kLargeSide, kLargeSide, 0, 1, 1, 0};
        made.pixels = 4 * at;
        made.components = 1;
        made.right = i == 0 ? 0 : kLargeSide;
        made.bottom = kLargeSide;
        return made;
    };
    // Of the last picture.
    const auto strips = [](long units) -> std::function<Strip(size_t)> {
        return [=](size_t i) {
            return Strip{static_cast<int32_t>(units - 1), 0, static_cast<int32_t>(i), 0,
                         static_cast<int32_t>(kBlocksWide)};
        };
    };
    const std::function<int16_t(size_t)> coefficient = [](size_t i) { return static_cast<int16_t>(i % 61); };
    const std::function<uint16_t(size_t)> factor = [](size_t) { return uint16_t{3}; };
    const std::function<uint8_t(size_t)> sample = [](size_t i) { return static_cast<uint8_t>(i % 251); };
    const auto normalise = [=](A& a) {
        return a.all_records(1, small).i(kSide).f(255).f(0.1f).f(0.2f).f(0.3f).f(0.4f).f(0.5f).f(0.6f).i(1);
    };
    const auto of_jpeg = [=](const char* kernel, long rows, const std::function<A(A &&)>& arguments) {
        return Case{kernel, kLargePictures, 2, [=](bool gpu, long units) {
                        return blocks(
                            gpu, units * rows,
                            arguments(A()).all_records(1, jpeg).last_records(static_cast<size_t>(rows), strips(units)));
                    }};
    };
    return {
        pictures("image_jitter_before_contrast", kPictures, kSide, false,
                 [=](A&& a) { return a.last_records(kPixels, pixel, true).result(1).all_records(1, small).i(kSide); }),
        pictures(
            "image_jitter_and_normalise", kPictures, kSide, true,
            [=](A&& a) { return normalise(a.result(3 * kPixels).last_records(kPixels, pixel).weights(kPictures)); }),
        pictures("image_resize_fixed", kPictures, kSide, true,
                 [=](A&& a) { return a.result(kPixels).last_records(kPixels, pixel).all_records(1, small).i(kSide); }),
        {"image_resize", kLargePictures, 3,
         [=](bool gpu, long units) {
             Launch launch = blocks(gpu, kLargeSide / kRowsPerBlock,
                                    A().last_of_result(kLarge, kRowsPerBlock * kLargeSide)
                                        .workspace(kKept)
                                        .last_records(kLarge, pixel)
                                        .last_records(2 * kLargeSide, taps)
                                        .last_records(2 * kLargeSide * kMostTaps, weights)
                                        .all_records(1, large)
                                        .i(kLargeSide)
                                        .i(kMostTaps)
                                        .i(kRowsPerBlock));
             launch.grid.y = static_cast<unsigned>(units);
             return launch;
         }},
        of_jpeg("jpeg_inverse_dct", kBlocksWide,
                [=](A&& a) {
                    return a.last_of_result_bytes(kLarge, 8 * kLargeSide)
                        .last_records(kLarge, coefficient)
                        .table(64, factor);
                }),
        of_jpeg("jpeg_to_rgb", kLargeSide,
                [=](A&& a) { return a.last_of_result(kLarge, kLargeSide).last_records(kLarge, sample); }),
    };
}

std::vector<Case> cases() {
    std::vector<Case> all;
    const auto add = [&](const std::vector<Case>& some) { all.insert(all.end(), some.begin(), some.end()); };
    add(row_cases());
    add(flat_cases());
    add(product_cases());
    const std::vector<Element> elements = {{"_f32", 4}, {"_bf16", kBytesOfBf16}};
    for (const Element& t : elements) add(element_cases(t));
    for (long k : {3, 5, 7}) {
        for (long s : {1, 2}) {
            add(depthwise_cases(k, s));
            for (const Element& t : elements) add(depthwise_element_cases(k, s, t));
        }
    }
    add(other_cases());
    add(picture_cases());
    return all;
}

// Those whose arrays are a few values a channel, a picture or a block, whatever the batch.
const std::set<std::string> kSmall = {"batch_norm_finalize",    "batch_norm_fold", "batch_norm_backward_finalize",
                                      "stage_scatter",          "stage_gather",    "peak_multiply_add",
                                      "peak_multiply_add_bf16", "pointwise_pack",  "image_filter_taps"};

std::vector<uint8_t> run(const Case& each, size_t units) {
    const auto target = open_target();
    Launch launch = each.make(target->is_gpu(), static_cast<long>(units));
    REQUIRE(target->parameter_sizes(each.kernel) == launch.arguments.sizes());
    const std::vector<void*> parameters = launch.arguments.bind(*target, units);
    // Some of its arrays are the weights' or a block's.
    if (units == each.large) CHECK(launch.arguments.most(units) > (size_t{1} << 32));
    const std::string wrong = target->run(each.kernel.c_str(), launch.grid, launch.block, parameters);
    REQUIRE_MESSAGE(wrong.empty(), wrong);
    return launch.arguments.results(*target, units, each.compared);
}

}  // namespace

TEST_CASE("no kernel's indices are cut at 32 bits") {
    for (const Case& each : cases()) {
        SUBCASE(each.kernel.c_str()) {
            CAPTURE(each.kernel);
            const std::vector<uint8_t> small = run(each, each.small), large = run(each, each.large);
            CHECK(std::any_of(small.begin(), small.end(), [](uint8_t byte) { return byte != 0; }));
            CHECK(small == large);
        }
    }
}

TEST_CASE("each kernel has a case, or small arrays") {
    std::set<std::string> known = kSmall;
    for (const Case& each : cases()) known.insert(each.kernel);
    for (const std::string& kernel : open_target()->kernels()) CHECK_MESSAGE(known.count(kernel) == 1, kernel);
}
