#include <absl/synchronization/mutex.h>

#include "server/app/command_line.h"

/// Read by jemalloc, where the program is linked with it (server/CMakeLists.txt). Two arenas are
/// enough for two or three busy threads and let memory that one thread frees serve another; pages
/// that were freed stay for 30 s before they go back to the kernel, because memtables and groups
/// come again every few seconds, and a fresh page costs more than what is written to it.
extern "C" {
extern const char* const malloc_conf;
const char* const malloc_conf = "narenas:2,dirty_decay_ms:30000,muzzy_decay_ms:0";
}

int main(int argc, char** argv) {
#ifndef BAROGRAPH_FAILPOINTS
  // Debian builds Abseil with its search for lock cycles, which takes a global lock at every lock,
  // ours and gRPC's. Builds for tests keep it.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  return barograph::server::RunCommandLine(argc, argv);
}
