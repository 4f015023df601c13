namespace Spos.Field.Cases;

/// <summary>
/// What users meet who begin with a GPU: drivers, libraries and cards that do not work. The driver and NVRTC are stand-ins that answer as
/// the cases want, and compute nothing.
/// </summary>
internal static class StartupCases
{
    // A folder with a driver whose GPU is of sm_90, and an NVRTC. Variables of the environment say what fails.
    private const string Libraries = """
        set -eu
        mkdir -p "$1/gpu" "$1/home"
        {
            echo '#include <stdlib.h>'
            echo 'static int of(const char* name, int otherwise) { const char* text = getenv(name); return text ? atoi(text) : otherwise; }'
            sed -n 's/^SPOS_API CUresult \(cu[A-Za-z0-9_]*\)(.*/\1/p' "$2/native/abi/cuda_driver.h" | grep -vx \
                -e cuInit -e cuDriverGetVersion -e cuGetErrorName -e cuGetErrorString -e cuDeviceGetCount -e cuDeviceGetName \
                -e cuDeviceGetAttribute -e cuDevicePrimaryCtxRetain -e cuModuleLoadData -e cuStreamCreate -e cuMemAlloc_v2 \
                -e cuStreamSynchronize -e "${WITHOUT:-none}" | sed 's/.*/int &(void) { return 0; }/'
            cat <<'CODE'
        int cuInit(unsigned flags) { return of("FAKE_INIT", 0); }
        int cuDriverGetVersion(int* version) { *version = of("FAKE_DRIVER", 13000); return 0; }
        int cuGetErrorName(int error, const char** text) { *text = "CUDA_ERROR_OF_THE_CASE"; return 0; }
        int cuGetErrorString(int error, const char** text) { *text = "as the case wants"; return 0; }
        int cuDeviceGetCount(int* count) { *count = of("FAKE_COUNT", 1); return 0; }
        int cuDeviceGetName(char* name, int length, int device) { name[0] = 'G'; name[1] = 0; return 0; }
        int cuDeviceGetAttribute(int* value, int attribute, int device) {
            *value = attribute == 75 ? 9 : attribute == 76 ? 0 : attribute == 1 ? 1024 : 132;
            return 0;
        }
        int cuDevicePrimaryCtxRetain(void** context, int device) { return of("FAKE_CONTEXT", 0); }
        int cuStreamCreate(void** stream, unsigned flags) { *stream = stream; return 0; }
        int cuMemAlloc_v2(unsigned long* pointer, unsigned long bytes) {
            static unsigned long next = 1 << 20;
            *pointer = next;
            next += bytes;
            return 0;
        }
        int cuModuleLoadData(void** module, const void* image) { return of("FAKE_MODULE", 0); }
        int cuStreamSynchronize(void* stream) { static int calls; return ++calls > of("FAKE_CALLS", 0) ? of("FAKE_RUN", 0) : 0; }
        CODE
        } >"$1/driver.c"
        cat >"$1/nvrtc.c" <<'CODE'
        #include <string.h>
        int nvrtcVersion(int* major, int* minor) { *major = 13; *minor = 0; return 0; }
        const char* nvrtcGetErrorString(int error) { return "as the case wants"; }
        int nvrtcGetNumSupportedArchs(int* count) { *count = 2; return 0; }
        int nvrtcGetSupportedArchs(int* archs) { archs[0] = 80; archs[1] = 90; return 0; }
        int nvrtcCreateProgram(void** program) { *program = program; return 0; }
        int nvrtcCompileProgram(void* program) { return 0; }
        int nvrtcGetProgramLogSize(void* program, unsigned long* size) { *size = 1; return 0; }
        int nvrtcGetProgramLog(void* program, char* log) { *log = 0; return 0; }
        int nvrtcGetCUBINSize(void* program, unsigned long* size) { *size = 4; return 0; }
        int nvrtcGetCUBIN(void* program, char* cubin) { memcpy(cubin, "\177ELF", 4); return 0; }
        int nvrtcGetPTXSize(void* program, unsigned long* size) { *size = 3; return 0; }
        int nvrtcGetPTX(void* program, char* ptx) { memcpy(ptx, "//", 3); return 0; }
        int nvrtcDestroyProgram(void** program) { return 0; }
        CODE
        gcc -w -shared -fPIC -o "$1/gpu/libcuda.so.1" "$1/driver.c"
        gcc -w -shared -fPIC -o "$1/gpu/libnvrtc.so.13" "$1/nvrtc.c"
        """;

    private const string Announced = "compiling 24 kernel files for sm_90 with NVRTC 13.0, once";

    [Case("A GPU that cannot be used costs a line and the CPU computes; asked for by name it is an error that says what to do")]
    public static void Unusable_gpu(Scene scene)
    {
        Make(scene);
        // Another program has the card for itself.
        Fails(scene, "FAKE_CONTEXT=46", "cannot be opened", "nvidia-smi shows which");
        Fails(scene, "FAKE_CONTEXT=2", "cannot be opened", "memory is full");
        // The driver's two halves differ, as after an update.
        Fails(scene, "FAKE_INIT=803", "no NVIDIA GPU that works", "restarted");
        // NVRTC 13 with a driver of CUDA 12.
        Fails(
            scene, "FAKE_DRIVER=12040", "no NVRTC here compiles kernels for this GPU (sm_90) and its driver (CUDA 12.4)",
            "there is 13.0 in", "SPOS_CUDA_DIR");
        Fails(scene, "FAKE_MODULE=209", "kernels do not run on it", "cuModuleLoadData(");
        // The stand-in's kernels compute nothing, which the first one shows.
        Fails(scene, "FAKE_NONE=0", "G computes wrong results");
        // A GPU that is hidden, or none, is no news.
        Run(scene, "auto", "FAKE_INIT=100 CUDA_VISIBLE_DEVICES=", "info").Ended(0).SaidNothing().Printed("no NVIDIA GPU that works");
    }

    [Case("Kernels are compiled at start, which is said, once; a failing one is named where launches run one by one")]
    public static void Kernels_at_start(Scene scene)
    {
        Make(scene);
        Outcome first = Run(scene, "cuda", "FAKE_RUN=700", "info").Ended(1).Printed(
            Announced, "compiled 24 of 24 kernel files", "A kernel or copy on the GPU failed",
            "--sync", "This process cannot use the GPU any more");
        first.Printed("13.0 in ", "libnvrtc.so.13", "CUDA 13.0 in ", "looked first in");
        // The first wait is before the launch.
        Outcome second = Run(scene, "cuda", "FAKE_RUN=700 FAKE_CALLS=1", "info --sync").Ended(1)
            .Said(
                "kernel add_in_place_f32 with a grid of 4×1 blocks of 256×1 threads and the arguments "
                + "(4096 bytes, 4096 bytes, 1000, 256): ");
        CaseFailedException.Unless(!second.Error.Contains("compiling", StringComparison.Ordinal), second.Error);
        Run(scene, "cuda", "FAKE_RUN=700 FAKE_CALLS=1 SPOS_SYNC=1", "info").Ended(1).Said("kernel add_in_place_f32 with");
        Run(scene, "host", "SPOS_SYNC=yes", "info").Ended(2).Said("SPOS_SYNC=yes: 0 and 1 are possible");
    }

    [Case("A driver or an NVRTC that lacks entry points, or is none, is named")]
    public static void Odd_libraries(Scene scene)
    {
        Make(scene, "cuMemAllocAsync");
        Fails(scene, "X=1", "the NVIDIA driver is too old", "has no cuMemAllocAsync");
        Make(scene);
        File.WriteAllText(scene.At("gpu", "libnvrtc.so.13"), "");
        Fails(scene, "X=1", "NVRTC, which compiles the kernels, is missing", "libnvrtc.so.13 cannot be loaded (", "file too short");
        File.Delete(scene.At("gpu", "libnvrtc.so.13"));
        File.Copy(scene.At("gpu", "libcuda.so.1"), scene.At("gpu", "libnvrtc.so.13"));
        Fails(scene, "X=1", "NVRTC, which compiles the kernels, is missing");
        Run(scene, "host", "X=1", "info").Ended(0).Printed("of no use (");
        Fails(scene, $"SPOS_CUDA_DIR='{scene.At("gone")}'", $"SPOS_CUDA_DIR: there is no folder {scene.At("gone")}");
    }

    private static void Make(Scene scene, string without = "none") =>
        Shell.Run($"export WITHOUT={without}\n{Libraries}", scene.Folder, Shell.Checkout).Ended(0);

    private static void Fails(Scene scene, string variables, params string[] words)
    {
        Run(scene, "cuda", variables, "info").Ended(1).Printed([.. words, "Use --device host to compute on the CPU"]);
        Outcome auto = Run(scene, "auto", variables, "info").Ended(0).Printed(["the GPU is not used, but the CPU", "host: ", .. words]);
        string[] lines = [.. auto.ErrorLines.Where(line => !line.Contains("kernel files", StringComparison.Ordinal))];
        CaseFailedException.Unless(lines.Length == 1, auto.Error);
    }

    private static Outcome Run(Scene scene, string device, string variables, string command) =>
        Shell.Run(
            $"export SPOS_CUDA_DIR='{scene.At("gpu")}' XDG_CACHE_HOME='{scene.At("home")}' {variables}\nspos {command} --device {device}");
}
