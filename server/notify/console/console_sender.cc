#include "server/notify/console/console_sender.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace barograph::server {
namespace {

class ConsoleSender final : public Sender {
 public:
  explicit ConsoleSender(int descriptor) : descriptor_(descriptor) {}

  void Send(Attempt attempt, std::function<void(TryResult)> done) override {
    done(Write(attempt.body));
  }

 private:
  [[nodiscard]] TryResult Write(const std::string& line) const {
    // A pipe that poll calls writable takes PIPE_BUF bytes at once, and no line is longer.
    pollfd stream{descriptor_, POLLOUT, 0};
    if (::poll(&stream, 1, 0) != 1 || (stream.revents & POLLOUT) == 0) {
      return {.detail = "nobody reads the stream"};
    }
    const ssize_t written = ::write(descriptor_, line.data(), line.size());
    if (written == static_cast<ssize_t>(line.size())) {
      return {.outcome = TryResult::Outcome::kDelivered, .detail = "written"};
    }
    return {.detail = written < 0 ? std::strerror(errno) : "short write"};
  }

  int descriptor_;
};

}  // namespace

std::unique_ptr<Sender> MakeConsoleSender(int descriptor) {
  return std::make_unique<ConsoleSender>(descriptor);
}

}  // namespace barograph::server
