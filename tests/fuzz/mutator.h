// Changes of files as damage and malice make them: flipped bits, bytes overwritten by values at the edges of their
// range, pieces cut, repeated, moved, or taken from another file, and lengths and sizes in headers changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

using Bytes = std::vector<uint8_t>;

class Mutator {
 public:
    Mutator(std::vector<Bytes> seeds, uint64_t seed) : seeds_(std::move(seeds)), random_(seed) {}

    Bytes next();

 private:
    size_t below(size_t count) { return count == 0 ? 0 : random_() % count; }
    const Bytes& any_seed() { return seeds_[below(seeds_.size())]; }
    void change(Bytes& file);
    void change_length(Bytes& file);

    std::vector<Bytes> seeds_;
    std::mt19937_64 random_;
};
