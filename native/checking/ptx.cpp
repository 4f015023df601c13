// Reads PTX, as far as NVRTC's goes: ".target", and of each ".entry" the parameters, the launch bounds and the shared
// memory (NVIDIA's "Parallel Thread Execution ISA" defines them).
#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "module_image.h"

namespace spos::checking {
namespace {

// The text from a place on, up to a mark; the place then is behind the mark.
std::string up_to(const std::string& text, const std::string& mark, size_t* at) {
    const size_t start = *at, end = text.find(mark, start);
    if (end == std::string::npos) throw std::runtime_error("the PTX ends within a kernel");
    *at = end + mark.size();
    return text.substr(start, end - start);
}

size_t number_after(const std::string& text, const std::string& mark) {
    const size_t at = text.find(mark);
    return at == std::string::npos ? 0 : std::strtoul(text.c_str() + at + mark.size(), nullptr, 10);
}

// Bytes of a declared variable: of its type, such as ".u64", times the elements of an array.
size_t bytes_of(const std::string& declaration) {
    for (const char kind : {'u', 's', 'b', 'f'}) {
        for (const unsigned bits : {8, 16, 32, 64}) {
            std::string type{'.', kind};
            type += std::to_string(bits) + ' ';
            if (declaration.find(type) == std::string::npos) continue;
            return bits / 8 * std::max<size_t>(1, number_after(declaration, "["));
        }
    }
    throw std::runtime_error("the PTX declares a variable of an unknown type: " + declaration);
}

CompiledKernel read_entry(const std::string& name, const std::string& parameters, const std::string& bounds) {
    CompiledKernel kernel;
    kernel.name = name;
    for (size_t at = 0; (at = parameters.find(".param", at)) != std::string::npos;) {
        const size_t end = std::min(parameters.find(',', at), parameters.size());
        const std::string declaration = parameters.substr(at, end - at);
        const size_t bytes = bytes_of(declaration), aligned = number_after(declaration, ".param .align ");
        const size_t alignment = aligned != 0 ? aligned : bytes;
        const size_t offset = (kernel.parameter_bytes + alignment - 1) / alignment * alignment;
        kernel.parameters.push_back({offset, bytes});
        kernel.parameter_bytes = offset + bytes;
        at = end;
    }
    size_t at = bounds.find(".maxntid");
    if (at != std::string::npos) {
        kernel.most_threads = 1;
        do {
            at = bounds.find_first_of("0123456789", at);
            if (at == std::string::npos) throw std::runtime_error("the PTX has launch bounds without a number");
            kernel.most_threads *= static_cast<unsigned>(std::strtoul(bounds.c_str() + at, nullptr, 10));
            at = bounds.find_first_not_of(" 0123456789", at);
        } while (at != std::string::npos && bounds[at] == ',');
    }
    return kernel;
}

}  // namespace

ModuleImage read_ptx(const char* image) {
    const std::string text = image;
    ModuleImage module;
    module.is_ptx = true;
    module.architecture = static_cast<unsigned>(number_after(text, ".target sm_"));
    if (module.architecture == 0) throw std::runtime_error("the image is neither a cubin nor PTX");
    const std::string entry = ".entry ";
    for (size_t at = 0; (at = text.find(entry, at)) != std::string::npos;) {
        at += entry.size();
        const std::string name = up_to(text, "(", &at), parameters = up_to(text, ")", &at),
                          bounds = up_to(text, "{", &at);
        module.kernels[name] = read_entry(name, parameters, bounds);
    }
    if (module.kernels.empty()) throw std::runtime_error("the PTX holds no kernel");
    return module;
}

}  // namespace spos::checking
