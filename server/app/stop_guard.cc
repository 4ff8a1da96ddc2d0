#include "server/app/stop_guard.h"

#include <absl/time/time.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "server/cli/command.h"
#include "storage/base/thread.h"

namespace barograph::server {

StopGuard::StopGuard(Duration limit)
    : thread_(StartThread("stop-guard", [this, limit] {
        if (done_.WaitForNotificationWithTimeout(absl::FromChrono(limit))) return;
        spdlog::critical("not everything could be stopped within {}, ending the process",
                         FormatDuration(limit));
        std::_Exit(kExitFailed);
      })) {}

StopGuard::~StopGuard() {
  done_.Notify();
  thread_.join();
}

}  // namespace barograph::server
