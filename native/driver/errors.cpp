// The names of the driver API's status codes and what they mean, in the words of NVIDIA's driver.
#include "../abi/cuda_driver.h"

namespace {

struct ErrorText {
    CUresult code;
    const char* name;
    const char* text;
};

#define SPOS_ERROR(code, text) \
    { code, #code, text }

constexpr ErrorText kErrors[] = {
    SPOS_ERROR(CUDA_SUCCESS, "no error"),
    SPOS_ERROR(CUDA_ERROR_INVALID_VALUE, "invalid argument"),
    SPOS_ERROR(CUDA_ERROR_OUT_OF_MEMORY, "out of memory"),
    SPOS_ERROR(CUDA_ERROR_NOT_INITIALIZED, "initialization error"),
    SPOS_ERROR(CUDA_ERROR_DEINITIALIZED, "driver shutting down"),
    SPOS_ERROR(CUDA_ERROR_NO_DEVICE, "the kernel libraries for this CPU were not found or not usable"),
    SPOS_ERROR(CUDA_ERROR_INVALID_DEVICE, "invalid device ordinal"),
    SPOS_ERROR(CUDA_ERROR_INVALID_IMAGE, "device kernel image is invalid"),
    SPOS_ERROR(CUDA_ERROR_INVALID_CONTEXT, "invalid device context"),
    SPOS_ERROR(CUDA_ERROR_NO_BINARY_FOR_GPU, "no kernel image is available for execution on the device"),
    SPOS_ERROR(CUDA_ERROR_INVALID_HANDLE, "invalid resource handle"),
    SPOS_ERROR(CUDA_ERROR_NOT_FOUND, "named symbol not found"),
    SPOS_ERROR(CUDA_ERROR_NOT_READY, "device not ready"),
    SPOS_ERROR(CUDA_ERROR_ILLEGAL_ADDRESS, "an illegal memory access was encountered"),
    SPOS_ERROR(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "too many resources requested for launch"),
    SPOS_ERROR(CUDA_ERROR_MISALIGNED_ADDRESS, "misaligned address"),
    SPOS_ERROR(CUDA_ERROR_LAUNCH_FAILED, "unspecified launch failure"),
    SPOS_ERROR(CUDA_ERROR_NOT_SUPPORTED, "operation not supported"),
    SPOS_ERROR(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "operation not permitted when stream is capturing"),
    SPOS_ERROR(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "operation failed due to a previous error during capture"),
    SPOS_ERROR(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "dependency created on uncaptured work in another stream"),
    SPOS_ERROR(CUDA_ERROR_UNKNOWN, "unknown error"),
};

CUresult find(CUresult code, const char** text, const char* ErrorText::*field) {
    if (text == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *text = nullptr;
    for (const ErrorText& error : kErrors) {
        if (error.code != code) continue;
        *text = error.*field;
        return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_VALUE;
}

}  // namespace

CUresult cuGetErrorName(CUresult error, const char** text) { return find(error, text, &ErrorText::name); }
CUresult cuGetErrorString(CUresult error, const char** text) { return find(error, text, &ErrorText::text); }
