// Sequences of launches, image by image.
#include <algorithm>
#include <atomic>
#include <vector>

#include "../abi/spos_host.h"
#include "../driver/modules.h"

#include "driver.h"
#include "thread_pool.h"

namespace {

struct Work {
    const SposSequence& sequence;
    unsigned images, images_at_once;
    // Of each thread, since their addresses differ.
    std::vector<unsigned long long> values;
    std::vector<void*> arguments;
    std::atomic<unsigned> next{0};
};

// What one thread does: images, as long as there are any.
void run_thread(void* context, unsigned thread) {
    Work& work = *static_cast<Work*>(context);
    const SposSequence& sequence = work.sequence;
    unsigned long long* const values = work.values.data() + static_cast<size_t>(thread) * sequence.value_count;
    void** const arguments = work.arguments.data() + static_cast<size_t>(thread) * sequence.value_count;
    for (unsigned v = 0; v < sequence.value_count; ++v) {
        values[v] = sequence.values[v];
        arguments[v] = &values[v];
    }
    for (unsigned i; (i = work.next.fetch_add(1, std::memory_order_relaxed)) * work.images_at_once < work.images;) {
        const unsigned first = std::min(i * work.images_at_once, work.images - work.images_at_once);
        for (unsigned a = 0; a < sequence.address_count; ++a) {
            const SposAddress& address = sequence.addresses[a];
            values[address.value] =
                sequence.values[address.value] + first * address.bytes_per_image + thread * address.bytes_per_thread;
        }
        for (unsigned l = 0; l < sequence.launch_count; ++l) {
            const SposLaunch& launch = sequence.launches[l];
            for (unsigned y = 0; y < launch.grid_y; ++y) {
                for (unsigned x = 0; x < launch.grid_x; ++x) {
                    launch.function->kernel->invoke(arguments + launch.first_value, launch.grid_x, launch.grid_y, x, y);
                }
            }
        }
    }
}

}  // namespace

CUresult sposHostRunByImage(const SposSequence* sequence, unsigned int images, unsigned int images_at_once,
                            unsigned int most_threads, CUstream stream) {
    return spos::guarded([&] {
        if (!spos::is_stream(stream)) return CUDA_ERROR_INVALID_HANDLE;
        if (sequence == nullptr || images_at_once == 0 || images < images_at_once || images > 0x7FFFFFFF ||
            most_threads == 0) {
            return CUDA_ERROR_INVALID_VALUE;
        }
        if ((sequence->launch_count != 0 && sequence->launches == nullptr) ||
            (sequence->value_count != 0 && sequence->values == nullptr) ||
            (sequence->address_count != 0 && sequence->addresses == nullptr)) {
            return CUDA_ERROR_INVALID_VALUE;
        }
        for (unsigned a = 0; a < sequence->address_count; ++a) {
            if (sequence->addresses[a].value >= sequence->value_count) return CUDA_ERROR_INVALID_VALUE;
        }
        for (unsigned l = 0; l < sequence->launch_count; ++l) {
            const SposLaunch& launch = sequence->launches[l];
            if (!spos::is_own(launch.function)) return CUDA_ERROR_INVALID_HANDLE;
            if (launch.grid_x == 0 || launch.grid_y == 0) return CUDA_ERROR_INVALID_VALUE;
            const unsigned count = static_cast<unsigned>(launch.function->kernel->parameter_count);
            if (launch.first_value > sequence->value_count || count > sequence->value_count - launch.first_value) {
                return CUDA_ERROR_INVALID_VALUE;
            }
        }
        const unsigned threads = std::min((images - 1) / images_at_once + 1, most_threads);
        const size_t values = static_cast<size_t>(threads) * sequence->value_count;
        Work work{*sequence, images, images_at_once, std::vector<unsigned long long>(values),
                  std::vector<void*>(values)};
        spos::ThreadPool::of(spos::current_device()).run(threads, run_thread, &work);
        return CUDA_SUCCESS;
    });
}
