// The threads of <threads.h>, which librdkafka starts and the thread sanitizer of gcc 12 does not
// know: the first call from such a thread of anything that it watches would crash. Here they are
// POSIX threads, as they are inside of glibc. Linked into every program of the preset `tsan`.
#include <pthread.h>
#include <threads.h>

#include <cerrno>
#include <cstdint>
#include <memory>

namespace {

struct Start {
  thrd_start_t function;
  void* argument;
};

void* Run(void* start) {
  const std::unique_ptr<Start> taken(static_cast<Start*>(start));
  return reinterpret_cast<void*>(static_cast<std::intptr_t>(taken->function(taken->argument)));
}

}  // namespace

extern "C" {

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  auto start = std::make_unique<Start>(Start{function, argument});
  const int error = pthread_create(thread, nullptr, &Run, start.get());
  if (error == 0) (void)start.release();  // The thread has it.
  if (error == 0) return thrd_success;
  return error == EAGAIN || error == ENOMEM ? thrd_nomem : thrd_error;
}

int thrd_join(thrd_t thread, int* result) {
  void* returned = nullptr;
  if (pthread_join(thread, &returned) != 0) return thrd_error;
  if (result != nullptr) *result = static_cast<int>(reinterpret_cast<std::intptr_t>(returned));
  return thrd_success;
}

}  // extern "C"
