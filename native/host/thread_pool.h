// Runs the blocks of a launch on the calling thread and on helpers that join it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace spos {

class ThreadPool {
 public:
    using Task = void (*)(void* context, unsigned index);

    // Of one device; made when first asked for.
    static ThreadPool& of(int device);

    // Calls task(context, i) once for each i in [0, count), in any order, and returns when all are done. Each thread
    // has its share of them, from launch to launch the same part, so that what it has made is in its cache; one that is
    // done takes over from others.
    // If another thread is using the helpers, the caller does the whole work alone.
    void run(unsigned count, Task task, void* context);

    int threads() const { return threads_.load(); }
    void set_threads(int threads);

    ~ThreadPool();

 private:
    explicit ThreadPool(int threads) { set_threads(threads); }
    void help(unsigned thread, unsigned seen);
    void work(unsigned thread);
    void stop_helpers();

    struct alignas(64) Share {
        std::atomic<unsigned> next{0};
        unsigned end = 0;
    };

    // state_ counts the helpers at work on the current job; with kClosed none may join any more.
    static constexpr unsigned kClosed = 1u << 31;

    std::mutex owner_;
    std::atomic<int> threads_{1};
    std::vector<std::thread> helpers_;
    std::atomic<unsigned> generation_{0};
    std::atomic<unsigned> state_{kClosed};
    std::atomic<bool> stopping_{false};
    // By thread; the caller's is the first.
    std::unique_ptr<Share[]> shares_;
    unsigned share_count_ = 0;
    Task task_ = nullptr;
    void* context_ = nullptr;
};

}  // namespace spos
