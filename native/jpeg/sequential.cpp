// The entropy decoding of what most JPEGs are: sequential, Huffman-coded, 8 bits a sample, all components in one scan
// (ITU-T T.81, annexes A, B and F). Each segment between markers is first copied without its stuffed bytes.
//
// It takes only files in which all is as it should be, and otherwise says so: then libjpeg-turbo, whose source has not
// moved, decides what the file is.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "decoder.h"
#include "huffman.h"

namespace {

// Zeros behind a segment: more than a block's codes and values take, and what bits are fetched ahead.
constexpr size_t kPadding = 256;

// Where the coefficients lie, in zigzag order (T.81, figure A.6). Where a run leads out of the block, its value goes to
// the last coefficient, as libjpeg-turbo puts it. A block's end puts a zero there, where one is already.
constexpr std::array<uint8_t, 2 * DCTSIZE2> places() {
    std::array<uint8_t, 2 * DCTSIZE2> places = {};
    int row = 0, column = 0;
    for (uint8_t& place : places) {
        place = static_cast<uint8_t>(row * 8 + column);
        const bool up = (row + column) % 2 == 0;
        int &along = up ? column : row, &against = up ? row : column;
        if (along == 7) {
            against = std::min(against + 1, 7);
        } else {
            ++along;
            against = std::max(against - 1, 0);
        }
    }
    return places;
}

constexpr auto kPlaces = places();

struct Component {
    const CodeTable *dc, *ac;
    const UINT16* quantisation;
    int suspicious;    // the size from which on a value may be larger than a picture's
    int across, down;  // blocks of an MCU
    SposJpegBlocks wanted;
    int16_t* target;
    int last_dc;
};

bool is_usual(int value, int quantisation) { return std::abs(value) * int64_t{quantisation} <= kLargestCoefficient; }

bool is_usual(const int16_t* block, const UINT16* quantisation) {
    for (int i = 0; i < DCTSIZE2; ++i) {
        if (!is_usual(block[i], quantisation[i])) return false;
    }
    return true;
}

// One block, stored if it is wanted. False if it is damaged or has unusually large values.
template <bool wanted>
bool decode_block(Bits& source, Component& component, int16_t* block) {
    Bits bits = source;
    if (bits.left() < 0) return false;
    bits.refill();
    const Code difference = component.dc->find(bits.peek());
    if (difference.bits == 0) return false;
    component.last_dc += value_of(bits.peek() << difference.length, difference.size);
    bits.skip(difference.bits);
    if (!is_usual(component.last_dc, component.quantisation[0])) return false;
    if (wanted) {
        std::memset(block, 0, DCTSIZE2 * sizeof *block);
        block[0] = static_cast<int16_t>(component.last_dc);
    }
    const CodeTable& table = *component.ac;
    int largest = 0;
    unsigned k = 1;
    bool good = true;
    // Whether there is more.
    const auto step = [&] {
        const Code code = table.find(bits.peek());
        if (__builtin_expect(code.bits == 0, 0)) return good = false;
        k += code.run;
        if (wanted) {
            block[kPlaces[k]] = static_cast<int16_t>(value_of(bits.peek() << code.length, code.size));
            largest = std::max(largest, int{code.size});
        }
        bits.skip(code.bits);
        return ++k < DCTSIZE2;
    };
    // Two codes and values between two fetches.
    static_assert(Bits::kFetched >= 2 * kLongestCode + kLargestDc + kLargestAc);
    while (step()) {
        bits.refill();
        if (!step()) break;
    }
    source = bits;
    return good && (largest < component.suspicious || is_usual(block, component.quantisation));
}

class Scan {
 public:
    explicit Scan(const jpeg_decompress_struct& info) : info_(info) {}

    // False if it is another kind of scan.
    bool prepare(const SposJpegBlocks* wanted, int16_t* coefficients, uint16_t* quantisation) {
        const bool plain = !info_.progressive_mode && !info_.arith_code && info_.data_precision == 8 && info_.Ss == 0 &&
                           info_.Se == DCTSIZE2 - 1 && info_.Ah == 0 && info_.Al == 0 &&
                           info_.comps_in_scan == info_.num_components;
        if (!plain) return false;
        const bool single = info_.num_components == 1;
        const auto parts = [](JDIMENSION of, int size) { return (of + size - 1) / static_cast<JDIMENSION>(size); };
        across_ = parts(info_.image_width, DCTSIZE * (single ? 1 : info_.max_h_samp_factor));
        down_ = parts(info_.image_height, DCTSIZE * (single ? 1 : info_.max_v_samp_factor));
        int blocks = 0;
        for (int c = 0; c < info_.num_components; ++c) {
            const jpeg_component_info& description = info_.comp_info[c];
            Component& component = components_[c];
            if (info_.cur_comp_info[c] != &description || !take_tables(description, component)) return false;
            std::copy_n(info_.quant_tbl_ptrs[description.quant_tbl_no]->quantval, DCTSIZE2,
                        quantisation + DCTSIZE2 * c);
            component.across = single ? 1 : description.h_samp_factor;
            component.down = single ? 1 : description.v_samp_factor;
            blocks += component.across * component.down;
            component.wanted = wanted[c];
            component.target = coefficients;
            coefficients += blocks_of(wanted[c]) * DCTSIZE2;
            rows_ = std::max(rows_, parts(static_cast<JDIMENSION>(wanted[c].bottom), component.down));
        }
        return blocks <= D_MAX_BLOCKS_IN_MCU;
    }

    // False if anything is not as it should be. The MCUs below the wanted blocks are not decoded, but the markers there
    // are looked at.
    bool decode() {
        const uint8_t* at = info_.src->next_input_byte;
        const uint8_t* end = at + info_.src->bytes_in_buffer;
        segment_.reset(new (std::nothrow) uint8_t[info_.src->bytes_in_buffer + kPadding]);
        if (segment_ == nullptr) return false;
        const unsigned all = across_ * down_, needed = across_ * rows_;
        const unsigned interval = info_.restart_interval == 0 ? all : info_.restart_interval;
        unsigned mcu = 0;
        for (int restarts = 0;; restarts = (restarts + 1) % 8) {
            const unsigned last = std::min(all, mcu + interval), stop = std::clamp(needed, mcu, last);
            const int marker = last == all ? JPEG_EOI : JPEG_RST0 + restarts;
            size_t size;
            if ((at = copy_segment(at, end, marker, size)) == nullptr) return false;
            Bits bits(segment_.get(), size);
            for (Component& component : components_) component.last_dc = 0;
            for (; mcu < stop; ++mcu) {
                if (!decode_mcu(bits, static_cast<int>(mcu % across_), static_cast<int>(mcu / across_))) return false;
            }
            if (bits.left() < 0 || (stop == last && bits.left() >= 8)) return false;
            if (last == all) return true;
            mcu = last;
        }
    }

 private:
    bool take_tables(const jpeg_component_info& description, Component& component) {
        component.dc = table_of(info_.dc_huff_tbl_ptrs, description.dc_tbl_no, dc_tables_);
        component.ac = table_of(info_.ac_huff_tbl_ptrs, description.ac_tbl_no, ac_tables_);
        const int number = description.quant_tbl_no;
        if (component.dc == nullptr || component.ac == nullptr || number < 0 || number >= NUM_QUANT_TBLS) return false;
        const JQUANT_TBL* table = info_.quant_tbl_ptrs[number];
        if (table == nullptr) return false;
        if (std::find(table->quantval, table->quantval + DCTSIZE2, 0) != table->quantval + DCTSIZE2) return false;
        component.quantisation = table->quantval;
        const int64_t largest = *std::max_element(table->quantval, table->quantval + DCTSIZE2);
        component.suspicious = 0;
        while (((1 << component.suspicious) - 1) * largest <= kLargestCoefficient) ++component.suspicious;
        return true;
    }

    struct Tables {
        bool is_built[NUM_HUFF_TBLS] = {};
        CodeTable built[NUM_HUFF_TBLS];
    };

    // Null if it is not there, or not of a baseline file.
    const CodeTable* table_of(JHUFF_TBL* const (&sources)[NUM_HUFF_TBLS], int number, Tables& tables) {
        if (number < 0 || number >= NUM_HUFF_TBLS || sources[number] == nullptr) return nullptr;
        CodeTable& table = tables.built[number];
        if (!tables.is_built[number] && !table.build(*sources[number], &tables == &dc_tables_)) return nullptr;
        tables.is_built[number] = true;
        return &table;
    }

    // Copies what comes before the next marker, without the zero bytes that follow bytes of ones. Null if it is another
    // marker; else where the data goes on.
    const uint8_t* copy_segment(const uint8_t* at, const uint8_t* end, int marker, size_t& size) {
        uint8_t* target = segment_.get();
        for (;;) {
            const auto* ones = static_cast<const uint8_t*>(std::memchr(at, 0xFF, static_cast<size_t>(end - at)));
            if (ones == nullptr || end - ones < 2) return nullptr;
            const bool stuffed = ones[1] == 0;
            const auto length = static_cast<size_t>(ones - at) + stuffed;
            std::memcpy(target, at, length);
            target += length;
            at = ones + 2;
            if (stuffed) continue;
            size = static_cast<size_t>(target - segment_.get());
            std::memset(target, 0, kPadding);
            return ones[1] == marker ? at : nullptr;
        }
    }

    bool decode_mcu(Bits& bits, int column, int row) {
        for (int c = 0; c < info_.num_components; ++c) {
            Component& component = components_[c];
            const SposJpegBlocks& wanted = component.wanted;
            for (int y = row * component.down; y < (row + 1) * component.down; ++y) {
                for (int x = column * component.across; x < (column + 1) * component.across; ++x) {
                    if (x < wanted.first || x >= wanted.last || y < wanted.top || y >= wanted.bottom) {
                        if (!decode_block<false>(bits, component, nullptr)) return false;
                        continue;
                    }
                    const int64_t place = int64_t{y - wanted.top} * (wanted.last - wanted.first) + x - wanted.first;
                    if (!decode_block<true>(bits, component, component.target + place * DCTSIZE2)) return false;
                }
            }
        }
        return true;
    }

    const jpeg_decompress_struct& info_;
    Tables dc_tables_, ac_tables_;
    Component components_[3];
    JDIMENSION across_ = 0, down_ = 0;  // MCUs
    JDIMENSION rows_ = 0;               // of MCUs, down to the last that is wanted
    std::unique_ptr<uint8_t[]> segment_;
};

}  // namespace

bool decode_sequential(const jpeg_decompress_struct& info, const SposJpegBlocks* wanted, int16_t* coefficients,
                       uint16_t* quantisation) {
    Scan scan(info);
    return scan.prepare(wanted, coefficients, quantisation) && scan.decode();
}
