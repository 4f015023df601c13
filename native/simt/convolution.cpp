// cuDNN's convolutions on the emulated GPU: the definition, in double precision, as work of a stream. It asks for a
// workspace that it does not need, so that whoever forgets to give one finds out.
#include "../cudnn/convolution.h"

#include <algorithm>
#include <vector>

#include "../abi/spos_simt.h"

namespace spos::cudnn {
namespace {

constexpr size_t kWorkspaceBytes = 64;

struct Work {
    Pass pass;
    Problem problem;
    Operands operands;
};

size_t at(cudnnTensorFormat_t format, int channels, int height, int width, int outer, int c, int y, int x) {
    const size_t plane = static_cast<size_t>(height) * width;
    const size_t pixel = static_cast<size_t>(y) * width + x;
    return format == CUDNN_TENSOR_NHWC ? (outer * plane + pixel) * channels + c
                                       : (static_cast<size_t>(outer) * channels + c) * plane + pixel;
}

// Calls visit(index in x, index in w, index in y) for every product of the convolution.
template <class Visit>
void for_each_product(const Problem& p, Visit&& visit) {
    const cudnnConvolutionStruct& c = p.convolution;
    const int group_outputs = p.w.k / c.groups;
    for (int n = 0; n < p.y.n; ++n) {
        for (int k = 0; k < p.w.k; ++k) {
            for (int oy = 0; oy < p.y.h; ++oy) {
                for (int ox = 0; ox < p.y.w; ++ox) {
                    for (int ky = 0; ky < p.w.h; ++ky) {
                        for (int kx = 0; kx < p.w.w; ++kx) {
                            const int iy = oy * c.stride_h - c.pad_h + ky * c.dilation_h;
                            const int ix = ox * c.stride_w - c.pad_w + kx * c.dilation_w;
                            if (iy < 0 || iy >= p.x.h || ix < 0 || ix >= p.x.w) continue;
                            for (int i = 0; i < p.w.c; ++i) {
                                visit(at(p.x.format, p.x.c, p.x.h, p.x.w, n, k / group_outputs * p.w.c + i, iy, ix),
                                      at(p.w.format, p.w.c, p.w.h, p.w.w, k, i, ky, kx),
                                      at(p.y.format, p.y.c, p.y.h, p.y.w, n, k, oy, ox));
                            }
                        }
                    }
                }
            }
        }
    }
}

void run(void* context) {
    const Work& work = *static_cast<const Work*>(context);
    const auto* x = static_cast<float*>(work.operands.x);
    const auto* w = static_cast<float*>(work.operands.w);
    const auto* y = static_cast<float*>(work.operands.y);
    const auto store = [](const std::vector<double>& sums, void* target) {
        std::copy(sums.begin(), sums.end(), static_cast<float*>(target));
    };
    const Problem& p = work.problem;
    if (work.pass == Pass::kForward) {
        std::vector<double> sums(p.y.bytes() / sizeof(float));
        for_each_product(p, [&](size_t i, size_t j, size_t o) { sums[o] += static_cast<double>(x[i]) * w[j]; });
        store(sums, work.operands.y);
    } else if (work.pass == Pass::kBackwardData) {
        std::vector<double> sums(p.x.bytes() / sizeof(float));
        for_each_product(p, [&](size_t i, size_t j, size_t o) { sums[i] += static_cast<double>(y[o]) * w[j]; });
        store(sums, work.operands.x);
    } else {
        std::vector<double> sums(p.w.bytes() / sizeof(float));
        for_each_product(p, [&](size_t i, size_t j, size_t o) { sums[j] += static_cast<double>(y[o]) * x[i]; });
        store(sums, work.operands.w);
    }
}

class Definition : public Backend {
 public:
    size_t workspace_bytes(Pass, const Problem&) override { return kWorkspaceBytes; }

    cudnnStatus_t convolve(CUstream stream, Pass pass, const Problem& problem, const Operands& operands) override {
        const Work work{pass, problem, operands};
        const auto range = [](void* start, size_t bytes, bool written) {
            return sposSimtRange{reinterpret_cast<CUdeviceptr>(start), bytes, written};
        };
        const sposSimtRange ranges[] = {range(operands.x, problem.x.bytes(), pass == Pass::kBackwardData),
                                        range(operands.w, problem.w.bytes(), pass == Pass::kBackwardFilter),
                                        range(operands.y, problem.y.bytes(), pass == Pass::kForward),
                                        range(operands.workspace, kWorkspaceBytes, true)};
        const char* name = pass == Pass::kForward        ? "cudnnConvolutionForward"
                           : pass == Pass::kBackwardData ? "cudnnConvolutionBackwardData"
                                                         : "cudnnConvolutionBackwardFilter";
        return sposSimtIssue(stream, name, run, &work, sizeof work, ranges, 4) == CUDA_SUCCESS
                   ? CUDNN_STATUS_SUCCESS
                   : CUDNN_STATUS_EXECUTION_FAILED;
    }
};

}  // namespace

std::unique_ptr<Backend> make_backend() { return std::make_unique<Definition>(); }

}  // namespace spos::cudnn
