// Reads cubins, within the bounds that they tell. The layout of the sections is not published; the attributes are those
// that NVIDIA's cuobjdump prints as "EIATTR_…".
#include "module_image.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace spos::checking {
namespace {

constexpr uint16_t kMachine = 190;      // EM_CUDA
constexpr size_t kMostBytes = 1 << 28;  // more is no cubin but a header that is damaged

enum Format : uint8_t { kNoValue = 1, kByteValue = 2, kHalfValue = 3, kSizedValue = 4 };

enum Attribute : uint8_t {
    kMaxThreads = 0x05,       // three words
    kParameterBank = 0x0a,    // symbol; offset in constant bank 0, bytes of all parameters
    kKernelParameter = 0x17,  // index; ordinal, offset; bits, of which those from 18 on are the bytes
    kParameterBytes = 0x19,   // bytes of all parameters
    kRegisters = 0x2f,        // symbol; registers
};

[[noreturn]] void damaged(const std::string& what) { throw std::runtime_error("the cubin is damaged: " + what); }

class ElfFile {
 public:
    explicit ElfFile(const void* image) : bytes_(static_cast<const uint8_t*>(image)), header_(read<Elf64_Ehdr>(0)) {
        if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0 || header_.e_ident[EI_CLASS] != ELFCLASS64 ||
            header_.e_machine != kMachine) {
            throw std::runtime_error("the image is no cubin of 64 bits");
        }
        if (header_.e_shentsize != sizeof(Elf64_Shdr) || header_.e_shoff > kMostBytes || header_.e_phoff > kMostBytes) {
            damaged("its tables");
        }
        for (unsigned i = 0; i < header_.e_shnum; ++i) {
            sections_.push_back(read<Elf64_Shdr>(header_.e_shoff + i * sizeof(Elf64_Shdr)));
        }
        if (header_.e_shstrndx >= sections_.size()) damaged("its names of sections");
        // The tables come last.
        end_ = std::max(header_.e_shoff + header_.e_shnum * sizeof(Elf64_Shdr),
                        header_.e_phoff + header_.e_phnum * sizeof(Elf64_Phdr));
    }

    // The compute capability is in the low byte of the flags up to CUDA 12, and in the second one since.
    unsigned architecture() const {
        const unsigned low = header_.e_flags & 0xff, second = header_.e_flags >> 8 & 0xff;
        return header_.e_ident[EI_ABIVERSION] <= 7 ? low : second;
    }

    const std::vector<Elf64_Shdr>& sections() const { return sections_; }
    std::string name(const Elf64_Shdr& section) const { return text(sections_[header_.e_shstrndx], section.sh_name); }

    template <class T>
    T read_in(const Elf64_Shdr& section, size_t offset) const {
        const bool inside = section.sh_type != SHT_NOBITS && section.sh_offset <= end_ &&
                            section.sh_size <= end_ - section.sh_offset && offset <= section.sh_size &&
                            sizeof(T) <= section.sh_size - offset;
        if (!inside) damaged("it asks for byte " + std::to_string(offset) + " of a section that lacks it");
        return read<T>(section.sh_offset + offset);
    }

    std::string symbol(uint32_t index) const {
        for (const Elf64_Shdr& section : sections_) {
            if (section.sh_type != SHT_SYMTAB || section.sh_link >= sections_.size()) continue;
            return text(sections_[section.sh_link], read_in<Elf64_Sym>(section, index * sizeof(Elf64_Sym)).st_name);
        }
        damaged("it has no symbols");
    }

 private:
    template <class T>
    T read(size_t offset) const {
        T value;
        std::memcpy(&value, bytes_ + offset, sizeof value);
        return value;
    }

    std::string text(const Elf64_Shdr& table, size_t offset) const {
        std::string found;
        while (const char c = read_in<char>(table, offset++)) found += c;
        return found;
    }

    const uint8_t* bytes_;
    Elf64_Ehdr header_;
    size_t end_ = 0;
    std::vector<Elf64_Shdr> sections_;
};

// Calls visit(attribute, offset of its value, bytes of it) for each attribute of a section.
template <class Visit>
void for_attributes(const ElfFile& image, const Elf64_Shdr& section, Visit&& visit) {
    for (size_t at = 0; at + 4 <= section.sh_size;) {
        const auto format = image.read_in<uint8_t>(section, at);
        const auto attribute = image.read_in<uint8_t>(section, at + 1);
        const size_t bytes = format == kSizedValue ? image.read_in<uint16_t>(section, at + 2) : 0;
        if (format < kNoValue || format > kSizedValue) damaged(image.name(section));
        if (format == kSizedValue) visit(attribute, at + 4, bytes);
        if (format == kHalfValue) visit(attribute, at + 2, sizeof(uint16_t));
        at += 4 + bytes;
    }
}

void read_kernel(const ElfFile& image, const Elf64_Shdr& section, CompiledKernel& kernel) {
    std::map<unsigned, Parameter> parameters;
    for_attributes(image, section, [&](uint8_t attribute, size_t at, size_t) {
        switch (attribute) {
            case kMaxThreads:
                kernel.most_threads = image.read_in<uint32_t>(section, at) * image.read_in<uint32_t>(section, at + 4) *
                                      image.read_in<uint32_t>(section, at + 8);
                break;
            case kKernelParameter:
                parameters[image.read_in<uint16_t>(section, at + 4)] = {image.read_in<uint16_t>(section, at + 6),
                                                                        image.read_in<uint32_t>(section, at + 8) >> 18};
                break;
            case kParameterBank:
                kernel.parameter_bytes = image.read_in<uint16_t>(section, at + 6);
                break;
            case kParameterBytes:
                kernel.parameter_bytes = image.read_in<uint16_t>(section, at);
                break;
        }
    });
    size_t end = 0;
    for (const auto& [ordinal, parameter] : parameters) {
        if (ordinal != kernel.parameters.size()) damaged(kernel.name + " lacks a parameter");
        kernel.parameters.push_back(parameter);
        end = std::max(end, parameter.offset + parameter.bytes);
    }
    if (end != kernel.parameter_bytes) {
        damaged("the parameters of " + kernel.name + " end at byte " + std::to_string(end) + " of " +
                std::to_string(kernel.parameter_bytes));
    }
}

}  // namespace

ModuleImage read_cubin(const void* bytes) {
    const ElfFile image(bytes);
    const std::string text = ".text.", shared = ".nv.shared.", info = ".nv.info.";
    ModuleImage cubin;
    cubin.architecture = image.architecture();
    for (const Elf64_Shdr& section : image.sections()) {
        const std::string name = image.name(section);
        if (name.rfind(text, 0) == 0) cubin.kernels[name.substr(text.size())].name = name.substr(text.size());
    }
    const auto kernel_of = [&](const std::string& name) {
        const auto found = cubin.kernels.find(name);
        return found == cubin.kernels.end() ? nullptr : &found->second;
    };
    for (const Elf64_Shdr& section : image.sections()) {
        const std::string name = image.name(section);
        if (name.rfind(info, 0) == 0) {
            if (CompiledKernel* kernel = kernel_of(name.substr(info.size()))) read_kernel(image, section, *kernel);
        } else if (name.rfind(shared, 0) == 0) {
            if (CompiledKernel* kernel = kernel_of(name.substr(shared.size()))) kernel->shared_bytes = section.sh_size;
        } else if (name == ".nv.info") {
            for_attributes(image, section, [&](uint8_t attribute, size_t at, size_t) {
                if (attribute != kRegisters) return;
                CompiledKernel* kernel = kernel_of(image.symbol(image.read_in<uint32_t>(section, at)));
                if (kernel != nullptr) kernel->registers = image.read_in<uint32_t>(section, at + 4);
            });
        }
    }
    if (cubin.kernels.empty()) damaged("it holds no kernel");
    return cubin;
}

}  // namespace spos::checking
