// Handles of the driver API: which are live, so that a freed or foreign one is an error and not a crash.
#pragma once

#include <mutex>
#include <unordered_set>

#include "device.h"

namespace spos {

template <class T>
class Handles {
 public:
    T* add(T* handle) {
        std::lock_guard lock(mutex_);
        live_.insert(handle);
        return handle;
    }
    bool contains(const T* handle) {
        std::lock_guard lock(mutex_);
        return live_.count(const_cast<T*>(handle)) != 0;
    }
    // True if it was live; the caller then owns it.
    bool remove(T* handle) {
        std::lock_guard lock(mutex_);
        return live_.erase(handle) != 0;
    }

 private:
    std::mutex mutex_;
    std::unordered_set<T*> live_;
};

// Never destroyed: threads may still call while the process exits.
template <class T>
Handles<T>& handles() {
    static Handles<T>* const instance = new Handles<T>;
    return *instance;
}

// Whether a handle is live and of the current context.
template <class T>
bool is_own(T* handle) {
    return handles<T>().contains(handle) && handle->device == current_device();
}

}  // namespace spos
