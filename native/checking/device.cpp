// Initialisation, the devices and their primary contexts. At their end nothing may be left over.
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>

#include "../abi/spos_checking.h"
#include "call.h"
#include "checked_device.h"

using namespace spos::checking;

namespace {

thread_local CheckedDevice* t_current = nullptr;

// Whatever is pending runs, so that its faults are found too.
void end_context(CheckedDevice& device) {
    const Emulator* emulator = Emulator::instance();
    if (emulator == nullptr || device.users == 0) return;
    CheckedDevice* const before = t_current;
    emulator->cuCtxSetCurrent(device.context);
    t_current = &device;
    told(*emulator, "the work that was left", emulator->cuCtxSynchronize());
    if (findings().empty()) device.ledger.tell_of_leaks();
    emulator->cuCtxSetCurrent(before == nullptr ? nullptr : before->context);
    t_current = before;
}

void end_all_contexts() {
    std::lock_guard lock(mutex());
    for (int i = 0; i < CheckedDevice::count(); ++i) end_context(CheckedDevice::of(i));
}

// A variable of the environment that says what the device is like.
struct Variable {
    const char* name;
    int least, most, otherwise;

    // None if it holds anything but a whole number of this range.
    std::optional<int> value() const {
        const char* text = std::getenv(name);
        if (text == nullptr || *text == '\0') return otherwise;
        const char* const end = text + std::strlen(text);
        int number = 0;
        const auto [stop, error] = std::from_chars(text, end, number);
        if (error != std::errc() || stop != end || number < least || number > most) return std::nullopt;
        return number;
    }
};

constexpr Variable kDry{"SPOS_CHECKING_DRY", 0, 1, 0}, kArchitecture{"SPOS_CHECKED_ARCHITECTURE", 30, 999, 90},
    // How many there are decides how kernels are cut into blocks. 0 for the emulator's own.
    kMultiprocessors{"SPOS_CHECKED_MULTIPROCESSORS", 1, 1024, 0}, kDevices{"SPOS_CHECKED_DEVICES", 1, 16, 1};

// What is wrong with the variables, or an empty text.
std::string fault_of_variables() {
    for (const Variable& variable : {kDry, kArchitecture, kMultiprocessors, kDevices}) {
        if (variable.value()) continue;
        return std::string(variable.name) + "=" + std::getenv(variable.name) + ": a whole number from " +
               std::to_string(variable.least) + " to " + std::to_string(variable.most) + " is possible";
    }
    return "";
}

// cuInit has looked at what they hold.
int architecture() { return kArchitecture.value().value_or(kArchitecture.otherwise); }
int multiprocessors() { return kMultiprocessors.value().value_or(kMultiprocessors.otherwise); }

}  // namespace

int CheckedDevice::count() {
    static const int count = kDevices.value().value_or(kDevices.otherwise);
    return count;
}

CheckedDevice& CheckedDevice::of(int number) {
    static auto* const all = new std::map<int, CheckedDevice>;
    CheckedDevice& device = (*all)[number];
    device.number = number;
    return device;
}

CheckedDevice& CheckedDevice::current() { return t_current == nullptr ? of(0) : *t_current; }

void CheckedDevice::make_current(CUcontext context) {
    t_current = nullptr;
    for (int i = 0; i < count(); ++i) {
        if (context != nullptr && of(i).context == context) t_current = &of(i);
    }
}

std::string spos::checking::stranger(CUstream stream) {
    if (stream == nullptr || Ledger::instance().streams.count(stream) != 0) return {};
    const std::string owner = elsewhere([&](const Ledger& other) { return other.streams.count(stream) != 0; });
    return owner.empty() ? "a stream that there is not" : "a stream" + owner;
}

std::recursive_mutex& spos::checking::mutex() {
    static auto* const mutex = new std::recursive_mutex;
    return *mutex;
}

CUresult spos::checking::told(const Emulator& emulator, const char* call, CUresult result) {
    if (result == CUDA_SUCCESS || result == CUDA_ERROR_NOT_READY || result == CUDA_ERROR_OUT_OF_MEMORY) return result;
    const char *report = nullptr, *name = nullptr;
    emulator.sposSimtGetReport(&report);
    if (report != nullptr) {
        // Every later call fails of it too.
        std::string& told_last = CheckedDevice::current().told;
        if (told_last == report) return result;
        told_last = report;
        return found(result, std::string(call) + ": " + report);
    }
    cuGetErrorName(result, &name);
    return found(result, std::string(call) + ": " + (name ? name : "an unknown error"));
}

CUresult sposCheckingGetFindings(const char** text) {
    if (text == nullptr) return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(mutex());
    *text = findings().empty() ? nullptr : findings().c_str();
    return CUDA_SUCCESS;
}

int sposCheckingIsDry() { return is_dry() ? 1 : 0; }

CUresult cuInit(unsigned int flags) {
    before_exit(end_all_contexts);
    return checked("cuInit", [&](const Emulator& emulator) {
        const std::string fault = fault_of_variables();
        if (!fault.empty()) return found(CUDA_ERROR_INVALID_VALUE, fault);
        const CUresult result = emulator.sposSetDeviceCount(CheckedDevice::count());
        return result == CUDA_SUCCESS ? emulator.cuInit(flags) : result;
    });
}

// Of the first driver that knows all that is bound here.
CUresult cuDriverGetVersion(int* version) {
    if (version == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *version = 13000;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int* count) {
    return checked("cuDeviceGetCount", [&](const Emulator& emulator) {
        const CUresult result = emulator.cuDeviceGetCount(count);
        // A process that uses the emulated GPU beside this driver may want more of it.
        if (result == CUDA_SUCCESS) *count = CheckedDevice::count();
        return result;
    });
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
    return checked("cuDeviceGet", [&](const Emulator& emulator) { return emulator.cuDeviceGet(device, ordinal); });
}

CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
    return checked("cuDeviceGetName", [&](const Emulator& emulator) {
        const CUresult result = emulator.cuDeviceGetName(name, length, device);
        const std::string more = is_dry() ? ", every call checked and none run" : ", every call checked";
        if (result == CUDA_SUCCESS && std::strlen(name) + more.size() < static_cast<size_t>(length)) {
            std::strcat(name, more.c_str());
        }
        return result;
    });
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device) {
    return checked("cuDeviceGetAttribute", [&](const Emulator& emulator) {
        const CUresult result = emulator.cuDeviceGetAttribute(value, attribute, device);
        if (result != CUDA_SUCCESS) return result;
        if (attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) *value = architecture() / 10;
        if (attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR) *value = architecture() % 10;
        if (attribute == CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT && multiprocessors() > 0) *value = multiprocessors();
        return result;
    });
}

CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
    return checked("cuDeviceTotalMem", [&](const Emulator& emulator) {
        const CUresult result = emulator.cuDeviceTotalMem_v2(bytes, device);
        if (result == CUDA_SUCCESS && is_dry()) *bytes = CheckedDevice::of(device).dry_memory.total_bytes();
        return result;
    });
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
    return checked("cuDevicePrimaryCtxRetain", [&](const Emulator& emulator) {
        const CUresult result = emulator.cuDevicePrimaryCtxRetain(context, device);
        if (result != CUDA_SUCCESS) return result;
        CheckedDevice& checked_device = CheckedDevice::of(device);
        ++checked_device.users;
        checked_device.context = *context;
        return result;
    });
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    return checked("cuDevicePrimaryCtxRelease", [&](const Emulator& emulator) {
        CheckedDevice& checked_device = CheckedDevice::of(device);
        if (checked_device.users == 1) end_context(checked_device);
        const CUresult result = emulator.cuDevicePrimaryCtxRelease_v2(device);
        if (result == CUDA_SUCCESS) --checked_device.users;
        return result;
    });
}

// For tests that go on after a fault: what was on the device and all that was found is forgotten.
CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
    return checked("cuDevicePrimaryCtxReset", [&](const Emulator& emulator) {
        const CUresult result = emulator.cuDevicePrimaryCtxReset_v2(device);
        CheckedDevice& checked_device = CheckedDevice::of(device);
        checked_device.ledger.forget_memory();
        checked_device.dry_memory.forget();
        checked_device.told.clear();
        forget_findings();
        return result;
    });
}

CUresult cuCtxSetCurrent(CUcontext context) {
    return checked("cuCtxSetCurrent", [&](const Emulator& emulator) {
        const CUresult result = emulator.cuCtxSetCurrent(context);
        if (result == CUDA_SUCCESS) CheckedDevice::make_current(context);
        return result;
    });
}

CUresult cuCtxSynchronize() {
    return checked("cuCtxSynchronize", [](const Emulator& emulator) { return emulator.cuCtxSynchronize(); });
}

CUresult cuMemGetInfo_v2(size_t* free_bytes, size_t* total_bytes) {
    return checked("cuMemGetInfo", [&](const Emulator& emulator) {
        const CUresult result = emulator.cuMemGetInfo_v2(free_bytes, total_bytes);
        if (result != CUDA_SUCCESS || !is_dry()) return result;
        *free_bytes = DryMemory::instance().free_bytes();
        *total_bytes = DryMemory::instance().total_bytes();
        return result;
    });
}
