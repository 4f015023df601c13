// cuDNN's convolutions over oneDNN, on the CPU. Work runs at once, whatever the stream.
#include "../cudnn/convolution.h"

#include <dnnl.hpp>

namespace spos::cudnn {
namespace {

using dnnl::algorithm;
using dnnl::memory;

memory::desc describe(const cudnnTensorStruct& t) {
    return {{t.n, t.c, t.h, t.w},
            memory::data_type::f32,
            t.format == CUDNN_TENSOR_NHWC ? memory::format_tag::nhwc : memory::format_tag::nchw};
}

memory::desc describe(const cudnnFilterStruct& f, int groups) {
    const bool nhwc = f.format == CUDNN_TENSOR_NHWC;
    if (groups == 1) {
        return {
            {f.k, f.c, f.h, f.w}, memory::data_type::f32, nhwc ? memory::format_tag::ohwi : memory::format_tag::oihw};
    }
    const memory::dims sizes{groups, f.k / groups, f.c, f.h, f.w};
    if (!nhwc) return {sizes, memory::data_type::f32, memory::format_tag::goihw};
    const memory::dim pixel = f.c, row = pixel * f.w, filter = row * f.h;
    return {sizes, memory::data_type::f32, memory::dims{filter * (f.k / groups), filter, 1, row, pixel}};
}

// The same sizes in whatever layout oneDNN likes best.
memory::desc any_layout(const memory::desc& given) {
    return {given.dims(), memory::data_type::f32, memory::format_tag::any};
}

// A buffer in the caller's layout beside what the primitive wants; data moves between them only if they differ.
class Argument {
 public:
    Argument(const dnnl::engine& engine, dnnl::stream& stream, const memory::desc& given, const memory::desc& wanted,
             void* data)
        : stream_(stream), user_(given, engine, data), own_(user_) {
        if (given != wanted) own_ = memory(wanted, engine);
    }
    memory& load() {
        if (own_.get() != user_.get()) dnnl::reorder(user_, own_).execute(stream_, user_, own_);
        return own_;
    }
    memory& target() { return own_; }
    void store() {
        if (own_.get() != user_.get()) dnnl::reorder(own_, user_).execute(stream_, own_, user_);
    }

 private:
    dnnl::stream& stream_;
    memory user_, own_;
};

class OneDnn : public Backend {
 public:
    // oneDNN brings its own scratch memory.
    size_t workspace_bytes(Pass, const Problem&) override { return 0; }

    cudnnStatus_t convolve(CUstream, Pass pass, const Problem& problem, const Operands& operands) override {
        try {
            run(pass, problem, operands);
            return CUDNN_STATUS_SUCCESS;
        } catch (const dnnl::error& error) {
            return error.status == dnnl_unimplemented ? CUDNN_STATUS_NOT_SUPPORTED : CUDNN_STATUS_EXECUTION_FAILED;
        }
    }

 private:
    void run(Pass pass, const Problem& problem, const Operands& operands) {
        const auto& c = problem.convolution;
        const memory::desc x = describe(problem.x), w = describe(problem.w, c.groups), y = describe(problem.y);
        const memory::desc any_x = any_layout(x), any_w = any_layout(w), any_y = any_layout(y);
        const memory::dims strides{c.stride_h, c.stride_w}, dilations{c.dilation_h - 1, c.dilation_w - 1};
        const memory::dims padding{c.pad_h, c.pad_w};
        const dnnl::convolution_forward::primitive_desc forward(
            {dnnl::prop_kind::forward_training, algorithm::convolution_direct, any_x, any_w, any_y, strides, dilations,
             padding, padding},
            engine_);
        const auto argument = [&](const memory::desc& given, const memory::desc& wanted, void* data) {
            return Argument(engine_, stream_, given, wanted, data);
        };
        if (pass == Pass::kForward) {
            Argument source = argument(x, forward.src_desc(), operands.x);
            Argument weights = argument(w, forward.weights_desc(), operands.w);
            Argument result = argument(y, forward.dst_desc(), operands.y);
            dnnl::convolution_forward(forward).execute(
                stream_,
                {{DNNL_ARG_SRC, source.load()}, {DNNL_ARG_WEIGHTS, weights.load()}, {DNNL_ARG_DST, result.target()}});
            result.store();
        } else if (pass == Pass::kBackwardData) {
            const dnnl::convolution_backward_data::primitive_desc backward(
                {algorithm::convolution_direct, any_x, any_w, any_y, strides, dilations, padding, padding}, engine_,
                forward);
            Argument gradient = argument(y, backward.diff_dst_desc(), operands.y);
            Argument weights = argument(w, backward.weights_desc(), operands.w);
            Argument result = argument(x, backward.diff_src_desc(), operands.x);
            dnnl::convolution_backward_data(backward).execute(stream_, {{DNNL_ARG_DIFF_DST, gradient.load()},
                                                                        {DNNL_ARG_WEIGHTS, weights.load()},
                                                                        {DNNL_ARG_DIFF_SRC, result.target()}});
            result.store();
        } else {
            const dnnl::convolution_backward_weights::primitive_desc backward(
                {algorithm::convolution_direct, any_x, any_w, any_y, strides, dilations, padding, padding}, engine_,
                forward);
            Argument source = argument(x, backward.src_desc(), operands.x);
            Argument gradient = argument(y, backward.diff_dst_desc(), operands.y);
            Argument result = argument(w, backward.diff_weights_desc(), operands.w);
            dnnl::convolution_backward_weights(backward).execute(stream_, {{DNNL_ARG_SRC, source.load()},
                                                                           {DNNL_ARG_DIFF_DST, gradient.load()},
                                                                           {DNNL_ARG_DIFF_WEIGHTS, result.target()}});
            result.store();
        }
        stream_.wait();
    }

    dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream_{engine_};
};

}  // namespace

std::unique_ptr<Backend> make_backend() { return std::make_unique<OneDnn>(); }

}  // namespace spos::cudnn
