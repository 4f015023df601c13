// What stands in for libnccl.so.2 where there are no GPUs, with the entry points that Spos binds: processes of one
// machine leave each other files in a folder, which the unique id names. Values are copied on the stream that is given,
// by the driver's library that the program has loaded, so what was issued to it before is done then.
// FAKE_NCCL_FAILS="CALL PROCESS" has a call of a process fail, once FAKE_NCCL_AFTER ones have not; with
// FAKE_NCCL_SIGNAL the process sends itself that signal in it. FAKE_NCCL_VERSION is another version.
#include <dlfcn.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

enum Result { kSuccess = 0, kUnhandledCudaError = 1, kSystemError = 2, kInvalidArgument = 4, kInvalidUsage = 5 };
constexpr int kFloat32 = 7;
constexpr int kIdBytes = 128;

struct UniqueId {
    char folder[kIdBytes];
};

struct Communicator {
    std::string folder;
    int rank, ranks;
    std::map<int, int> sent, received;
};

struct Call {
    bool is_send;
    uint64_t address;
    size_t count;
    int peer;
    Communicator* communicator;
    void* stream;
};

bool in_group = false;
int own_rank = 0;
Result failure = kSuccess;
std::vector<Call> group;
std::string last_error;

Result fail(Result result, const std::string& why) {
    last_error = why;
    return failure = result;
}

// Whether a call is to fail now.
bool fails(const std::string& call) {
    static int calls = 0;
    const char* wanted = std::getenv("FAKE_NCCL_FAILS");
    if (wanted == nullptr || call + " " + std::to_string(own_rank) != wanted) return false;
    const char* after = std::getenv("FAKE_NCCL_AFTER");
    if (calls++ < (after ? std::atoi(after) : 0)) return false;
    if (const char* number = std::getenv("FAKE_NCCL_SIGNAL")) raise(std::atoi(number));
    return true;
}

template <class Function>
Function driver(const char* name) {
    void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    return library ? reinterpret_cast<Function>(dlsym(library, name)) : nullptr;
}

bool wait_for(void* stream) { return driver<int (*)(void*)>("cuStreamSynchronize")(stream) == 0; }

bool leave(const std::string& path, const void* bytes, size_t size) {
    const std::string unfinished = path + ".new";
    FILE* file = std::fopen(unfinished.c_str(), "wb");
    if (file == nullptr) return false;
    const bool whole = std::fwrite(bytes, 1, size, file) == size;
    return (std::fclose(file) == 0) & whole && std::rename(unfinished.c_str(), path.c_str()) == 0;
}

// Waits, for ever if nobody leaves it.
std::vector<char> take(const std::string& path) {
    FILE* file;
    while ((file = std::fopen(path.c_str(), "rb")) == nullptr) usleep(200);
    std::vector<char> bytes;
    char block[1 << 16];
    for (size_t read; (read = std::fread(block, 1, sizeof block, file)) > 0;)
        bytes.insert(bytes.end(), block, block + read);
    std::fclose(file);
    unlink(path.c_str());
    return bytes;
}

std::string path_of(const Communicator& communicator, int from, int to, int number) {
    return communicator.folder + "/" + std::to_string(from) + "-" + std::to_string(to) + "-" + std::to_string(number);
}

// Returns when all of them are there. A negative number is no message's.
void meet(const Communicator& own, int number) {
    for (int peer = 0; peer < own.ranks; peer++) leave(path_of(own, own.rank, peer, number), "", 0);
    for (int peer = 0; peer < own.ranks; peer++) take(path_of(own, peer, own.rank, number));
}

Result send(const Call& call) {
    Communicator& own = *call.communicator;
    std::vector<float> values(call.count);
    const size_t bytes = call.count * sizeof(float);
    const auto copy = driver<int (*)(void*, uint64_t, size_t, void*)>("cuMemcpyDtoHAsync_v2");
    if (copy(values.data(), call.address, bytes, call.stream) != 0 || !wait_for(call.stream))
        return fail(kUnhandledCudaError, "cannot read what is to be sent");
    const std::string path = path_of(own, own.rank, call.peer, own.sent[call.peer]++);
    return leave(path, values.data(), bytes) ? kSuccess : fail(kSystemError, "cannot write " + path);
}

Result receive(const Call& call) {
    Communicator& own = *call.communicator;
    const std::vector<char> values = take(path_of(own, call.peer, own.rank, own.received[call.peer]++));
    if (values.size() != call.count * sizeof(float)) return fail(kInvalidArgument, "another number of values was sent");
    const auto copy = driver<int (*)(uint64_t, const void*, size_t, void*)>("cuMemcpyHtoDAsync_v2");
    return copy(call.address, values.data(), values.size(), call.stream) == 0 && wait_for(call.stream)
               ? kSuccess
               : fail(kUnhandledCudaError, "cannot write what was received");
}

Result add(const char* name, bool is_send, uint64_t address, size_t count, int type, int peer,
           Communicator* communicator, void* stream) {
    if (!in_group || type != kFloat32 || count == 0 || peer < 0 || peer >= communicator->ranks)
        return fail(kInvalidUsage, std::string(name) + " of something else than Spos sends");
    if (fails(name)) return fail(kSystemError, "the network is down");
    group.push_back({is_send, address, count, peer, communicator, stream});
    return kSuccess;
}

}  // namespace

extern "C" {

Result ncclGetVersion(int* version) {
    const char* other = std::getenv("FAKE_NCCL_VERSION");
    *version = other ? std::atoi(other) : 22105;
    return kSuccess;
}

const char* ncclGetErrorString(Result result) {
    switch (result) {
        case kUnhandledCudaError:
            return "unhandled cuda error";
        case kSystemError:
            return "unhandled system error";
        case kInvalidArgument:
            return "invalid argument";
        default:
            return "invalid usage";
    }
}

const char* ncclGetLastError(Communicator*) { return last_error.c_str(); }

Result ncclGetUniqueId(UniqueId* id) {
    if (fails("ncclGetUniqueId")) return fail(kSystemError, "no network interface");
    const char* folder = std::getenv("FAKE_NCCL_FOLDER");
    const std::string pattern = std::string(folder ? folder : "/tmp") + "/fake-nccl-XXXXXX";
    if (pattern.size() >= kIdBytes) return fail(kSystemError, pattern + " is too long a name");
    std::strcpy(id->folder, pattern.c_str());
    return mkdtemp(id->folder) ? kSuccess : fail(kSystemError, "cannot make " + pattern);
}

Result ncclCommInitRank(Communicator** communicator, int ranks, UniqueId id, int rank) {
    own_rank = rank;
    if (fails("ncclCommInitRank")) return fail(kSystemError, "Duplicate GPU detected");
    *communicator = new Communicator{id.folder, rank, ranks, {}, {}};
    meet(**communicator, -1);
    return kSuccess;
}

// As NCCL's, it may wait for the others.
Result ncclCommDestroy(Communicator* communicator) {
    meet(*communicator, -2);
    delete communicator;
    return kSuccess;
}

Result ncclCommAbort(Communicator* communicator) { return ncclCommDestroy(communicator); }

Result ncclCommGetAsyncError(Communicator*, Result* error) {
    *error = kSuccess;
    return kSuccess;
}

Result ncclGroupStart() {
    in_group = true;
    failure = kSuccess;
    group.clear();
    return kSuccess;
}

Result ncclGroupEnd() {
    if (!in_group) return fail(kInvalidUsage, "no group has begun");
    in_group = false;
    for (const Call& call : group) {
        if (failure == kSuccess && call.is_send) send(call);
    }
    for (const Call& call : group) {
        if (failure == kSuccess && !call.is_send) receive(call);
    }
    return failure;
}

Result ncclSend(uint64_t address, size_t count, int type, int peer, Communicator* communicator, void* stream) {
    return add("ncclSend", true, address, count, type, peer, communicator, stream);
}

Result ncclRecv(uint64_t address, size_t count, int type, int peer, Communicator* communicator, void* stream) {
    return add("ncclRecv", false, address, count, type, peer, communicator, stream);
}

}  // extern "C"
