// The checking driver: a right program runs through it and comes to the right results, and each fault that is planted
// is told of and fails.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <iostream>
#include <numeric>
#include <string>
#include <utility>

#include "../abi/cuda_driver_12_4.h"
#include "../abi/cuda_graphs.h"
#include "../abi/spos_checking.h"
#include "cubin_image.h"
#include "driver.h"

namespace {

constexpr int kCount = 64;
constexpr size_t kBytes = kCount * sizeof(float);

// Of kernels/relu.cu.
const KernelImage kForward{"relu_forward", {8, 8, 8, 4}}, kBackward{"relu_backward", {8, 8, 8, 8, 4}};

std::string findings() {
    const char* text = nullptr;
    OK(sposCheckingGetFindings(&text));
    return text == nullptr ? "" : text;
}

// A device with two streams, buffers and a kernel.
class Scene {
 public:
    explicit Scene(KernelImage forward = kForward) {
        OK(cuModuleLoadData(&module, CubinImage({forward, kBackward}).data()));
        OK(cuModuleGetFunction(&relu, module, "relu_forward"));
        for (CUstream* stream : {&first, &second}) OK(cuStreamCreate(stream, 1));
        for (CUdeviceptr* buffer : {&x, &y, &z}) OK(cuMemAlloc_v2(buffer, kBytes));
        std::vector<float> values(kCount);
        std::iota(values.begin(), values.end(), -3.0f);
        OK(cuMemcpyHtoDAsync_v2(x, values.data(), kBytes, first));
        OK(cuStreamSynchronize(first));
    }
    // What is there still goes; a fault may have left the device unusable.
    ~Scene() {
        cuDevicePrimaryCtxReset_v2(0);
        for (CUstream stream : {first, second}) cuStreamDestroy_v2(stream);
        cuModuleUnload(module);
        cuDevicePrimaryCtxReset_v2(0);
    }

    // target = relu(source) on a stream.
    CUresult launch(CUstream stream, CUdeviceptr target, CUdeviceptr source, unsigned grid = 1, unsigned grid_y = 1,
                    unsigned block = 32, unsigned shared_bytes = 0) {
        int64_t length = kCount;
        int per_block = kCount;
        void* parameters[] = {&target, &source, &length, &per_block};
        return cuLaunchKernel(relu, grid, grid_y, 1, block, 1, 1, shared_bytes, stream, parameters, nullptr);
    }

    std::vector<float> download(CUdeviceptr source) {
        std::vector<float> values(kCount);
        OK(cuMemcpyDtoHAsync_v2(values.data(), source, kBytes, second));
        OK(cuStreamSynchronize(second));
        return values;
    }

    CUcontext context() const { return context_.get(); }

    CUmodule module = nullptr;
    CUfunction relu = nullptr;
    CUstream first = nullptr, second = nullptr;
    CUdeviceptr x = 0, y = 0, z = 0;

 private:
    Context context_;
};

struct Fault {
    std::string name;
    std::function<CUresult(Scene&)> plant;
    const char* told;
    KernelImage forward = kForward;
};

KernelImage relu_with(std::function<void(KernelImage&)> change) {
    KernelImage image = kForward;
    change(image);
    return image;
}

const Fault kFaults[] = {
    {"an argument smaller than its parameter",
     [](Scene& s) {
         // The length is taken for an int, and the next argument follows.
         struct {
             CUdeviceptr y, x;
             int length, per_block;
         } packed{s.y, s.x, kCount, kCount};
         void* parameters[] = {&packed.y, &packed.x, &packed.length, &packed.per_block};
         return cuLaunchKernel(s.relu, 1, 1, 1, 32, 1, 1, 0, s.first, parameters, nullptr);
     },
     "argument 2 of 4 takes 8 bytes, but argument 3 begins after 4"},
    {"an argument too few",
     [](Scene& s) {
         int64_t length = kCount;
         void* parameters[] = {&s.y, &s.x, &length, nullptr};
         return cuLaunchKernel(s.relu, 1, 1, 1, 32, 1, 1, 0, s.first, parameters, nullptr);
     },
     "argument 3 of 4 is missing"},
    {"a grid too large", [](Scene& s) { return s.launch(s.first, s.y, s.x, 1, 65536); },
     "the grid is too large: 1 x 65536"},
    {"an empty grid", [](Scene& s) { return s.launch(s.first, s.y, s.x, 0); }, "an empty grid of 0 x 1 x 1"},
    {"a block beyond the launch bounds", [](Scene& s) { return s.launch(s.first, s.y, s.x, 1, 1, 288); },
     "a block of 288 threads, where the launch bounds say 256"},
    {"too many registers", [](Scene& s) { return s.launch(s.first, s.y, s.x, 1, 1, 1024); },
     "a block needs 98304 registers", relu_with([](KernelImage& k) { k.most_threads = 1024, k.registers = 90; })},
    {"too much shared memory", [](Scene& s) { return s.launch(s.first, s.y, s.x, 1, 1, 32, 8 << 10); },
     "a block needs 50176 bytes of shared memory", relu_with([](KernelImage& k) { k.shared_bytes = 41 << 10; })},
    {"a graph that was destroyed",
     [](Scene& s) {
         CUgraph graph = nullptr;
         CUgraphExec executable = nullptr;
         OK(cuStreamBeginCapture_v2(s.first, CU_STREAM_CAPTURE_MODE_RELAXED));
         OK(s.launch(s.first, s.y, s.x));
         OK(cuStreamEndCapture(s.first, &graph));
         OK(cuGraphInstantiateWithFlags(&executable, graph, 0));
         OK(cuGraphDestroy(graph));
         OK(cuGraphExecDestroy(executable));
         return cuGraphLaunch(executable, s.first);
     },
     "cuGraphLaunch of a graph that there is not"},
    {"a wait while a stream is captured",
     [](Scene& s) {
         OK(cuStreamBeginCapture_v2(s.first, CU_STREAM_CAPTURE_MODE_RELAXED));
         return cuStreamSynchronize(s.first);
     },
     "cuStreamSynchronize: CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"},
    {"a missing event",
     [](Scene& s) {
         OK(s.launch(s.first, s.y, s.x));
         OK(s.launch(s.second, s.z, s.y));
         return cuCtxSynchronize();
     },
     "which no event or synchronisation orders before this"},
    {"an event that was recorded too early",
     [](Scene& s) {
         CUevent event = nullptr;
         OK(cuEventCreate(&event, 2));
         OK(cuEventRecord(event, s.first));
         OK(s.launch(s.first, s.y, s.x));
         OK(cuStreamWaitEvent(s.second, event, 0));
         OK(cuEventDestroy_v2(event));
         OK(s.launch(s.second, s.z, s.y));
         return cuCtxSynchronize();
     },
     "which no event or synchronisation orders before this"},
    {"a copy that does not wait for the kernel",
     [](Scene& s) {
         OK(s.launch(s.first, s.y, s.x));
         OK(cuMemcpyDtoDAsync_v2(s.z, s.y, kBytes, s.second));
         return cuCtxSynchronize();
     },
     "which no event or synchronisation orders before this"},
    {"a wait before the event was recorded",
     [](Scene& s) {
         CUevent event = nullptr;
         OK(cuEventCreate(&event, 2));
         const CUresult result = cuStreamWaitEvent(s.second, event, 0);
         OK(cuEventDestroy_v2(event));
         return result;
     },
     "cuStreamWaitEvent: the event was never recorded"},
    {"an event that was destroyed",
     [](Scene& s) {
         CUevent event = nullptr;
         OK(cuEventCreate(&event, 2));
         OK(cuEventRecord(event, s.first));
         OK(cuEventDestroy_v2(event));
         return cuStreamWaitEvent(s.second, event, 0);
     },
     "cuStreamWaitEvent: the event was destroyed"},
    {"a buffer that was freed",
     [](Scene& s) {
         OK(cuMemFree_v2(s.x));
         return s.launch(s.first, s.y, s.x);
     },
     "argument 1 of 4 is buffer 1 of 256 bytes, which was freed"},
    {"a buffer freed twice",
     [](Scene& s) {
         OK(cuMemFree_v2(s.x));
         return cuMemFree_v2(s.x);
     },
     "cuMemFree: buffer 1 of 256 bytes was freed before"},
    {"a pointer between two buffers", [](Scene& s) { return s.launch(s.first, s.y, s.y + kBytes + 64); },
     "argument 1 of 4 is a pointer into no buffer"},
    {"a copy beyond its buffer", [](Scene& s) { return cuMemcpyDtoDAsync_v2(s.y + 16, s.x, kBytes, s.first); },
     "cuMemcpyDtoDAsync: 256 bytes at byte 16 of buffer 2 of 256 bytes"},
    {"a kernel that goes beyond its buffer",
     [](Scene& s) {
         OK(s.launch(s.first, s.y + 16, s.x));
         return cuCtxSynchronize();
     },
     "out of bounds: writes 4 bytes"},
    {"memory that was never written",
     [](Scene& s) {
         OK(s.launch(s.first, s.y, s.z));
         return cuCtxSynchronize();
     },
     "uninitialised: reads 4 bytes"},
    {"a stream that was destroyed",
     [](Scene& s) {
         CUstream stream = nullptr;
         OK(cuStreamCreate(&stream, 1));
         OK(cuStreamDestroy_v2(stream));
         return s.launch(stream, s.y, s.x);
     },
     "on a stream that there is not"},
    {"a cubin for another GPU",
     [](Scene&) {
         CUmodule module = nullptr;
         return cuModuleLoadData(&module, CubinImage({kForward, kBackward}, 80).data());
     },
     "a cubin for sm_80"},
    {"a cubin of other parameters",
     [](Scene&) {
         CUmodule module = nullptr;
         return cuModuleLoadData(&module, CubinImage({{"relu_forward", {8, 8, 4, 4}}, kBackward}).data());
     },
     "the module's relu_forward has other parameters"},
    {"a thread without the context",
     [](Scene&) {
         cuCtxSetCurrent(nullptr);
         return cuCtxSynchronize();
     },
     "CUDA_ERROR_INVALID_CONTEXT"},
};

}  // namespace

TEST_CASE("a right program has no findings, and the right results") {
    Scene scene;
    CUevent event = nullptr;
    OK(cuEventCreate(&event, 2));
    OK(scene.launch(scene.first, scene.y, scene.x));
    OK(cuEventRecord(event, scene.first));
    OK(cuStreamWaitEvent(scene.second, event, 0));
    OK(cuMemcpyDtoDAsync_v2(scene.z, scene.y, kBytes, scene.second));
    const std::vector<float> values = scene.download(scene.z);
    for (int i = 0; i < kCount; ++i) CHECK(values[static_cast<size_t>(i)] == (i < 3 ? 0 : i - 3));
    OK(cuEventDestroy_v2(event));
    CHECK(findings().empty());
}

TEST_CASE("planted faults are told of, and fail") {
    for (const Fault& fault : kFaults) {
        CAPTURE(fault.name);
        Scene scene(fault.forward);
        REQUIRE(findings().empty());
        CHECK(fault.plant(scene) != CUDA_SUCCESS);
        const std::string told = findings();
        CAPTURE(told);
        CHECK(told.find(fault.told) != std::string::npos);
    }
}

TEST_CASE("what is one device's is told of where the other is current") {
    struct Mistake {
        std::string told;
        std::function<CUresult(Scene&, CUevent, CUstream)> make;
    };
    const Mistake mistakes[] = {
        {"cuLaunchKernel of relu_forward: it was loaded on device 0, where device 1 is current",
         [](Scene& s, CUevent, CUstream there) { return s.launch(there, s.y, s.x); }},
        {"cuLaunchKernel of relu_forward: on a stream of device 0, where device 1 is current",
         [](Scene& s, CUevent, CUstream) { return s.launch(s.first, s.y, s.x); }},
        {"cuStreamWaitEvent: an event of device 0, where device 1 is current",
         [](Scene&, CUevent event, CUstream there) { return cuStreamWaitEvent(there, event, 0); }},
        {"cuMemsetD8Async: a pointer into a buffer of device 0, where device 1 is current",
         [](Scene& s, CUevent, CUstream there) { return cuMemsetD8Async(s.x, 0, kBytes, there); }},
        {"cuMemFree: a buffer of device 0, where device 1 is current",
         [](Scene& s, CUevent, CUstream) { return cuMemFree_v2(s.x); }},
    };
    for (const Mistake& mistake : mistakes) {
        CAPTURE(mistake.told);
        Scene scene;
        CUcontext second = nullptr;
        CUevent event = nullptr;
        CUstream there = nullptr;
        OK(cuEventCreate(&event, 2));
        OK(cuEventRecord(event, scene.first));
        OK(cuDevicePrimaryCtxRetain(&second, 1));
        OK(cuCtxSetCurrent(second));
        OK(cuStreamCreate(&there, 1));
        CHECK(findings().empty());
        CHECK(mistake.make(scene, event, there) != CUDA_SUCCESS);
        CHECK(findings().find(mistake.told) != std::string::npos);
        OK(cuDevicePrimaryCtxReset_v2(1));
        OK(cuStreamDestroy_v2(there));
        OK(cuDevicePrimaryCtxRelease_v2(1));
        OK(cuCtxSetCurrent(scene.context()));
        OK(cuEventDestroy_v2(event));
    }
}

TEST_CASE("the layout of a kernel's parameters can be asked for") {
    Scene scene;
    const size_t offsets[] = {0, 8, 16, 24}, sizes[] = {8, 8, 8, 4};
    size_t offset = 0, bytes = 0;
    for (size_t i = 0; i < 4; ++i) {
        OK(cuFuncGetParamInfo(scene.relu, i, &offset, &bytes));
        CHECK(offset == offsets[i]);
        CHECK(bytes == sizes[i]);
    }
    CHECK(findings().empty());
    CHECK(cuFuncGetParamInfo(scene.relu, 4, &offset, &bytes) == CUDA_ERROR_INVALID_VALUE);
    CHECK(findings().find("relu_forward has 4 parameters and no number 4") != std::string::npos);
}

TEST_CASE("PTX is read, of this and of earlier architectures") {
    const std::string entries = R"(
// Two kernels.
.visible .entry relu_forward(
	.param .u64 .ptr .align 1 relu_forward_param_0,
	.param .u64 relu_forward_param_1,
	.param .u64 relu_forward_param_2,
	.param .u32 relu_forward_param_3
)
.maxntid 128, 1, 1
{
	ret;
}
.visible .entry relu_backward(
	.param .align 8 .b8 relu_backward_param_0[8],
	.param .u64 relu_backward_param_1,
	.param .u64 relu_backward_param_2,
	.param .s64 relu_backward_param_3,
	.param .f32 relu_backward_param_4)
{
	ret;
}
)";
    Scene scene;
    CUmodule module = nullptr;
    CUfunction relu = nullptr;
    OK(cuModuleLoadData(&module, (".version 7.8\n.target sm_80\n" + entries).c_str()));
    OK(cuModuleGetFunction(&relu, module, "relu_forward"));
    std::swap(relu, scene.relu);
    OK(scene.launch(scene.first, scene.y, scene.x, 1, 1, 128));
    OK(cuStreamSynchronize(scene.first));
    CHECK(findings().empty());
    CHECK(scene.launch(scene.first, scene.y, scene.x, 1, 1, 160) == CUDA_ERROR_INVALID_VALUE);
    CHECK(findings().find("the launch bounds say 128") != std::string::npos);
    OK(cuModuleUnload(module));
    for (const std::string& wrong :
         {".version 7.8\n.target sm_100\n" + entries, ".version 7.8\n.target sm_80\n" + entries.substr(0, 200),
          std::string("nothing of this kind")}) {
        CHECK(cuModuleLoadData(&module, wrong.c_str()) != CUDA_SUCCESS);
    }
}

TEST_CASE("damaged cubins are refused") {
    const Context context;
    const std::string whole = CubinImage({kForward, kBackward}).bytes();
    // The header says how large the image is, and is believed; each byte behind it is not.
    for (size_t at = sizeof(Elf64_Ehdr); at < whole.size(); ++at) {
        std::string image = whole;
        image[at] = static_cast<char>(image[at] ^ 0x40);
        CUmodule module = nullptr;
        if (cuModuleLoadData(&module, image.data()) == CUDA_SUCCESS) OK(cuModuleUnload(module));
    }
}

TEST_CASE("what is left over at the end of the context is told of") {
    CUstream stream = nullptr;
    CUevent event = nullptr;
    CUdeviceptr buffer = 0;
    void* pinned = nullptr;
    CUgraph graph = nullptr;
    CUgraphExec executable = nullptr;
    CUcontext context = nullptr;
    OK(cuDevicePrimaryCtxRetain(&context, 0));
    OK(cuCtxSetCurrent(context));
    OK(cuMemAlloc_v2(&buffer, 1000));
    OK(cuStreamCreate(&stream, 1));
    OK(cuEventCreate(&event, 2));
    OK(cuMemHostAlloc(&pinned, 16, 0));
    OK(cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
    OK(cuStreamEndCapture(stream, &graph));
    OK(cuGraphInstantiateWithFlags(&executable, graph, 0));
    OK(cuDevicePrimaryCtxRelease_v2(0));
    const std::string told = findings();
    CAPTURE(told);
    CHECK(told.find("leak: 1 buffers of device memory not given back, 1000 bytes in all") != std::string::npos);
    CHECK(told.find("leak: 1 pieces of page-locked memory") != std::string::npos);
    CHECK(told.find("leak: 1 streams") != std::string::npos);
    CHECK(told.find("leak: 1 events") != std::string::npos);
    CHECK(told.find("leak: 1 graphs") != std::string::npos);
    CHECK(told.find("leak: 1 executable graphs") != std::string::npos);
    {
        const Context again;
        OK(cuMemFreeHost(pinned));
        OK(cuGraphDestroy(graph));
        OK(cuGraphExecDestroy(executable));
        OK(cuEventDestroy_v2(event));
        OK(cuStreamDestroy_v2(stream));
    }
    CHECK(findings().empty());
}

TEST_CASE("a process that did something wrong does not end with success") {
    for (bool leak : {false, true}) {
        std::cout.flush();
        const pid_t child = fork();
        if (child == 0) {
            CUcontext context = nullptr;
            CUdeviceptr buffer = 0;
            cuDevicePrimaryCtxRetain(&context, 0);
            cuCtxSetCurrent(context);
            cuMemAlloc_v2(&buffer, 4);
            if (!leak) cuMemFree_v2(buffer);
            std::exit(0);
        }
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        REQUIRE(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == (leak ? 86 : 0));
    }
}

TEST_CASE("variables that say what no device is like are told of") {
    const std::pair<const char*, const char*> wrong[] = {
        {"SPOS_CHECKED_MULTIPROCESSORS", "many"}, {"SPOS_CHECKED_MULTIPROCESSORS", "0"},
        {"SPOS_CHECKED_MULTIPROCESSORS", "132x"}, {"SPOS_CHECKED_ARCHITECTURE", "sm_90"},
        {"SPOS_CHECKED_DEVICES", "17"},           {"SPOS_CHECKING_DRY", "yes"}};
    for (const auto& [name, text] : wrong) {
        CAPTURE(name);
        CAPTURE(text);
        setenv(name, text, 1);
        CHECK(cuInit(0) == CUDA_ERROR_INVALID_VALUE);
        CHECK(findings().rfind(std::string(name) + "=" + text + ": a whole number from ", 0) == 0);
        unsetenv(name);
        OK(cuInit(0));
        OK(cuDevicePrimaryCtxReset_v2(0));
        CHECK(findings().empty());
    }
}
