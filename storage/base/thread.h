#pragma once

#include <pthread.h>

#include <thread>
#include <utility>

namespace barograph {

/// Starts a thread that runs `body` and carries `name` in what an operator looks at (`top -H`,
/// `perf`, a core dump). `name` is a literal of at most 15 bytes, the kernel's limit; a longer one
/// is not set.
template <typename Body>
[[nodiscard]] std::thread StartThread(const char* name, Body body) {
  return std::thread([name, body = std::move(body)]() mutable {
    (void)pthread_setname_np(pthread_self(), name);
    body();
  });
}

}  // namespace barograph
