// Makes cubins as NVRTC does, as far as the checking driver reads them: names, parameters, launch bounds, registers and
// shared memory, and no code.
#pragma once

#include <elf.h>

#include <cstring>
#include <string>
#include <vector>

struct KernelImage {
    std::string name;
    std::vector<unsigned> parameter_bytes;
    unsigned most_threads = 256, registers = 32, shared_bytes = 0;
};

class CubinImage {
 public:
    explicit CubinImage(const std::vector<KernelImage>& kernels, unsigned architecture = 90) {
        add("", SHT_NULL, {});
        std::string names(1, '\0'), symbols(sizeof(Elf64_Sym), '\0'), all_info;
        for (const KernelImage& kernel : kernels) {
            Elf64_Sym symbol{};
            symbol.st_name = static_cast<Elf64_Word>(names.size());
            names += kernel.name + '\0';
            attribute(all_info, 0x2f, {static_cast<unsigned>(symbols.size() / sizeof symbol), kernel.registers});
            symbols.append(reinterpret_cast<const char*>(&symbol), sizeof symbol);
            add(".text." + kernel.name, SHT_PROGBITS, "code");
            add(".nv.info." + kernel.name, SHT_LOPROC, info_of(kernel));
            if (kernel.shared_bytes != 0)
                add(".nv.shared." + kernel.name, SHT_NOBITS, {}).sh_size = kernel.shared_bytes;
        }
        add(".nv.info", SHT_LOPROC, all_info);
        add(".strtab", SHT_STRTAB, names);
        const size_t at_symbol_names = sections_.size() - 1;
        add(".symtab", SHT_SYMTAB, symbols).sh_link = static_cast<Elf64_Word>(at_symbol_names);
        const size_t at_names = sections_.size();
        add(".shstrtab", SHT_STRTAB, {});
        sections_[at_names].sh_size = section_names_.size();
        sections_[at_names].sh_offset = bytes_.size();
        bytes_ += section_names_;

        Elf64_Ehdr header{};
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_ABIVERSION] = 7;
        header.e_machine = 190;
        header.e_flags = architecture;
        header.e_shoff = bytes_.size();
        header.e_shentsize = sizeof(Elf64_Shdr);
        header.e_shnum = static_cast<Elf64_Half>(sections_.size());
        header.e_shstrndx = static_cast<Elf64_Half>(at_names);
        std::memcpy(bytes_.data(), &header, sizeof header);
        bytes_.append(reinterpret_cast<const char*>(sections_.data()), sections_.size() * sizeof(Elf64_Shdr));
    }

    std::string& bytes() { return bytes_; }
    const void* data() const { return bytes_.data(); }

 private:
    static void append(std::string& text, unsigned word) {
        text.append(reinterpret_cast<const char*>(&word), sizeof word);
    }

    // An attribute of several words.
    static void attribute(std::string& text, unsigned number, const std::vector<unsigned>& words) {
        append(text, 4 | number << 8 | static_cast<unsigned>(words.size() * sizeof(unsigned)) << 16);
        for (unsigned word : words) append(text, word);
    }

    static std::string info_of(const KernelImage& kernel) {
        std::string text;
        unsigned offset = 0, ordinal = 0;
        for (unsigned bytes : kernel.parameter_bytes) {
            offset = (offset + bytes - 1) / bytes * bytes;
            attribute(text, 0x17, {0, ordinal++ | offset << 16, bytes << 18 | 0x1f000});
            offset += bytes;
        }
        attribute(text, 0x05, {kernel.most_threads, 1, 1});
        append(text, 3 | 0x19 << 8 | offset << 16);
        return text;
    }

    Elf64_Shdr& add(const std::string& name, unsigned type, const std::string& content) {
        if (bytes_.empty()) bytes_.resize(sizeof(Elf64_Ehdr));
        Elf64_Shdr section{};
        section.sh_name = static_cast<Elf64_Word>(section_names_.size());
        section_names_ += name + '\0';
        section.sh_type = type;
        section.sh_offset = bytes_.size();
        section.sh_size = content.size();
        bytes_ += content;
        sections_.push_back(section);
        return sections_.back();
    }

    std::string bytes_, section_names_;
    std::vector<Elf64_Shdr> sections_;
};
