#include "module_image.h"

#include <cstring>
#include <stdexcept>

namespace spos::checking {

bool ModuleImage::runs_on(unsigned device) const {
    return is_ptx ? architecture <= device : architecture / 10 == device / 10 && architecture % 10 <= device % 10;
}

ModuleImage read_image(const void* image) {
    // An ELF file begins with the byte 0x7f, which no text does.
    return *static_cast<const char*>(image) == 0x7f ? read_cubin(image) : read_ptx(static_cast<const char*>(image));
}

}  // namespace spos::checking
