// What stands behind cuDNN's interface: descriptors, and the one thing that each driver does in its own way.
#pragma once

#include <memory>

#include "../abi/cudnn.h"

struct cudnnTensorStruct {
    cudnnTensorFormat_t format = CUDNN_TENSOR_NHWC;
    int n = 0, c = 0, h = 0, w = 0;
    size_t bytes() const { return sizeof(float) * n * c * h * w; }
};

struct cudnnFilterStruct {
    cudnnTensorFormat_t format = CUDNN_TENSOR_NHWC;
    int k = 0, c = 0, h = 0, w = 0;
    size_t bytes() const { return sizeof(float) * k * c * h * w; }
};

struct cudnnConvolutionStruct {
    int pad_h = 0, pad_w = 0, stride_h = 0, stride_w = 0, dilation_h = 1, dilation_w = 1, groups = 1;
};

namespace spos::cudnn {

enum class Pass { kForward, kBackwardData, kBackwardFilter };

// A convolution whose sizes agree.
struct Problem {
    cudnnTensorStruct x;
    cudnnFilterStruct w;
    cudnnTensorStruct y;
    cudnnConvolutionStruct convolution;
};

// Device memory of x, w and y, or of their gradients; the pass says which of them is the result.
struct Operands {
    void *x, *w, *y, *workspace;
};

class Backend {
 public:
    virtual ~Backend() = default;
    virtual size_t workspace_bytes(Pass pass, const Problem& problem) = 0;
    virtual cudnnStatus_t convolve(CUstream stream, Pass pass, const Problem& problem, const Operands& operands) = 0;
};

// The driver's own.
std::unique_ptr<Backend> make_backend();

}  // namespace spos::cudnn
