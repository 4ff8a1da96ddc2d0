#include "server/app/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "storage/base/assert.h"

namespace barograph::server {

namespace {
sigset_t Watched() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}
}  // namespace

Signals::Signals() {
  const sigset_t set = Watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A receiver that closes early must not end the server.
  ::signal(SIGPIPE, SIG_IGN);
  descriptor_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  BAROGRAPH_ASSERT(descriptor_ >= 0, "signalfd failed");
}

Signals::~Signals() { ::close(descriptor_); }

std::optional<Signal> Signals::Wait(Duration timeout) {
  pollfd ready{.fd = descriptor_, .events = POLLIN, .revents = 0};
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  if (::poll(&ready, 1, static_cast<int>(milliseconds)) <= 0) return std::nullopt;
  signalfd_siginfo received{};
  if (::read(descriptor_, &received, sizeof(received)) != sizeof(received)) return std::nullopt;
  if (received.ssi_signo == SIGHUP) return Signal::kReload;
  if (!stop_seen_) {
    // From here on the default action is back: who asks twice does not want to wait.
    stop_seen_ = true;
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    const sigset_t set = Watched();
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  }
  return Signal::kStop;
}

}  // namespace barograph::server
